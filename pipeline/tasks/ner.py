"""Named entities: spans of the text with a label and a score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import Aggregation, NerSettings
from pipeline.contract import schema
from pipeline.errors import CheckpointError
from pipeline.tasks.spans import boundaries, fitted, is_word_start
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.tasks.words import words_of
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched

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
class Spans:
    """Tokens, words or entities in text order: their tags, scores and offsets, [spans] each."""

    tags: NDArray[np.intp]
    scores: Scores
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class NerTask(Task):
    """Entities by transformers' ``XmodForTokenClassification``, sorted and without overlaps.

    With ``aggregation: words`` a word (UAX 29) has the label of its first token. The others are
    those of transformers' token-classification pipeline
    (transformers/pipelines/token_classification.py), but in scripts without spaces each token is a
    word. Offsets are code points of the original text, ``text == document[start:end]``.
    """

    architecture = "XmodForTokenClassification"
    fields = (pa.field("entities", pa.list_(schema.ENTITY)),)

    def __init__(self, settings: NerSettings, checkpoint: Checkpoint) -> None:
        labels = checkpoint.labels
        if OUTSIDE not in labels:
            raise CheckpointError(
                f"{checkpoint.folder} has labels {', '.join(labels[:8])}; ner needs BIO or IO "
                f"labels, {OUTSIDE!r} for no entity. Check model.path, model.head and id2label."
            )
        strange = [label for label in labels if label[:2] in _OTHER_SCHEMES]
        if strange:
            raise CheckpointError(
                f"{checkpoint.folder} has labels {', '.join(strange[:4])}, of a scheme that marks "
                "ends or single tokens; expected BIO or IO. Train with B-, I- and O."
            )
        self._settings = settings
        self._outside = labels.index(OUTSIDE)
        self._begins = np.array([label.startswith("B-") for label in labels])
        self._types = np.array([label.removeprefix("B-").removeprefix("I-") for label in labels])
        self._unknown = checkpoint.tokenizer.unk_token_id

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Probabilities [tokens, labels]."""
        logits: Tensor = model.classifier(hidden).float()
        return logits.softmax(-1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's entities, as ``schema.ENTITY``; an empty list where there is none."""
        probabilities = stitched(scores, document.stride)
        if (probabilities.argmax(-1) == self._outside).all():
            return ([],)
        groups = self._groups(self._words(document, probabilities))
        entities = self._entities(document.text, groups)
        return ([entity for entity in entities if entity["score"] >= self._settings.min_score],)

    def _words(self, document: Document, probabilities: Scores) -> Spans:
        """Tokens, or words where the aggregation is by words."""
        ids, starts, ends = document.tokens
        if self._settings.aggregation is Aggregation.WORDS:
            words = words_of(document.text, list(zip(starts.tolist(), ends.tolist(), strict=True)))
            chosen = probabilities[np.array([word.token for word in words], dtype=np.intp)]
            starts = np.array([word.start for word in words], dtype=np.int32)
            ends = np.array([word.end for word in words], dtype=np.int32)
            return Spans(chosen.argmax(-1), chosen.max(-1), starts, ends)
        firsts = np.arange(len(starts))
        if self._settings.aggregation is not Aggregation.SIMPLE:
            firsts = firsts[self._begin_words(document.text, starts, ids)]
        chosen = self._chosen(probabilities, firsts)
        lasts = firsts + _lengths(firsts, len(probabilities)) - 1
        return Spans(chosen.argmax(-1), chosen.max(-1), starts[firsts], ends[lasts])

    def _begin_words(
        self, text: str, starts: NDArray[np.int32], ids: NDArray[np.int32]
    ) -> list[bool]:
        """Which tokens begin a word, as transformers sees it; an unknown token does."""
        return [
            place == 0 or token == self._unknown or is_word_start(text, start)
            for place, (start, token) in enumerate(zip(starts.tolist(), ids, strict=True))
        ]

    def _chosen(self, probabilities: Scores, firsts: NDArray[np.intp]) -> Scores:
        """The probabilities [words, labels] that give each word its tag and score.

        ``probabilities`` are [tokens, labels]; ``firsts`` [words] are the words' first tokens.
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

    def _groups(self, words: Spans) -> Spans:
        """Adjacent words of one type, without those outside; a B- tag begins a new group."""
        types, begins = self._types[words.tags], self._begins[words.tags]
        begins[:1] = True
        begins[1:] |= types[1:] != types[:-1]
        firsts = np.flatnonzero(begins)
        lasts = firsts + _lengths(firsts, len(begins)) - 1
        inside = words.tags[firsts] != self._outside
        means = _means(words.scores, firsts)[inside]
        firsts, lasts = firsts[inside], lasts[inside]
        return Spans(words.tags[firsts], means, words.starts[firsts], words.ends[lasts])

    def _entities(self, text: str, groups: Spans) -> Iterator[Entity]:
        """The groups fitted to whole characters, without those of white space alone.

        Tokens can share a character, such as a ligature, or a word's first letter with the mark of
        the word's start: the later entity then begins where the earlier one ends.
        """
        taken = 0
        between = boundaries(text)
        labels = self._types[groups.tags].tolist()
        columns = (groups.starts.tolist(), groups.ends.tolist(), groups.scores.tolist())
        for label, first, last, score in zip(labels, *columns, strict=True):
            start, end = fitted(text, between, max(first, taken), last)
            if start < end:
                taken = end
                yield Entity(label=label, text=text[start:end], start=start, end=end, score=score)


def _lengths(firsts: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    return np.diff(firsts, append=total)


def _means(values: Scores, firsts: NDArray[np.intp]) -> Scores:
    """The means of the runs of ``values`` [values, …] that begin at ``firsts`` [runs]."""
    lengths = _lengths(firsts, len(values)).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(np.add.reduceat(values, firsts, axis=0) / lengths, dtype=values.dtype)
