"""Texts in several languages: pieces, each with a language of its own.

Enters: a text, and what a detector says of its pieces. Leaves: the main language, the shares of
all, and which adapter each stretch of the text goes through. What holds: pieces follow one another
and make the whole text; they are judged by the thresholds that hold for whole texts.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from pipeline.config import LanguageSettings
from pipeline.language.detection import Detection
from pipeline.language.outcome import as_written
from pipeline.language.tags import UNDETERMINED, bcp47

LONGEST_PIECE = 300
"""Characters; enough to tell any language from its relatives, and few beside a window's 2,000."""
_SHORTEST_PIECE = 60

Spoken = tuple[str | None, str | None]
"""An X-MOD code, or a BCP 47 tag that has no adapter."""
Segment = tuple[int, Spoken | None]
"""Where a stretch of text ends, and its language, None where too little is told."""


def pieces(text: str) -> list[str]:
    """``text`` cut at line ends, else at sentence ends, else at spaces."""
    bounds = [0]
    while bounds[-1] < len(text):
        bounds.append(_end(text, bounds[-1]))
    return [text[start:end] for start, end in pairwise(bounds)]


@dataclass(frozen=True)
class Mixture:
    """The pieces of a text, and what was heard in each."""

    texts: tuple[str, ...]
    answers: tuple[Detection, ...]

    def main(self, settings: LanguageSettings) -> Detection:
        """The language of most characters; the score is the mean one of its pieces."""
        shares = self._counts(settings)
        told = {language: count for language, count in shares.items() if language is not None}
        if not told:
            return max(self.answers, key=lambda one: one.score, default=Detection())
        code, tag = max(told, key=lambda language: told[language])
        own = [
            (_characters(text), answer)
            for text, answer in zip(self.texts, self.answers, strict=True)
            if _spoken(answer, settings) == (code, tag)
        ]
        scores = [one.score if code else one.outside_score for _, one in own]
        score = sum(length * one for (length, _), one in zip(own, scores, strict=True))
        mean = score / max(1, sum(length for length, _ in own))
        return Detection(((code, mean),)) if code else Detection((), tag, mean)

    def shares(
        self, settings: LanguageSettings, languages: tuple[str, ...]
    ) -> list[dict[str, object]]:
        """Rows of ``schema.LANGUAGE_FRACTIONS``; ``und`` is what too little was told of."""
        counts: dict[str, int] = defaultdict(int)
        for text, answer in zip(self.texts, self.answers, strict=True):
            code, tag = _spoken(answer, settings) or (None, UNDETERMINED)
            written = as_written(bcp47(code, languages), text) if code else str(tag)
            counts[written] += _characters(text)
        whole = max(1, sum(counts.values()))
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [{"language": tag, "fraction": count / whole} for tag, count in ordered if count]

    def segments(self, settings: LanguageSettings) -> list[Segment]:
        """Stretches of one language."""
        found: list[Segment] = []
        end = 0
        for text, answer in zip(self.texts, self.answers, strict=True):
            end += len(text)
            language = _spoken(answer, settings)
            if found and found[-1][1] == language:
                found.pop()
            found.append((end, language))
        return found

    def _counts(self, settings: LanguageSettings) -> dict[Spoken | None, int]:
        counts: dict[Spoken | None, int] = defaultdict(int)
        for text, answer in zip(self.texts, self.answers, strict=True):
            counts[_spoken(answer, settings)] += _characters(text)
        return counts


def _spoken(answer: Detection, settings: LanguageSettings) -> Spoken | None:
    """What is told of a piece, by the thresholds that hold for whole texts."""
    if answer.language is not None and answer.score >= settings.least_score(answer.language):
        return answer.language, None
    if answer.outside is not None and answer.outside_score >= settings.min_score:
        return None, answer.outside
    return None


def _characters(text: str) -> int:
    """Blanks do not count: noise is blanked out."""
    return len(text) - text.count(" ")


def _end(text: str, start: int) -> int:
    stop = start + LONGEST_PIECE
    if stop >= len(text):
        return len(text)
    line = text.find("\n", start + _SHORTEST_PIECE, stop)
    if line >= 0:
        return line + 1
    sentence = max(text.rfind(mark, start + _SHORTEST_PIECE, stop) for mark in ".!?。！？।۔؟")
    space = text.rfind(" ", start + _SHORTEST_PIECE, stop)
    cut: int = sentence if sentence >= 0 else space
    return cut + 1 if cut >= 0 else stop
