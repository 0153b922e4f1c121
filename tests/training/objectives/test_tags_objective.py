"""Entity tags while pre-training."""

import torch
from training_configs import pretrain_config
from transformers import AutoTokenizer

from pipeline.training.config import LabelledObjective
from pipeline.training.labels import LABELS
from pipeline.training.objectives.objective import IGNORED
from pipeline.training.objectives.tags import tags


def test_tags_batch_has_a_tag_for_every_token_that_is_not_special(corpora, base):
    settings = LabelledObjective(
        data=corpora / "ner.parquet", share=0.5, max_rows_per_language=20, batch_size=4
    )
    tokenizer = AutoTokenizer.from_pretrained(base)
    objective = tags(pretrain_config(corpora, base), settings, tokenizer)
    assert len(objective.examples) == 60  # 20 of each of three languages
    batch = objective.collate(list(objective.examples[:30:5]))
    special = torch.isin(batch["input_ids"], torch.tensor([0, 1, 2]))
    assert ((batch["tags"] == IGNORED) == special).all()
    assert set(batch["tags"][~special].tolist()) <= set(range(len(LABELS)))
    hidden = torch.randn(*batch["tags"].shape, 16)
    assert objective.loss(objective.head, hidden, batch) > 0
