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


def paired(settings: JobSettings, **values: object) -> JobSettings:
    """``settings`` of a corpus with a column of second texts; ``values`` are of its classifier."""
    tasks = [
        task.model_copy(update=values) if task.type == "classification" else task
        for task in settings.tasks
    ]
    own = settings.input.model_copy(update={"second_text_column": "hypothesis"})
    return settings.model_copy(update={"input": own, "tasks": tuple(tasks)})


def test_annotated_pairs_the_text_with_the_trials_second_one(settings):
    spoken = {"language": "de"}
    alone = annotated(settings, Trial("Anna met Karl.", **spoken))
    found = annotated(paired(settings), Trial("Anna met Karl.", **spoken, second_text="Who?"))
    fixed = paired(settings, second_text="Who?")
    assert found["topic_score"] != alone["topic_score"]
    assert (
        annotated(fixed, Trial("Anna met Karl.", **spoken))["topic_score"] == found["topic_score"]
    )


def test_annotated_trial_without_the_second_text_of_its_corpus_is_refused(settings):
    with pytest.raises(InputError, match="in stage tokenize, as NoSecondText"):
        annotated(paired(settings), Trial("Anna met Karl.", language="de"))
