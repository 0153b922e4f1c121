"""A trained X-MOD with one adapter and vocabulary rows more, which alone are trained.

What was there has no gradient, and stays to the bit. While they are trained, the new rows are
weights of their own: a vocabulary of 250,000 rows has no gradient and no state in the optimiser.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import XmodConfig
from transformers.modeling_outputs import MaskedLMOutput

from pipeline.training.base import load, opened
from pipeline.training.codec import Codec
from pipeline.training.collate import masked_lm_loss
from pipeline.training.heads.masked_lm import MaskedWords
from pipeline.training.settings import Base
from pipeline.training.trainer import MaskedTrainer
from pipeline.xmod.checkpoint import Checkpoint

ROWS = ("new_rows", "new_bias")
"""Weights with a row a new token."""


class GrowingWords(MaskedWords):  # type: ignore[no-untyped-call]
    """Masked LM over a vocabulary whose last rows, `new_rows` and `new_bias`, may be apart."""

    def __init__(self, config: XmodConfig) -> None:
        super().__init__(config)
        for name in ROWS:
            self.register_parameter(name, None)

    def grow(self, kept: int, rows: int) -> None:
        """Begin with `rows` new rows after the first `kept`.

        They start as the mean of the old ones, so that none takes more probability than another.
        """
        self.kept = kept
        old, bias = self.roberta.embeddings.word_embeddings.weight, self.lm_head.bias
        self.new_rows = nn.Parameter(old[:kept].mean(0).detach().repeat(rows, 1))
        self.new_bias = nn.Parameter(bias[:kept].mean().detach().repeat(rows))

    def join(self) -> None:
        """Make the new rows the last of the vocabulary, as in a model that never grew."""
        if self.new_rows is None:
            return
        rows, bias, end = self.new_rows, self.new_bias, self.kept + len(self.new_rows)
        for name in ROWS:
            self.register_parameter(name, None)
        if end > self.config.vocab_size:
            self.resize_token_embeddings(end, mean_resizing=False)
        with torch.no_grad():
            self.roberta.embeddings.word_embeddings.weight[self.kept : end] = rows
            self.lm_head.bias[self.kept : end] = bias

    def forward(self, *, labels: Tensor, **inputs: Any) -> MaskedLMOutput:  # noqa: ANN401
        """The mean loss at `labels` [rows, tokens] that are not IGNORED; 0 where none is hidden."""
        if self.new_rows is None:
            return super().forward(labels=labels, **inputs)
        embedded = self._embedded(inputs.pop("input_ids"))
        hidden = self.roberta(inputs_embeds=embedded, **inputs).last_hidden_state
        size = self.config.vocab_size + len(self.new_rows)
        return MaskedLMOutput(loss=masked_lm_loss(self._scores, hidden, labels, size))

    def _embedded(self, ids: Tensor) -> Tensor:
        """Word embeddings of `ids` [rows, tokens]; [rows, tokens, hidden]."""
        place = ids - self.kept
        is_new = (place >= 0) & (place < len(self.new_rows))
        old = self.roberta.embeddings.word_embeddings(ids.masked_fill(is_new, 0))
        new = functional.embedding(place.masked_fill(~is_new, 0), self.new_rows)
        return torch.where(is_new.unsqueeze(-1), new, old)

    def _scores(self, hidden: Tensor) -> Tensor:
        """Scores of all tokens [places, vocabulary] for `hidden` [places, hidden]."""
        head = self.lm_head
        features = head.layer_norm(functional.gelu(head.dense(hidden)))
        old, new = head.decoder(features), features @ self.new_rows.T + self.new_bias
        return torch.cat([old[:, : self.kept], new, old[:, self.kept + new.shape[1] :]], dim=1)


def growing_model(checkpoint: Checkpoint, codec: Codec, start: str | None) -> GrowingWords:
    """The base with an adapter for the last of the codec's languages, and new rows apart.

    The adapter is that of the language `start`, or new.
    """
    model, _ = load(checkpoint, GrowingWords, {"languages": list(codec.languages)})
    kept, tokens = len(checkpoint.tokenizer), len(codec.tokenizer)
    if tokens > kept:
        model.grow(kept, tokens - kept)
    if start is not None:
        weights, language = dict(model.named_parameters()), codec.languages[-1]
        with torch.no_grad():
            for name in (name for name in weights if is_adapter_of(language, name)):
                weights[name].copy_(weights[name.replace(f".{language}.", f".{start}.")])
    return model


def extended_model(
    base: Base | Checkpoint,
    codec: Codec,
    start: str | None,
    learnt: Mapping[str, Tensor] | None = None,
) -> GrowingWords:
    """The base with an adapter and rows more, whose weights are as they start or as `learnt`."""
    checkpoint = base if isinstance(base, Checkpoint) else opened(base)
    model = growing_model(checkpoint, codec, start)
    model.load_state_dict(dict(learnt or {}), strict=False)
    model.join()
    return model


def freeze_all_but(model: nn.Module, language: str) -> None:
    """Leave a gradient to the adapter of `language` and to new vocabulary rows."""
    for name, weight in model.named_parameters():
        weight.requires_grad_(is_adapter_of(language, name) or name in ROWS)


def is_adapter_of(language: str, name: str) -> bool:
    """Whether a parameter of this name belongs to the adapter of `language`."""
    return f".adapter_modules.{language}." in name


class AdditionTrainer(MaskedTrainer):
    """New vocabulary rows have a learning rate of their own, `rows_rate`, and do not decay."""

    rows_rate: float

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over the weights that are trained."""
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
