"""Spans of a text that answer a question, from an extractive model's logits.

An answer's score is the probability of its first token times that of its last one. Both are over
the text's tokens in one window and the window's first token, which stands for "no answer": as in
the question-answering pipeline of transformers 4, for checkpoints trained on SQuAD 2.0 as well
(Rajpurkar et al., "Know What You Don't Know", ACL 2018).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.tasks.spans import boundaries, widened
from pipeline.tasks.task import Document, Scores
from pipeline.xmod.windows import Window


class Answer(NamedTuple):
    """Code points of the text, half-open."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Extraction:
    """Up to ``n_best`` answers of at most ``max_answer_tokens`` and at least ``min_score``.

    With ``no_answer``, an answer must be at least as likely as "no answer" in the window where that
    is least likely.
    """

    n_best: int = 1
    max_answer_tokens: int = 15
    no_answer: bool = False
    min_score: float = 0.0

    def answers(self, document: Document, scores: Sequence[Scores]) -> list[Answer]:
        """The best answers, the best first, from logits [tokens, 2] of each window.

        They begin and end with whole characters and without white space; one that several windows
        give has the highest of its scores.
        """
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
            for found in self._candidates(document.text, window, starts, ends):
                span = widened(document.text, between, found.start, found.end)
                if span[0] < span[1] and found.score >= least:
                    best[span] = max(found.score, best.get(span, 0.0))
        ranked = sorted(best, key=lambda span: (-best[span], span))[: self.n_best]
        return [Answer(*span, best[span]) for span in ranked]

    def _candidates(
        self, text: str, window: Window, starts: Scores, ends: Scores
    ) -> Iterator[Answer]:
        """The ``n_best`` likeliest pairs of a first and a last token in one window."""
        spans = zip(window.starts.tolist(), window.ends.tolist(), strict=True)
        # A token of white space alone begins and ends no answer.
        words = np.flatnonzero([bool(text[start:end].strip()) for start, end in spans])
        pairs = np.tril(np.triu(np.outer(starts[words], ends[words])), self.max_answer_tokens - 1)
        rest = max(0, pairs.size - self.n_best)
        for flat in np.argpartition(pairs, rest, axis=None)[rest:] if pairs.size else ():
            first, last = np.unravel_index(flat, pairs.shape)
            start, end = window.starts[words[first]], window.ends[words[last]]
            yield Answer(int(start), int(end), float(pairs[first, last]))


def _probabilities(window: Window, logits: Scores) -> tuple[Scores, Scores]:
    """[tokens] each: of a start and of an end, over the text's tokens and the first one."""
    shown = window.ends > 0
    shown[0] = True
    kept = np.where(shown[:, np.newaxis], logits, -np.inf)
    weights = np.exp(kept - kept.max(axis=0))
    starts, ends = (weights / weights.sum(axis=0)).T
    return starts, ends
