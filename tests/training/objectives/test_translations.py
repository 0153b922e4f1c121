"""Translations drawn together."""

import pyarrow as pa
import torch
from transformers import AutoTokenizer

from pipeline.training.objectives.translations import parallel_examples, ranking_loss


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
