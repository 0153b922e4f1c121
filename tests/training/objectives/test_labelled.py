"""Labelled rows as an objective."""

import pytest
import torch
from training_configs import labels_of, pretrain_config
from transformers import AutoTokenizer

from pipeline.errors import InputError
from pipeline.training.objectives.classes import CLASSES
from pipeline.training.objectives.labelled import labelled
from pipeline.training.objectives.tags import TAGS


def test_labelled_rows_of_other_languages_are_left_out(corpora, base, tmp_path):
    config = pretrain_config(corpora, tmp_path, languages=["zh_CN", "de_DE"])
    tokenizer = AutoTokenizer.from_pretrained(base)
    objective = labelled(TAGS, config, labels_of(corpora / "ner.parquet"), tokenizer, 16)
    assert {example["lang_id"] for example in objective.examples} == {0, 1}
    assert len(objective.examples) == 40


def test_labelled_without_a_row_in_its_languages_is_an_input_error(corpora, base, tmp_path):
    config = pretrain_config(corpora, tmp_path, languages=["fr_XX"])
    tokenizer = AutoTokenizer.from_pretrained(base)
    with pytest.raises(InputError, match=r"no train rows in \['fr_XX'\].*de_DE"):
        labelled(CLASSES, config, labels_of(corpora / "topic.parquet"), tokenizer, 16)


def test_labelled_head_has_the_width_that_it_is_given(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = pretrain_config(corpora, tmp_path)
    objective = labelled(TAGS, config, labels_of(corpora / "ner.parquet"), tokenizer, 24)
    batch = objective.collate(list(objective.examples[:3]))
    assert objective.loss(objective.head, torch.randn(*batch["tags"].shape, 24), batch) > 0


def test_labelled_order_changes_with_the_seed_of_the_run(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    settings = labels_of(corpora / "topic.parquet")
    configs = [pretrain_config(corpora, tmp_path, seed=seed) for seed in (3, 4, 3)]
    first, other, again = (
        next(iter(labelled(CLASSES, config, settings, tokenizer, 16).batches)) for config in configs
    )
    assert first == again != other
