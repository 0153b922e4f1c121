"""Named entities: spans of the text with a label and a score.

Enters: hidden states. Leaves: ``entities``. What holds: offsets are code points of the original
text and ``text == document[start:end]``; entities are sorted and do not overlap; no word is
inferred from spaces in scripts that have none.

``aggregation`` means what transformers' token-classification pipeline means by it
(transformers/pipelines/token_classification.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from torch import Tensor
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification, XmodPreTrainedModel

from pipeline import schema
from pipeline.errors import CheckpointError
from pipeline.settings import Aggregation, NerSettings
from pipeline.tasks.spans import fitted, is_word_start
from pipeline.tasks.task import Document, Scores
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import stitched

OUTSIDE = "O"


@dataclass(frozen=True)
class Piece:
    """A token or a word with its predicted tag: ``start`` to ``end`` in the text."""

    tag: int
    score: float
    start: int
    end: int


class NerTask:
    """Token classification with transformers' ``XmodForTokenClassification``."""

    model_class: ClassVar[type[XmodPreTrainedModel]] = XmodForTokenClassification

    def __init__(self, settings: NerSettings, checkpoint: Checkpoint) -> None:
        if OUTSIDE not in checkpoint.labels:
            raise CheckpointError(
                f"{checkpoint.folder} has labels {', '.join(checkpoint.labels[:8])}; ner needs "
                f"BIO or IO labels, {OUTSIDE!r} for no entity. Check model.path and id2label."
            )
        self._settings = settings
        self._outside = checkpoint.labels.index(OUTSIDE)
        self._begins = [label.startswith("B-") for label in checkpoint.labels]
        self._types = [label.removeprefix("B-").removeprefix("I-") for label in checkpoint.labels]
        self._unknown = checkpoint.tokenizer.unk_token_id

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The list of entities; empty where there is none."""
        return (pa.field("entities", pa.list_(schema.ENTITY)),)

    def score(self, model: Any, hidden: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401
        """Probabilities [rows, tokens, labels]."""
        logits: Tensor = model.classifier(hidden).float()
        return logits.softmax(-1)

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's entities, as ``schema.ENTITY`` has them."""
        probabilities = stitched(scores, document.stride)
        if (probabilities.argmax(-1) == self._outside).all() and not self._by_words:
            return ([],)
        pieces = self._pieces(document, probabilities)
        found = [self._entity(document.text, group) for group in self._groups(pieces)]
        return ([entity for entity in found if entity is not None],)

    @property
    def _by_words(self) -> bool:
        return self._settings.aggregation is not Aggregation.SIMPLE

    def _pieces(self, document: Document, probabilities: Scores) -> list[Piece]:
        windows = document.windows
        starts = stitched([window.starts for window in windows], document.stride).tolist()
        ends = stitched([window.ends for window in windows], document.stride).tolist()
        if not self._by_words:
            tokens = [[index] for index in range(len(starts))]
        else:
            ids = stitched([window.ids for window in windows], document.stride).tolist()
            tokens = self._words(document.text, starts, ids)
        return [
            Piece(*self._tag(probabilities[word]), starts[word[0]], ends[word[-1]])
            for word in tokens
        ]

    def _words(self, text: str, starts: list[int], ids: list[int]) -> list[list[int]]:
        """Positions of tokens, word by word; an unknown token is a word of its own start."""
        words: list[list[int]] = []
        for position, (start, token) in enumerate(zip(starts, ids, strict=True)):
            if not words or token == self._unknown or is_word_start(text, start):
                words.append([position])
            else:
                words[-1].append(position)
        return words

    def _tag(self, probabilities: Scores) -> tuple[int, float]:
        """The tag of a word from its tokens' probabilities [tokens, labels], and its score."""
        match self._settings.aggregation:
            case Aggregation.AVERAGE:
                chosen = probabilities.mean(0)
            case Aggregation.MAX:
                chosen = probabilities[probabilities.max(-1).argmax()]
            case _:
                chosen = probabilities[0]
        tag = int(chosen.argmax())
        return tag, float(chosen[tag])

    def _groups(self, pieces: list[Piece]) -> list[list[Piece]]:
        """Neighbours of one type; a tag that begins an entity begins a group."""
        groups: list[list[Piece]] = []
        for piece in pieces:
            same = groups and self._types[groups[-1][-1].tag] == self._types[piece.tag]
            if same and not self._begins[piece.tag]:
                groups[-1].append(piece)
            else:
                groups.append([piece])
        return [group for group in groups if group[0].tag != self._outside]

    def _entity(self, text: str, group: list[Piece]) -> dict[str, object] | None:
        score = float(np.mean([piece.score for piece in group]))
        start, end = fitted(text, group[0].start, group[-1].end)
        if start >= end or score < self._settings.min_score:
            return None
        return {
            "label": self._types[group[0].tag],
            "text": text[start:end],
            "start": start,
            "end": end,
            "score": score,
        }
