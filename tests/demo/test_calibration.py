"""Weights and trust, fitted on texts of known languages."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from demo.training.calibration import (
    DevTexts,
    cropped,
    dev_texts,
    fitted_calibration,
    fitted_ensemble,
)
from demo.training.identifier import counted
from demo.training.settings import IdentifierConfig
from pipeline.language.detection import Detection

WORDS = "one two three four five six seven eight nine ten"


class Boaster:
    """Says 0.99 of every text, and is right as often as it was told to be."""

    known = frozenset({"de_DE", "en_XX"})
    version = "boaster 1"

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        return [Detection((("de_DE", 0.99), ("en_XX", 0.01)))] * len(texts)


def dev(right: int, wrong: int, unknown: int = 0) -> DevTexts:
    languages = ["de_DE"] * right + ["en_XX"] * wrong + ["xx_XX"] * unknown
    return DevTexts(["ein wort"] * len(languages), languages)


def test_fitted_trust_is_how_often_the_detector_is_right():
    trust = fitted_calibration(Boaster(), dev(right=75, wrong=25))
    told = trust.probabilities(np.array([0.99], np.float32), np.array([len("ein wort")]))
    assert told[0] == pytest.approx(0.75, abs=0.01)


def test_fitted_trust_judges_by_languages_that_the_detector_knows():
    assert fitted_calibration(Boaster(), dev(75, 25, unknown=500)) == fitted_calibration(
        Boaster(), dev(75, 25)
    )


class Contrary(Boaster):
    """Is right where it says 0.6, and wrong where it says 0.99."""

    def detect(self, texts: Sequence[str]) -> list[Detection]:
        sure = [Detection((("de_DE", 0.99), ("en_XX", 0.01)))]
        return [*sure, Detection((("de_DE", 0.6), ("en_XX", 0.4)))] * (len(texts) // 2)


def test_fitted_trust_never_turns_the_order_of_scores():
    texts = DevTexts(["ein wort"] * 100, ["en_XX", "de_DE"] * 50)
    assert fitted_calibration(Contrary(), texts).slope == 0


def test_fitted_blend_trusts_who_is_right():
    """Counts that know nothing of the texts leave doubt, and libraries know their languages."""
    config = IdentifierConfig(
        data=Path(),
        out=Path(),
        characters=1000,
        least_count=1,
        smoothing=0.01,
        detectors=(),
        seed=1,
    )
    codes = ["de_DE", "en_XX", "fr_XX", "nl_XX"]
    counts = counted(config, pa.table({"language": codes, "text": ["abc"] * 4}))
    texts = ["der alte baum", "the old tree", "das haus hier", "this house here"]
    blend = fitted_ensemble(counts, DevTexts(texts, ["de_DE", "en_XX"] * 2))
    assert blend.py3langid > 0


def test_dev_texts_are_whole_ones_and_a_piece_of_each():
    texts = dev_texts(pa.table({"text": [WORDS], "language": ["en_XX"]}), np.random.default_rng(1))
    whole, piece = texts.texts
    assert whole == WORDS
    assert piece in WORDS
    assert texts.languages == ["en_XX", "en_XX"]


def test_cropped_is_whole_words_in_their_order():
    generator = np.random.default_rng(3)
    pieces = [cropped(WORDS, generator) for _ in range(200)]
    assert all(piece in WORDS and 1 <= len(piece) <= 40 for piece in pieces)
    assert all(piece.split()[0] in WORDS.split() for piece in pieces)


def test_cropped_text_without_spaces_reaches_its_end():
    generator = np.random.default_rng(3)
    text = "这座城市很大河流经过人们住在那里山高水长"
    assert any(cropped(text, generator).endswith("长") for _ in range(200))
