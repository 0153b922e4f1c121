"""Labelled rows as objectives: entity tags and classes."""

import pytest
import torch
from torch import nn

from demo.training.objectives import class_loss, classes, tagging_loss, tags
from pipeline.errors import InputError
from pipeline.training.codec import Codec
from pipeline.training.collate import grouped
from pipeline.training.labels import IGNORED
from tests.helpers.demo_configs import demo_config, labels_of


@pytest.fixture
def codec(base) -> Codec:
    return Codec.of(base)


def examples(source):
    return source.encode(source.rows)


def test_labelled_rows_of_other_languages_are_left_out(corpora, codec, tmp_path):
    config = demo_config(corpora, tmp_path, languages=["zh_CN", "de_DE"])
    _, source = tags(config, labels_of(corpora / "ner.parquet"), codec)
    assert set(source.rows["language"].to_pylist()) == {"zh_CN", "de_DE"}
    assert source.rows.num_rows == 40


def test_labelled_without_a_row_in_its_languages_is_an_input_error(corpora, codec, tmp_path):
    config = demo_config(corpora, tmp_path, languages=["fr_XX"])
    with pytest.raises(InputError, match=r"no train rows in \['fr_XX'\].*de_DE"):
        classes(config, labels_of(corpora / "topic.parquet"), codec)


def test_tags_batch_has_each_rows_tags_and_one_at_each_word(corpora, codec, tmp_path):
    config = demo_config(corpora, tmp_path)
    objective, source = tags(config, labels_of(corpora / "ner.parquet"), codec)
    rows = examples(source)[::-7]
    batch = objective.collate(rows)
    for given, row in zip(batch["labels"].tolist(), grouped(rows), strict=True):
        length = len(row["labels"])
        assert given[:length] == row["labels"]
        assert set(given[length:]) <= {IGNORED}
        tagged = [place for place, tag in enumerate(row["labels"]) if tag != IGNORED]
        words = codec.tokenizer.decode(row["input_ids"], skip_special_tokens=True).split()
        assert 0 not in tagged and len(tagged) >= len(words) > 0


def test_classes_batch_keeps_each_rows_class_when_rows_are_sorted(corpora, codec, tmp_path):
    config = demo_config(corpora, tmp_path)
    objective, source = classes(config, labels_of(corpora / "topic.parquet"), codec)
    rows = examples(source)[::-7]
    batch = objective.collate(rows)
    assert batch["lang_ids"].tolist() == sorted(row["lang_id"] for row in rows)
    assert batch["labels"].tolist() == [row["labels"] for row in grouped(rows)]
    assert len(set(batch["labels"].tolist())) == objective.outputs == 2


def test_labelled_head_reads_states_of_the_width_that_it_is_given(corpora, codec, tmp_path):
    config = demo_config(corpora, tmp_path)
    objective, source = tags(config, labels_of(corpora / "ner.parquet"), codec)
    batch = objective.collate(examples(source)[:3])
    hidden = torch.randn(*batch["labels"].shape, 24)
    assert objective.loss(objective.head(24), hidden, batch) > 0


def test_tagging_loss_is_the_mean_over_tokens_that_have_a_tag():
    hidden = torch.zeros(1, 3, 5)
    hidden[0, 1, 4] = 20.0
    batch = {"labels": torch.tensor([[IGNORED, 4, IGNORED]])}
    assert float(tagging_loss(nn.Identity(), hidden, batch)) == pytest.approx(0.0, abs=1e-6)


def test_class_loss_reads_the_first_token():
    hidden = torch.zeros(1, 3, 2)
    hidden[0, 0, 1] = 20.0
    batch = {"labels": torch.tensor([1])}
    assert float(class_loss(nn.Identity(), hidden, batch)) == pytest.approx(0.0, abs=1e-6)
