"""The default detector: scripts, then naive Bayes, then two libraries where that leaves doubt.

Enters: texts, and the X-MOD languages that may be answered. Leaves: one ``Detection`` a text.
What holds: a script of one language decides by itself; naive Bayes knows facebook/xmod-base's
languages and is asked for the rest of a batch at once; py3langid is asked for the few texts that it
is not sure of. A text in a language beyond the 81, which all of them would take for a neighbour, is
caught where CLD2 is sure of it, and goes to the adapter that a checkpoint may have for it. An
answer depends on its text alone.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.language.blend import load_blend
from pipeline.language.detection import Detection, Floats, Ranking, rankings
from pipeline.language.evidence import chinese_script, legible
from pipeline.language.library import NOT_TOLD_APART, Library
from pipeline.language.naive_bayes import load
from pipeline.language.py3langid_library import Py3langid
from pipeline.language.pycld2_library import Pycld2
from pipeline.language.scripts import told_by_script
from pipeline.language.tags import UNDETERMINED, Resolved, bcp47, resolve
from pipeline.language.trust import Trust

FOLDER = Path(__file__).parent
COUNTS, BLEND = "naive_bayes.safetensors", "blend.json"
"""What ``jobs/train_identifier.py`` writes."""

SURE = 0.5
"""From this probability on naive Bayes alone decides."""
SHORT = 60
"""Characters up to which others are asked at all."""
_NOTHING = 1e-9
_SCRIPTS = {"zh_CN": "Hans", "zh_TW": "Hant"}
_MAIN = 0.5
_ALIKE = (frozenset(_SCRIPTS), frozenset({"hr_HR", "sr_RS"}))
"""What libraries do not tell apart: they say ``zh`` of both, and take Serbian in Latin script for
Croatian. What they say of one is taken as said of both, and the counts decide."""
_STRANGER, _TOLD = 0.8, 40
"""The share of a text from which CLD2 is believed that its language is beyond the 81, and of how
many characters: it hears Xhosa in a few words of Dutch."""


class Experts:
    """Scripts, naive Bayes, py3langid and CLD2 over the labels of the counts."""

    def __init__(self, folder: Path) -> None:
        self._files = (folder / COUNTS, folder / BLEND)
        self._model = load(self._files[0])
        self._blend = load_blend(self._files[1])
        self._py3langid, self.cld2 = Py3langid(), Pycld2()
        self.labels = self._model.labels

    @property
    def version(self) -> str:
        """Of the libraries, of the counts and of the weights."""
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self._files]
        return f"{self._py3langid.version}, {self.cld2.version}, counts {' '.join(digests)}"

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """float32 [texts, labels]; rows are 0 where a text tells nothing."""
        shares = np.zeros((len(texts), len(self.labels)), dtype=np.float32)
        told = told_by_script(texts)
        for row, answer in enumerate(told):
            if answer is not None:
                shares[row, self.labels.index(answer[0])] = answer[1]
        open_rows = np.array([row for row, answer in enumerate(told) if answer is None], dtype=int)
        shares[open_rows] = self._by_contents([texts[row] for row in open_rows.tolist()])
        self._by_chinese_script(shares, texts)
        return shares

    def _by_chinese_script(self, shares: Floats, texts: Sequence[str]) -> None:
        """Give the share of Chinese to the script that a text is written in, where that is told."""
        chinese = [place for place, label in enumerate(self.labels) if label in _SCRIPTS]
        for row in np.flatnonzero(shares[:, chinese].sum(axis=1) > _MAIN).tolist():
            script = chinese_script(texts[row])
            if script is not None:
                whole = shares[row, chinese].sum()
                shares[row, chinese] = [
                    whole * (_SCRIPTS[self.labels[place]] == script) for place in chinese
                ]

    def _by_contents(self, texts: list[str]) -> Floats:
        likelihoods, spoke = self._model.likelihoods(texts)
        shares = self._blend.alone(likelihoods, spoke)
        unsure = np.flatnonzero(in_doubt(shares, texts) & (spoke > 0))
        asked = [texts[row] for row in unsure.tolist()]
        shares[unsure] = self._blend.together(
            likelihoods[unsure],
            spoke[unsure],
            opinions(self._py3langid, self.labels, asked),
            opinions(self.cld2, self.labels, asked),
        )
        return shares


class Cascade:
    """The experts' answers as X-MOD languages, and CLD2 behind them for all other languages."""

    def __init__(
        self, languages: tuple[str, ...], trust: Trust | None = None, folder: Path = FOLDER
    ) -> None:
        """``languages`` are X-MOD codes; the counts are in ``folder``."""
        self._experts = Experts(folder)
        labels = self._experts.labels
        self._languages = languages
        self._tags = [bcp47(label, labels) for label in labels]
        serving = [resolve(tag, languages).xmod_language for tag in self._tags]
        self._served = np.array(
            [[code == language for language in languages] for code in serving], dtype=np.float32
        )
        self._strangers = _strangers(self._experts.cld2.labels, labels, languages)
        self._trust = trust or Trust()

    @property
    def known(self) -> frozenset[str]:
        """The languages that this detector can answer at all."""
        served = np.array(self._languages)[self._served.any(axis=0)].tolist()
        added = (meaning.xmod_language for meaning in self._strangers.values())
        return frozenset(code for code in (*served, *added) if code is not None)

    @property
    def version(self) -> str:
        """The experts'."""
        return self._experts.version

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        """One answer a text, in order."""
        seen = [legible(text) for text in texts]
        shares = self._experts.probabilities(seen)
        inside, outside = shares @ self._served, shares * ~self._served.any(axis=1)
        rivals = [self._tags[place] for place in outside.argmax(axis=1).tolist()]
        beside = outside.max(axis=1, initial=0)
        inside /= np.maximum(inside.sum(axis=1) + beside, _NOTHING)[:, None]
        lengths = np.array([len(text) for text in seen])
        ranked = rankings(self._trust.shares(inside, lengths), self._languages)
        beside = self._trust.probabilities(beside, lengths).tolist()
        answers = zip(seen, ranked, rivals, beside, strict=True)
        return [self._decide(*answer) if answer[0] else Detection() for answer in answers]

    def _decide(self, text: str, ranked: Ranking, rival: str, beside: float) -> Detection:
        stranger, share = self._stranger(text) if len(text) >= _TOLD else (None, 0.0)
        if stranger is None:
            return Detection(ranked, rival if beside else None, beside)
        if stranger.xmod_language is not None:
            return Detection(((stranger.xmod_language, share),))
        rest = tuple((code, score * (1 - share)) for code, score in ranked)
        return Detection(rest, stranger.bcp47, share)

    def _stranger(self, text: str) -> tuple[Resolved | None, float]:
        """The language beyond the 81 that CLD2 hears in ``text``, and in how much of it."""
        label, share = self._experts.cld2.surest(text)
        meaning = self._strangers.get(label)
        return (meaning, share) if meaning is not None and share >= _STRANGER else (None, 0.0)


def in_doubt(shares: Floats, texts: Sequence[str]) -> NDArray[np.bool_]:
    """[texts]: whether naive Bayes's ``shares`` [texts, labels] leave doubt that others can settle.

    What doubt there is in long texts comes of kinship, which the counts tell better than they.
    """
    short = np.array([len(text) <= SHORT for text in texts], dtype=bool)
    doubt: NDArray[np.bool_] = (shares.max(axis=1, initial=0) < SURE) & short
    return doubt


def opinions(library: Library, labels: tuple[str, ...], texts: Sequence[str]) -> Floats:
    """What ``library`` says of ``texts`` with letters; float32 [texts, labels]."""
    shares = np.zeros((len(texts), len(labels)), dtype=np.float32)
    positions = _positions(tuple(library.labels), labels)
    for row, text in enumerate(texts):
        for label, share in library.probabilities(text):
            for place in positions.get(label, ()):
                shares[row, place] += share
    return shares


@cache
def _positions(spoken: tuple[str, ...], labels: tuple[str, ...]) -> dict[str, list[int]]:
    """Which of ``labels`` each of a library's speaks for."""
    found: dict[str, list[int]] = {}
    for label in spoken:
        code = resolve(NOT_TOLD_APART.get(label, label), labels).xmod_language
        alike = next((some for some in _ALIKE if code in some), {code})
        found[label] = [place for place, other in enumerate(labels) if other in alike]
    return found


def _strangers(
    labels: Sequence[str], known: tuple[str, ...], languages: tuple[str, ...]
) -> dict[str, Resolved]:
    """CLD2's labels of languages beyond the counts' labels, and which adapter serves them."""
    means = {label: resolve(label, languages) for label in labels if label not in NOT_TOLD_APART}
    return {
        label: meaning
        for label, meaning in means.items()
        if meaning.bcp47 != UNDETERMINED and resolve(label, known).xmod_language is None
    }
