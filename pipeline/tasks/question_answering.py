"""Question answering: the stretches of a text that answer a question.

Enters: hidden states of windows that hold the question and a piece of the text. Leaves:
``<name>_answers``, as ``schema.ANSWER`` has them, the best first; empty where there is none. What
holds: offsets are code points and ``text == document[start:end]``; no answer begins or ends inside
a character that people see as one.

An answer's score is the probability of its first token times that of its last, over the tokens of
the text in one window and the first token, which stands for no answer: as the question-answering
pipeline of transformers 4 had it, for models trained on SQuAD 2.0's unanswerable questions
(Rajpurkar et al., "Know What You Don't Know", ACL 2018) as well.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from torch import Tensor
from transformers.models.xmod.modeling_xmod import XmodForQuestionAnswering, XmodPreTrainedModel

from pipeline import schema
from pipeline.errors import CheckpointError
from pipeline.settings import QuestionAnsweringSettings
from pipeline.tasks.spans import boundaries, widened
from pipeline.tasks.task import Document, Places, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.packed import Packed
from pipeline.xmod.windows import Window


class _Found(NamedTuple):
    """Code points of the text, half-open."""

    start: int
    end: int
    score: float


class QuestionAnsweringTask(Task):
    """Extraction with transformers' ``XmodForQuestionAnswering``."""

    model_class: ClassVar[type[XmodPreTrainedModel]] = XmodForQuestionAnswering
    by_token: ClassVar[bool] = True

    def __init__(self, settings: QuestionAnsweringSettings, checkpoint: Checkpoint) -> None:
        if checkpoint.config.num_labels != 2:
            raise CheckpointError(
                f"{checkpoint.folder} has {checkpoint.config.num_labels} labels; task "
                f"{settings.name!r} needs two, an answer's start and its end. Check model.path."
            )
        self._settings = settings

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The list of answers."""
        return (pa.field(f"{self._settings.name}_answers", pa.list_(schema.ANSWER)),)

    def score(self, model: Any, hidden: Tensor, packed: Packed) -> Tensor:  # noqa: ANN401
        """[tokens, 2]: how well an answer starts, and ends, at each token."""
        logits: Tensor = model.qa_outputs(hidden).float()
        return logits

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's best answers."""
        by_window = [
            _probabilities(window, logits)
            for window, logits in zip(document.windows, scores, strict=True)
        ]
        least = self._settings.min_score
        if self._settings.no_answer:
            least = max(least, min(float(starts[0] * ends[0]) for starts, ends in by_window))
        best: dict[tuple[int, int], float] = {}
        between = boundaries(document.text)
        for window, (starts, ends) in zip(document.windows, by_window, strict=True):
            for found in self._found(_words(document.text, window), window, starts, ends):
                span = widened(document.text, between, found.start, found.end)
                if span[0] < span[1] and found.score >= least:
                    best[span] = max(found.score, best.get(span, 0.0))
        ranked = sorted(best, key=lambda span: (-best[span], span))[: self._settings.n_best]
        return (
            [
                {"text": document.text[start:end], "start": start, "end": end, "score": best[span]}
                for span in ranked
                for start, end in [span]
            ],
        )

    def _found(
        self, text: Places, window: Window, starts: Scores, ends: Scores
    ) -> Iterator[_Found]:
        """The best ``n_best`` pairs of a first and a last token at ``text`` in one window."""
        pairs = np.outer(starts[text], ends[text])
        pairs = np.tril(np.triu(pairs), self._settings.max_answer_tokens - 1)
        rest = max(0, pairs.size - self._settings.n_best)
        for flat in np.argpartition(pairs, rest, axis=None)[rest:] if pairs.size else ():
            first, last = np.unravel_index(flat, pairs.shape)
            yield _Found(
                int(window.starts[text[first]]),
                int(window.ends[text[last]]),
                float(pairs[first, last]),
            )


def _words(text: str, window: Window) -> Places:
    """Places of the text's tokens; one that is only white space begins and ends no answer."""
    spans = zip(window.starts.tolist(), window.ends.tolist(), strict=True)
    return np.flatnonzero([bool(text[start:end].strip()) for start, end in spans])


def _probabilities(window: Window, logits: Scores) -> tuple[Scores, Scores]:
    """[tokens] each: of a start and of an end, over the text's tokens and the first one."""
    shown = window.ends > 0
    shown[0] = True
    kept = np.where(shown[:, np.newaxis], logits, -np.inf)
    weights = np.exp(kept - kept.max(axis=0))
    starts, ends = (weights / weights.sum(axis=0)).T
    return starts, ends
