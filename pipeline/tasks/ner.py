"""Named entities: spans of the text with a label and a score.

Enters: hidden states. Leaves: ``entities``. What holds: offsets are code points of the original
text and ``text == document[start:end]``; entities are sorted and do not overlap; no word is
inferred from spaces in scripts that have none.

``aggregation`` means what transformers' token-classification pipeline means by it
(transformers/pipelines/token_classification.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import Aggregation, NerSettings
from pipeline.contract import schema
from pipeline.errors import CheckpointError
from pipeline.tasks.spans import boundaries, fitted, is_word_start
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed

OUTSIDE = "O"
_OTHER_SCHEMES = ("E-", "S-", "L-", "U-")
"""Prefixes of IOBES and BILOU, which would be taken for types."""


class Entity(TypedDict):
    """``schema.ENTITY`` in Python."""

    label: str
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Pieces:
    """Tokens, words or entities in text order, as columns: tag, score and span, each [pieces]."""

    tags: NDArray[np.intp]
    scores: Scores
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class NerTask(Task):
    """Token classification with transformers' ``XmodForTokenClassification``."""

    architecture = "XmodForTokenClassification"
    by_token: ClassVar[bool] = True

    def __init__(self, settings: NerSettings, checkpoint: Checkpoint) -> None:
        if OUTSIDE not in checkpoint.labels:
            raise CheckpointError(
                f"{checkpoint.folder} has labels {', '.join(checkpoint.labels[:8])}; ner needs "
                f"BIO or IO labels, {OUTSIDE!r} for no entity. Check model.path and id2label."
            )
        strange = [label for label in checkpoint.labels if label[:2] in _OTHER_SCHEMES]
        if strange:
            raise CheckpointError(
                f"{checkpoint.folder} has labels {', '.join(strange[:4])}, of a scheme that marks "
                "ends or single tokens; expected BIO or IO. Train with B-, I- and O."
            )
        self._settings = settings
        self._outside = checkpoint.labels.index(OUTSIDE)
        self._begins = np.array([label.startswith("B-") for label in checkpoint.labels])
        self._types = np.array(
            [label.removeprefix("B-").removeprefix("I-") for label in checkpoint.labels]
        )
        self._unknown = checkpoint.tokenizer.unk_token_id

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The list of entities; empty where there is none."""
        return (pa.field("entities", pa.list_(schema.ENTITY)),)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Probabilities [tokens, labels]."""
        logits: Tensor = model.classifier(hidden).float()
        return logits.softmax(-1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's entities, as ``schema.ENTITY`` has them."""
        probabilities = stitched(scores, document.stride)
        if (probabilities.argmax(-1) == self._outside).all():
            return ([],)
        groups = self._groups(self._pieces(document, probabilities))
        entities = _without_overlaps(self._entities(document.text, groups))
        return ([entity for entity in entities if entity["score"] >= self._settings.min_score],)

    def _pieces(self, document: Document, probabilities: Scores) -> Pieces:
        """Tokens, or words where the aggregation is by words."""
        windows, stride = document.windows, document.stride
        starts = stitched([window.starts for window in windows], stride)
        ends = stitched([window.ends for window in windows], stride)
        firsts = np.arange(len(starts))
        if self._settings.aggregation is not Aggregation.SIMPLE:
            ids = stitched([window.ids for window in windows], stride)
            firsts = firsts[self._begin_words(document.text, starts.tolist(), ids.tolist())]
        chosen = self._chosen(probabilities, firsts)
        lasts = _lasts(firsts, len(starts))
        return Pieces(chosen.argmax(-1), chosen.max(-1), starts[firsts], ends[lasts])

    def _begin_words(self, text: str, starts: list[int], ids: list[int]) -> list[bool]:
        """Whether each token begins a word; one that is unknown is a word of its own start."""
        return [
            position == 0 or token == self._unknown or is_word_start(text, start)
            for position, (start, token) in enumerate(zip(starts, ids, strict=True))
        ]

    def _chosen(self, probabilities: Scores, firsts: NDArray[np.intp]) -> Scores:
        """The probabilities [words, labels] that give each word its tag and score.

        From those of its tokens [tokens, labels]; ``firsts`` [words] are the words' first tokens.
        """
        match self._settings.aggregation:
            case Aggregation.AVERAGE:
                return _means(probabilities, firsts)
            case Aggregation.MAX:
                words = np.repeat(np.arange(len(firsts)), _lengths(firsts, len(probabilities)))
                surest_first = np.lexsort((-probabilities.max(-1), words))
                return probabilities[surest_first[firsts]]
            case _:
                return probabilities[firsts]

    def _groups(self, pieces: Pieces) -> Pieces:
        """Neighbours of one type; a tag that begins an entity begins a group."""
        types = self._types[pieces.tags]
        begins = self._begins[pieces.tags]
        begins[0] = True
        begins[1:] |= types[1:] != types[:-1]
        firsts = np.flatnonzero(begins)
        inside = pieces.tags[firsts] != self._outside
        lasts = _lasts(firsts, len(begins))
        return Pieces(
            pieces.tags[firsts][inside],
            _means(pieces.scores, firsts)[inside],
            pieces.starts[firsts][inside],
            pieces.ends[lasts][inside],
        )

    def _entities(self, text: str, groups: Pieces) -> Iterator[Entity]:
        """The groups that hold more than white space, cut where characters end."""
        between = boundaries(text)
        labels = self._types[groups.tags].tolist()
        columns = (groups.starts.tolist(), groups.ends.tolist(), groups.scores.tolist())
        for label, first, last, score in zip(labels, *columns, strict=True):
            start, end = fitted(text, between, first, last)
            if start < end:
                yield {
                    "label": label,
                    "text": text[start:end],
                    "start": start,
                    "end": end,
                    "score": score,
                }


def _without_overlaps(entities: Iterable[Entity]) -> list[Entity]:
    """Of two that share a character the longer one, then the surer one.

    They do where a tokenizer makes several tokens of one character, as of a ligature; the rule is
    the one by which transformers' pipeline joins windows.
    """
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity["start"] >= kept[-1]["end"]:
            kept.append(entity)
        elif _rank(entity) > _rank(kept[-1]):
            kept[-1] = entity
    return kept


def _rank(entity: Entity) -> tuple[int, float]:
    return entity["end"] - entity["start"], entity["score"]


def _lasts(firsts: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    return np.append(firsts[1:], total) - 1


def _lengths(firsts: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    return np.diff(firsts, append=total)


def _means(values: Scores, firsts: NDArray[np.intp]) -> Scores:
    """The means of the runs of ``values`` [values, …] that begin at ``firsts`` [runs]."""
    lengths = _lengths(firsts, len(values)).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(np.add.reduceat(values, firsts, axis=0) / lengths, dtype=values.dtype)
