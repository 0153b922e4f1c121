"""Mixed-language texts: pieces, the main language, language shares and adapter segments."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise

from pipeline.config import LanguageSettings
from pipeline.language.detection import Detection
from pipeline.language.routing import with_script
from pipeline.language.tags import UNDETERMINED, bcp47

LONGEST_PIECE = 300
"""Characters; enough to identify a language, and little beside the 2,000 of a window."""
_SHORTEST_PIECE = 60

PieceLanguage = tuple[str | None, str | None]
"""An X-MOD code, or the BCP 47 tag of a language without adapter; the other one is None."""
Segment = tuple[int, PieceLanguage | None]
"""Where a segment of a text ends, and its language; None where that is uncertain."""


def pieces(text: str) -> list[str]:
    """``text`` cut at line ends, else at sentence ends, else at spaces; joined, they are it."""
    bounds = [0]
    while bounds[-1] < len(text):
        bounds.append(_end(text, bounds[-1]))
    return [text[start:end] for start, end in pairwise(bounds)]


@dataclass(frozen=True)
class Mixture:
    """The pieces of a text and the detection of each, by the thresholds of whole texts."""

    texts: tuple[str, ...]
    answers: tuple[Detection, ...]

    def main(self, settings: LanguageSettings) -> Detection:
        """The language of most characters; its score is the mean over its characters."""
        languages, lengths = self._languages(settings), self._lengths()
        counts: Counter[PieceLanguage] = Counter()
        for language, length in zip(languages, lengths, strict=True):
            if language is not None:
                counts[language] += length
        if not counts:
            return max(self.answers, key=lambda one: one.score, default=Detection())
        code, tag = main = max(counts, key=lambda language: counts[language])
        total = sum(
            length * (one.score if code else one.outside_score)
            for language, length, one in zip(languages, lengths, self.answers, strict=True)
            if language == main
        )
        mean = total / max(1, counts[main])
        return Detection(((code, mean),)) if code else Detection((), tag, mean)

    def shares(
        self, settings: LanguageSettings, candidates: tuple[str, ...]
    ) -> list[dict[str, object]]:
        """Rows of ``schema.LANGUAGE_FRACTIONS``; ``und`` is the share of uncertain pieces."""
        counts: Counter[str] = Counter()
        languages = self._languages(settings)
        for text, language, length in zip(self.texts, languages, self._lengths(), strict=True):
            code, tag = language or (None, UNDETERMINED)
            counts[with_script(bcp47(code, candidates), text) if code else str(tag)] += length
        total = max(1, counts.total())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [{"language": tag, "fraction": count / total} for tag, count in ordered if count]

    def segments(self, settings: LanguageSettings) -> list[Segment]:
        """Ends and languages of the longest stretches of one language."""
        ends: list[Segment] = []
        end = 0
        neighbours = zip(self._languages(settings), self.texts, strict=True)
        for language, group in groupby(neighbours, key=lambda pair: pair[0]):
            end += sum(len(text) for _, text in group)
            ends.append((end, language))
        return ends

    def _languages(self, settings: LanguageSettings) -> list[PieceLanguage | None]:
        return [_language(answer, settings) for answer in self.answers]

    def _lengths(self) -> list[int]:
        """Characters of each piece but spaces, with which noise is blanked out."""
        return [len(text) - text.count(" ") for text in self.texts]


def _language(answer: Detection, settings: LanguageSettings) -> PieceLanguage | None:
    if answer.language is not None and answer.score >= settings.least_score(answer.language):
        return answer.language, None
    if answer.outside is not None and answer.outside_score >= settings.min_score:
        return None, answer.outside
    return None


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
