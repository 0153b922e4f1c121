"""Classes of texts while pre-training."""

import pytest
import torch
from torch import nn
from training_configs import labels_of, pretrain_config
from transformers import AutoTokenizer

from pipeline.training.objectives.classes import CLASSES, class_loss
from pipeline.training.objectives.labelled import labelled
from pipeline.training.trainer import by_language


def test_classes_batch_keeps_each_rows_class_when_rows_are_sorted(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = pretrain_config(corpora, tmp_path)
    objective = labelled(CLASSES, config, labels_of(corpora / "topic.parquet"), tokenizer, 16)
    rows = list(objective.examples[::-7])
    batch = objective.collate(rows)
    assert batch["lang_ids"].tolist() == sorted(row["lang_id"] for row in rows)
    assert batch["classes"].tolist() == [row["labels"] for row in by_language(rows)]
    assert len(set(batch["classes"].tolist())) == objective.head.out_features == 2


def test_class_loss_reads_the_first_token():
    hidden = torch.zeros(1, 3, 2)
    hidden[0, 0, 1] = 20.0
    batch = {"classes": torch.tensor([1])}
    assert float(class_loss(nn.Identity(), hidden, batch)) == pytest.approx(0.0, abs=1e-6)
