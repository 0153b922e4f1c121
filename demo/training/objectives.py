"""What the demo model learns: masked words, the meaning of texts, entities.

Each is a loss of the encoder's states through a head, and a source of examples.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn
from torch.nn import functional

from demo.training.settings import GrowthConfig, Objective
from pipeline.errors import InputError
from pipeline.training.codec import Codec
from pipeline.training.collate import (
    Batch,
    Example,
    MaskedCollator,
    grouped,
    masked_lm_loss,
    padded_inputs,
)
from pipeline.training.corpus import TEXT_COLUMNS, capped, of_split, read_labelled
from pipeline.training.heads.masked_lm import encode
from pipeline.training.heads.ner import NER
from pipeline.training.inference import means
from pipeline.training.labels import IGNORED
from pipeline.training.learning import Source
from pipeline.training.table_files import read_corpus

MASKED_LM, MEANING, TAGS = "masked_lm", "meaning", "tags"

FIRST_SHARE = 0.3
"""Weight of the first state, which heads for classes read, beside the mean."""

DEV_ROWS = 40
"""Of each language."""

StateLoss = Callable[[nn.Module, Tensor, Batch], Tensor]
"""Of a head, the hidden states [rows, tokens, hidden] and the batch; scalar."""


@dataclass(frozen=True)
class Learnable:
    """An objective with its examples, and how a batch of them becomes a loss."""

    settings: Objective
    source: Source
    collate: Callable[[list[Example]], Batch]
    loss: StateLoss
    labels: tuple[str, ...] = ()
    """Of the head, if it has one of its own."""
    dev: pa.Table | None = None
    """Rows that calibrate it."""


def learnables(config: GrowthConfig, codec: Codec) -> dict[str, Learnable]:
    """By name; raises InputError where data are missing or have no row in the codec's languages."""
    codec = replace(codec, window=min(codec.window, config.window))
    return {
        MASKED_LM: masked_lm(config, codec),
        MEANING: meaning(config, codec),
        TAGS: tags(config, codec),
    }


def masked_lm(config: GrowthConfig, codec: Codec) -> Learnable:
    """Windows packed with text."""
    settings = config.objectives.masked_lm
    rows = _known(read_corpus(settings.data, TEXT_COLUMNS), settings, codec, config)
    mask = MaskedCollator(codec, config.mask_share)
    return Learnable(settings, Source(rows, partial(encode, codec=codec)), mask, guess_words)


def meaning(config: GrowthConfig, codec: Codec) -> Learnable:
    """Texts with the vectors of another encoder."""
    settings = config.objectives.meaning
    rows = _known(read_corpus(settings.data, (*TEXT_COLUMNS, "vector")), settings, codec, config)
    center = torch.from_numpy(_matrix(rows["vector"]).mean(0, dtype=np.float32))
    collate = partial(_collated, codec, _vectors)
    source = Source(rows, partial(_with_vectors, codec=codec))
    return Learnable(settings, source, collate, partial(mean_as_taught, center))


def tags(config: GrowthConfig, codec: Codec) -> Learnable:
    """Entity tags of words."""
    settings = config.objectives.tags
    table = NER.checked(read_labelled(settings.data, NER.columns, NER.optional))
    rows = _known(of_split(table, "train"), settings, codec, config)
    dev = of_split(table, "dev")
    dev = dev.filter(pc.is_in(dev["language"], pa.array(codec.languages, pa.string())))
    codec = replace(codec, labels=NER.labels(rows))
    assert NER.targets is not None
    collate = partial(_collated, codec, NER.targets)
    source = Source(rows, partial(NER.encode, codec=codec))
    dev = capped(dev, DEV_ROWS, config.optimisation.seed)
    return Learnable(settings, source, collate, tag_words, codec.labels, dev)


def guess_words(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of hidden words; scalar."""
    return masked_lm_loss(head, hidden, batch["labels"])


def tag_words(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy of `batch["labels"]` [rows, tokens] over words; scalar."""
    logits = cast(Tensor, head(hidden)).flatten(0, 1).float()
    return functional.cross_entropy(logits, batch["labels"].flatten(), ignore_index=IGNORED)


def mean_as_taught(center: Tensor, _: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """1 - cosine to `batch["vectors"]` of the mean of the states, and of the first one; scalar.

    Cosines are around `center`, the mean of what is taught: all vectors of e5 are much alike.
    """
    wanted = functional.normalize(batch["vectors"] - center, dim=-1)
    hidden = hidden.float()
    given = torch.stack([means(hidden, batch["attention_mask"]), hidden[:, 0]])
    given = functional.normalize(functional.normalize(given, dim=-1) - center, dim=-1)
    mean, first = (1.0 - (given * wanted).sum(-1)).mean(-1).unbind()
    return mean + FIRST_SHARE * first


def _known(rows: pa.Table, settings: Objective, codec: Codec, config: GrowthConfig) -> pa.Table:
    present = rows["language"].unique().to_pylist()
    rows = rows.filter(pc.is_in(rows["language"], pa.array(codec.languages, pa.string())))
    if not rows.num_rows:
        raise InputError(
            f"{settings.data} has no train rows in {list(codec.languages)}; it has some in "
            f"{sorted(present)}. Correct data in the config."
        )
    return capped(rows, settings.max_rows_per_language, config.optimisation.seed)


def _with_vectors(table: pa.Table, codec: Codec) -> list[Example]:
    encoded = codec.encoded(table["text"].to_pylist())["input_ids"]
    vectors = _matrix(table["vector"])
    return [
        {"input_ids": ids, "vector": vector, "lang_id": codec.lang_ids[language]}
        for ids, vector, language in zip(
            encoded, vectors, table["language"].to_pylist(), strict=True
        )
    ]


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    """Lists of one size as [rows, size]."""
    matrix: np.ndarray = column.combine_chunks().flatten().to_numpy().reshape(len(column), -1)
    return matrix


def _vectors(rows: list[Example]) -> Batch:
    return {"vectors": torch.from_numpy(np.stack([row["vector"] for row in rows])).float()}


def _collated(
    codec: Codec, targets: Callable[[list[Example]], Batch], rows: list[Example]
) -> Batch:
    rows = grouped(rows)
    return {**padded_inputs(rows, codec.padding), **targets(rows)}
