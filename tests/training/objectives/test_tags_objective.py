"""Entity tags while pre-training."""

import pytest
import torch
from torch import nn
from training_configs import labels_of, pretrain_config
from transformers import AutoTokenizer

from pipeline.training.labels import IGNORED, LABELS
from pipeline.training.objectives.labelled import labelled
from pipeline.training.objectives.tags import TAGS, tagging_loss
from pipeline.training.trainer import by_language


def test_tags_batch_has_each_rows_tags_and_nothing_at_special_tokens(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = pretrain_config(corpora, tmp_path)
    objective = labelled(TAGS, config, labels_of(corpora / "ner.parquet"), tokenizer, 16)
    rows = list(objective.examples[::-7])
    batch = objective.collate(rows)
    for tags, row in zip(batch["tags"].tolist(), by_language(rows), strict=True):
        length = len(row["labels"])
        assert tags[:length] == row["labels"]
        assert set(tags[length:]) <= {IGNORED}
        special = [token in tokenizer.all_special_ids for token in row["input_ids"]]
        assert [tag == IGNORED for tag in row["labels"]] == special


def test_tagging_loss_is_the_mean_over_tokens_that_have_a_tag():
    hidden = torch.zeros(1, 3, len(LABELS))
    hidden[0, 1, 4] = 20.0
    batch = {"tags": torch.tensor([[IGNORED, 4, IGNORED]])}
    assert float(tagging_loss(nn.Identity(), hidden, batch)) == pytest.approx(0.0, abs=1e-6)
