"""Plain forwards of transformers' X-MOD, in batches of one language, sorted by length."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from pipeline.errors import LanguageError
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, padded_inputs
from pipeline.training.present_adapters import without_adapters

Ids = Sequence[int] | np.ndarray
"""Token ids of one sequence."""


@dataclass(frozen=True)
class Reader:
    """A model with its codec, the size of a batch, and the adapters that it reads with.

    `adapter` is a language whose adapter reads all texts; with None each is read by its own.
    `temperature` is that of the scores; None where the head has none yet.
    """

    model: PreTrainedModel
    codec: Codec
    batch_size: int
    adapter: str | None = None
    adapters_on: bool = True
    temperature: float | None = None

    def lang_id(self, language: str) -> int:
        """The position of the adapter for `language` among the model's.

        Raises LanguageError where the model has none.
        """
        wanted = self.adapter or language
        if wanted not in self.codec.lang_ids:
            raise LanguageError(
                f"No adapter for {wanted!r}. The model has {list(self.codec.languages)}."
            )
        return self.codec.lang_ids[wanted]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The model in evaluation mode, its adapters on or off as the reader says."""
        training = self.model.training
        self.model.train(False)
        with nullcontext() if self.adapters_on else without_adapters(self.model):
            try:
                yield
            finally:
                self.model.train(training)


def outputs(
    reader: Reader, sequences: Sequence[Ids], language: str, forward: Callable[[Batch], Tensor]
) -> list[np.ndarray]:
    """What `forward` gives for each of `sequences` of token ids, in their order.

    `forward` gets input_ids, attention_mask [batch, tokens] and lang_ids [batch], and gives
    [batch, …]; where that has a value a token, padding is in it still.
    """
    lang_id = reader.lang_id(language)
    order = sorted(range(len(sequences)), key=lambda place: len(sequences[place]))
    results: list[np.ndarray] = [np.zeros(0)] * len(sequences)
    for start in range(0, len(order), reader.batch_size):
        places = order[start : start + reader.batch_size]
        rows = [{"input_ids": sequences[place], "lang_id": lang_id} for place in places]
        batch = padded_inputs(rows, reader.codec.padding)
        batch = {name: tensor.to(reader.model.device) for name, tensor in batch.items()}
        with torch.inference_mode():
            given = forward(batch).float().cpu().numpy()
        for place, row in zip(places, given, strict=True):
            results[place] = row
    return results


def logits(reader: Reader, sequences: Sequence[Ids], language: str) -> list[np.ndarray]:
    """The model's logits for each sequence: [labels], or [tokens or more, labels]."""
    return outputs(reader, sequences, language, lambda batch: reader.model(**batch).logits)


def mean_embeddings(reader: Reader, texts: Sequence[str], language: str) -> np.ndarray:
    """Mean of the last hidden states over a text's tokens; float32 [texts, hidden], unit length."""

    def forward(batch: Batch) -> Tensor:
        return means(reader.model.base_model(**batch).last_hidden_state, batch["attention_mask"])

    ids = reader.codec.encoded(texts)["input_ids"]
    vectors = np.stack(outputs(reader, ids, language, forward))
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def means(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of [rows, tokens, hidden] over the attention mask [rows, tokens]; [rows, hidden]."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)
