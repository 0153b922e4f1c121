"""Vectors of texts, scored by retrieval: translations get neighbouring ones.

A text's vector is the mean of its hidden states, as the embeddings task pools them. The loss is the
bidirectional in-batch softmax of Yang et al., "Improving Multilingual Sentence Embedding using
Bi-directional Dual Encoder with Additive Margin Softmax" (IJCAI 2019), without the margin.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import XmodForMaskedLM
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example
from pipeline.training.heads.head import BASELINE, Head, Loss
from pipeline.training.inference import Reader, mean_embeddings, means


class SentenceEncoder(XmodForMaskedLM):  # type: ignore[no-untyped-call]
    """X-MOD whose forward is the encoder's alone; the masked-LM head is kept as it was."""

    # Vectors can be had of any checkpoint of X-MOD.
    _keys_to_ignore_on_load_missing = [r"lm_head\."]  # noqa: RUF012

    def forward(self, **inputs: Any) -> BaseModelOutputWithPoolingAndCrossAttentions:  # noqa: ANN401
        """Hidden states of `inputs`."""
        output: BaseModelOutputWithPoolingAndCrossAttentions = self.roberta(**inputs)
        return output


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Examples of two texts: `lang_id` is the first one's."""
    rows = table.select(["language", "translation_language"]).to_pylist()
    texts = codec.encoded(table["text"].to_pylist())["input_ids"]
    translations = codec.encoded(table["translation"].to_pylist())["input_ids"]
    return [
        {
            "input_ids": text,
            "lang_id": codec.lang_ids[row["language"]],
            "translation_ids": translation,
            "translation_lang_id": codec.lang_ids[row["translation_language"]],
        }
        for row, text, translation in zip(rows, texts, translations, strict=True)
    ]


def both(rows: list[Example]) -> list[Example]:
    """The texts of all rows, then their translations in the same order."""
    translations = [
        {"input_ids": row["translation_ids"], "lang_id": row["translation_lang_id"]} for row in rows
    ]
    return [*rows, *translations]


def loss(_: Tensor | None, temperature: float) -> Loss:
    """Mean cross-entropy of finding each text's translation in the batch, and back."""

    def ranked(model: nn.Module, batch: Batch) -> Tensor:
        hidden: Tensor = model(**batch).last_hidden_state
        return ranking_loss(means(hidden, batch["attention_mask"]), temperature)

    return ranked


def ranking_loss(vectors: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of finding each text's translation in the batch; scalar.

    `vectors` [2 × pairs, hidden]: row `i` and row `pairs + i` translate each other.
    """
    first, second = functional.normalize(vectors.float(), dim=-1).chunk(2)
    similarity = first @ second.T / temperature
    own = torch.arange(len(first), device=vectors.device)
    there = functional.cross_entropy(similarity, own)
    back = functional.cross_entropy(similarity.T, own)
    return (there + back) / 2


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`retrieval`: the share of texts whose nearest translation, by cosine, is their own."""
    texts = mean_embeddings(reader, rows["text"].to_pylist(), language)
    found = texts @ _translations(reader, rows).T
    return {"retrieval": float(np.mean(found.argmax(axis=1) == np.arange(len(texts))))}


def _translations(reader: Reader, rows: pa.Table) -> np.ndarray:
    """Unit vectors of the translations [rows, hidden], each by its own language's adapter."""
    languages = np.array(rows["translation_language"].to_pylist())
    texts = np.array(rows["translation"].to_pylist(), dtype=object)
    vectors = np.zeros((len(texts), reader.model.config.hidden_size), dtype=np.float32)
    for language in np.unique(languages):
        here = languages == language
        vectors[here] = mean_embeddings(reader, texts[here].tolist(), str(language))
    return vectors


EMBEDDINGS = Head(
    model=SentenceEncoder,
    columns=("text", "translation", "translation_language"),
    encode=encode,
    targets=lambda _: {},
    unfold=both,
    scored=scored,
    selects="retrieval",
    baselines={BASELINE: lambda _: lambda rows, _: {"retrieval": 1.0 / rows.num_rows}},
    loss=loss,
)
