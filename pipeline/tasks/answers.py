"""Answers from an extractive model's scores.

Enters: logits of an answer's first and last token, for each token of a document's windows. Leaves:
stretches of the document's text, the best first. What holds: no answer begins or ends inside a
character that people see as one.

An answer's score is the probability of its first token times that of its last, over the tokens of
the text in one window and the first token, which stands for no answer: as the question-answering
pipeline of transformers 4 had it, for models trained on SQuAD 2.0's unanswerable questions
(Rajpurkar et al., "Know What You Don't Know", ACL 2018) as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.tasks.spans import boundaries, widened
from pipeline.tasks.task import Document, Places, Scores
from pipeline.xmod.windows import Window


class Answer(NamedTuple):
    """Code points of the text, half-open."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Extraction:
    """How many answers, how long, and how likely they must be.

    With `no_answer`, an answer must be likelier than that there is none.
    """

    n_best: int = 1
    max_answer_tokens: int = 15
    no_answer: bool = False
    min_score: float = 0.0

    def answers(self, document: Document, scores: Sequence[Scores]) -> list[Answer]:
        """The best answers, from logits [tokens, 2] of each window of `document`."""
        by_window = [
            _probabilities(window, logits)
            for window, logits in zip(document.windows, scores, strict=True)
        ]
        least = self.min_score
        if self.no_answer:
            least = max(least, min(float(starts[0] * ends[0]) for starts, ends in by_window))
        best: dict[tuple[int, int], float] = {}
        between = boundaries(document.text)
        for window, (starts, ends) in zip(document.windows, by_window, strict=True):
            for found in self._found(_words(document.text, window), window, starts, ends):
                span = widened(document.text, between, found.start, found.end)
                if span[0] < span[1] and found.score >= least:
                    best[span] = max(found.score, best.get(span, 0.0))
        ranked = sorted(best, key=lambda span: (-best[span], span))[: self.n_best]
        return [Answer(*span, best[span]) for span in ranked]

    def _found(
        self, text: Places, window: Window, starts: Scores, ends: Scores
    ) -> Iterator[Answer]:
        """The best ``n_best`` pairs of a first and a last token at ``text`` in one window."""
        pairs = np.outer(starts[text], ends[text])
        pairs = np.tril(np.triu(pairs), self.max_answer_tokens - 1)
        rest = max(0, pairs.size - self.n_best)
        for flat in np.argpartition(pairs, rest, axis=None)[rest:] if pairs.size else ():
            first, last = np.unravel_index(flat, pairs.shape)
            yield Answer(
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
