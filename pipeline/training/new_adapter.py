"""A trained X-MOD with one adapter more, of which nothing else is trained.

What was there has no gradient, or one of 0, and stays to the bit.
"""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import XmodConfig

from pipeline.training.codec import Codec
from pipeline.training.heads.masked_lm import MaskedWords
from pipeline.training.trainer import MaskedTrainer

ROWS = ("roberta.embeddings.word_embeddings.weight", "lm_head.bias")
"""Weights with a row a token."""


def extended_model(base: Path, codec: Codec, start: str | None) -> MaskedWords:
    """The base with an adapter for the last of the codec's languages, and rows for its tokens.

    The adapter is that of the language `start`, or new. A new vocabulary row starts as the mean of
    the old ones, so that it takes no more probability than another.
    """
    settings: Any = XmodConfig.from_pretrained(base)
    settings.languages = list(codec.languages)
    model = MaskedWords.from_pretrained(
        base, config=settings, dtype=torch.float32, use_safetensors=True
    )
    old = model.config.vocab_size
    if len(codec.tokenizer) > old:
        model.resize_token_embeddings(len(codec.tokenizer), mean_resizing=True)
    with torch.no_grad():
        model.lm_head.bias[old:] = model.lm_head.bias[:old].mean()
        if start is not None:
            weights, language = dict(model.named_parameters()), codec.languages[-1]
            for name in (name for name in weights if is_adapter_of(language, name)):
                weights[name].copy_(weights[name.replace(f".{language}.", f".{start}.")])
    return model


def freeze_all_but(model: nn.Module, language: str, *, kept: int, tokens: int) -> None:
    """Leave a gradient to the adapter of `language` and to vocabulary rows from `kept` to `tokens`.

    Rows before get a gradient of 0, with which Adam leaves them as they are.
    """
    for name, weight in model.named_parameters():
        rows = tokens > kept and name in ROWS
        weight.requires_grad_(is_adapter_of(language, name) or rows)
        if rows:
            weight.register_hook(partial(_only_new, kept))  # type: ignore[no-untyped-call]


def is_adapter_of(language: str, name: str) -> bool:
    """Whether a parameter of this name belongs to the adapter of `language`."""
    return f".adapter_modules.{language}." in name


class AdditionTrainer(MaskedTrainer):
    """New vocabulary rows have a learning rate of their own, `rows_rate`."""

    rows_rate: float

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW; without decay of vocabulary rows, which would change those that stay."""
        assert self.model is not None
        weights = [item for item in self.model.named_parameters() if item[1].requires_grad]
        adapter = {"params": [weight for name, weight in weights if name not in ROWS]}
        rows: dict[str, Any] = {"params": [weight for name, weight in weights if name in ROWS]}
        self.optimizer = torch.optim.AdamW(
            [adapter, {**rows, "lr": self.rows_rate, "weight_decay": 0.0}],
            lr=self.args.learning_rate,
            betas=(self.args.adam_beta1, self.args.adam_beta2),
            weight_decay=self.args.weight_decay,
        )
        return self.optimizer


def _only_new(kept: int, gradient: Tensor) -> Tensor:
    gradient = gradient.clone()
    gradient[:kept] = 0.0
    return gradient
