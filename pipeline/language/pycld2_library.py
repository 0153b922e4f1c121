"""pycld2: several times as fast as py3langid and nearly as accurate on sentences."""

from collections.abc import Iterable
from importlib.metadata import version

_UNKNOWN = "un"
_UNRELIABLE = 0.45
"""Probability of a guess that CLD2 calls unreliable, before calibration."""


class Pycld2:
    """Google's Compact Language Detector 2, without hints and on plain text.

    Labels are mostly ISO 639-1; ``iw`` is Hebrew, ``jw`` Javanese and ``zh`` simplified Chinese.
    """

    def __init__(self) -> None:
        import pycld2

        self._cld2 = pycld2
        known = set(pycld2.DETECTED_LANGUAGES)
        self.labels = sorted({code for name, code in pycld2.LANGUAGES if name in known})
        self.version = f"pycld2 {version('pycld2')}"

    def probabilities(self, text: str) -> Iterable[tuple[str, float]]:
        """Up to three labels and their shares of the text, lowered where CLD2 is not reliable."""
        reliable, _, details = self._cld2.detect(text, isPlainText=True)
        if not reliable:
            _, _, details = self._cld2.detect(text, isPlainText=True, bestEffort=True)
        shares = [(code, percent) for _, code, percent, _ in details if code != _UNKNOWN]
        whole = sum(percent for _, percent in shares) or 1
        trust = 1.0 if reliable else _UNRELIABLE
        languages = [(code, trust * percent / whole) for code, percent in shares]
        return [*languages, (_UNKNOWN, 1 - trust)]

    def surest(self, text: str) -> tuple[str, float]:
        """The first label and its share of the text; 0 where CLD2 is not reliable."""
        reliable, _, details = self._cld2.detect(text, isPlainText=True)
        _, label, percent, _ = details[0]
        return label, percent / 100 if reliable else 0.0
