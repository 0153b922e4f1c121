"""Translations drawn together."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from training_configs import pretrain_config
from transformers import AutoTokenizer

from pipeline.errors import InputError
from pipeline.training.config import TranslationObjective
from pipeline.training.objectives.translations import (
    parallel_examples,
    ranking_loss,
    translations,
)


def test_parallel_examples_are_groups_that_all_languages_have(base):
    table = pa.Table.from_pylist(
        [
            {"text": "the river", "language": "en_XX", "group": "a"},
            {"text": "der fluss", "language": "de_DE", "group": "a"},
            {"text": "the town", "language": "en_XX", "group": "b"},
        ]
    )
    tokenizer = AutoTokenizer.from_pretrained(base)
    (example,) = parallel_examples(table, tokenizer, {"en_XX": 0, "de_DE": 1})
    assert example["texts"] == {
        0: tokenizer("the river")["input_ids"],
        1: tokenizer("der fluss")["input_ids"],
    }


def test_ranking_loss_is_small_for_translations_and_large_for_others():
    texts = torch.eye(4)
    together = ranking_loss(torch.cat([texts, 3 * texts]), temperature=0.05)
    apart = ranking_loss(torch.cat([texts, texts.roll(1, 0)]), temperature=0.05)
    assert float(together) < 1e-6
    assert float(apart) > 10


def settings(data) -> TranslationObjective:
    return TranslationObjective(data=data, share=0.2, batch_size=4, temperature=0.1)


def test_translations_batch_pairs_the_halves_in_two_languages(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = pretrain_config(corpora, tmp_path, mask_share=1e-9)
    objective = translations(config, settings(corpora / "translations.parquet"), tokenizer)
    groups = list(objective.examples[:5])
    drawn = set()
    for _ in range(30):
        batch = objective.collate(groups)
        first, second = batch["lang_ids"][0].item(), batch["lang_ids"][5].item()
        assert batch["lang_ids"].tolist() == [first] * 5 + [second] * 5
        drawn.add((first, second))
        for row, language in enumerate(batch["lang_ids"].tolist()):
            kept = batch["input_ids"][row][batch["attention_mask"][row].bool()]
            assert kept.tolist() == groups[row % 5]["texts"][language]
    assert len(drawn) == 6  # all ordered pairs of three languages, none with itself


def test_translations_without_a_whole_group_is_an_input_error(base, corpora, tmp_path):
    rows = [
        {"text": "the river", "language": "en_XX", "group": "a"},
        {"text": "der fluss", "language": "de_DE", "group": "b"},
        {"text": "河流", "language": "zh_CN", "group": "c"},
    ]
    path = tmp_path / "apart.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    tokenizer = AutoTokenizer.from_pretrained(base)
    with pytest.raises(InputError, match="no group with a text in each"):
        translations(pretrain_config(corpora, tmp_path), settings(path), tokenizer)
