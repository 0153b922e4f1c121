"""One text through a job's stages, without a corpus and without Ray."""

from pathlib import Path

import pytest

from pipeline.cli.try_text import Trial, annotated
from pipeline.config import Fallback, JobSettings
from pipeline.errors import InputError
from tests.helpers.corpora import make_settings

COLUMNS = {"entities", "topic_label", "topic_score", "embedding", "n_tokens", "language"}


@pytest.fixture
def settings(tmp_path: Path, models: Path) -> JobSettings:
    return make_settings(str(tmp_path / "in"), str(tmp_path / "out"), models)


def test_annotated_has_the_columns_of_the_output_and_writes_nothing(settings, tmp_path):
    record = annotated(settings, Trial("Anna met Karl.", language="de"))
    assert record.keys() >= COLUMNS
    assert (record["language"], record["xmod_language"]) == ("de", "de_DE")
    assert record["language_source"] == "column"
    assert not any(name.startswith("_") for name in record)
    assert list(tmp_path.iterdir()) == []


def test_annotated_language_is_detected_where_none_is_given(settings):
    record = annotated(settings, Trial("Das Wetter ist heute schön und wir gehen spazieren."))
    assert (record["language"], record["language_source"]) == ("de", "detected")


def test_annotated_record_for_quarantine_is_an_error_that_says_why(settings):
    strict = settings.model_copy(
        update={"language": settings.language.model_copy(update={"fallback": Fallback.QUARANTINE})}
    )
    with pytest.raises(
        InputError, match=r"quarantine in stage identify, as UnknownLanguageTag: .*'qq'"
    ):
        annotated(strict, Trial("Anna", language="qq"))
