"""What of an output tables are made of, and outputs that are refused."""

import json
from pathlib import Path

import pytest

from pipeline.config.tables import EnrichedOutput
from pipeline.contract.schema import SCHEMA_VERSION
from pipeline.errors import ConfigError, OutputError, SchemaError
from pipeline.storage import Store
from pipeline.tables.outputs import survey
from pipeline.tables.source import Source
from tests.helpers.enriched import write_output


def surveyed(uri: str, **settings: object) -> Source:
    values = {"uri": uri, "date_column": "published", **settings}
    return survey(EnrichedOutput.model_validate(values))


def test_survey_finds_what_is_committed(tmp_path: Path):
    source = surveyed(write_output(tmp_path / "out"), name="demo")
    assert (source.name, source.fingerprint) == ("demo", "a" * 64)
    assert [part.file for part in source.parts] == ["file:///corpus/a.parquet"] * 2
    assert source.parts[0].quarantined == (("fr", 1),)
    assert source.parts[0].reasons == (("ValueError", 1),)
    assert source.parts[1].quarantined == ()
    assert source.origin.inputs == ("published", "outlet", "visits", "text")
    assert source.origin.text == "text"
    assert source.origin.tasks == ("entities", "embedding", "topic_label", "topic_score")
    assert source.origin.labels == ("topic",)


def test_survey_without_a_name_is_called_by_its_address(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    assert surveyed(str(tmp_path / "out")).name == uri == f"file://{tmp_path}/out"


def test_survey_digest_changes_with_what_is_committed(tmp_path: Path):
    first = surveyed(write_output(tmp_path / "a"))
    same = surveyed(write_output(tmp_path / "b"))
    more = surveyed(write_output(tmp_path / "c", rows=18))
    assert first.digest == same.digest != more.digest


def test_survey_part_that_no_commit_record_names_is_passed_over(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    Store.open(uri).create("data/part-stray.parquet", b"anything")
    assert len(surveyed(uri).parts) == 2


def test_survey_unit_that_the_manifest_does_not_list_is_passed_over(tmp_path: Path):
    """As in the middle of a run that replaces units, or that follows a corpus that grew."""
    store = Store.open(write_output(tmp_path / "out"))
    before = surveyed(store.uri)
    manifest = store.read("_manifest.json")
    store.delete(["_SUCCESS"])
    write_output(tmp_path / "out", rows=18)
    assert len(surveyed(store.uri).parts) == 3
    store.replace("_manifest.json", manifest or b"")
    assert surveyed(store.uri) == before


def test_survey_incomplete_output_is_refused_unless_it_is_allowed(tmp_path: Path):
    uri = write_output(tmp_path / "out", success=False)
    with pytest.raises(OutputError, match=r"has no _SUCCESS.*allow_incomplete: true"):
        surveyed(uri)
    assert len(surveyed(uri, allow_incomplete=True).parts) == 2


def test_survey_unit_without_its_commit_record_is_not_there(tmp_path: Path):
    uri = write_output(tmp_path / "out", success=False)
    commits = Store.open(uri).listing("_commit")
    Store.open(uri).delete([next(iter(commits))])
    assert len(surveyed(uri, allow_incomplete=True).parts) == 1


def test_survey_of_a_folder_that_is_no_output_is_refused(tmp_path: Path):
    with pytest.raises(OutputError, match=r"no output of jobs/annotate\.py"):
        surveyed(str(tmp_path))


def test_survey_of_an_output_without_units_is_refused(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    Store.open(uri).delete(Store.open(uri).listing("_commit"))
    with pytest.raises(OutputError, match="no committed unit"):
        surveyed(uri)


def changed_commit(uri: str, **values: object) -> None:
    """Another commit record in place of the first."""
    store = Store.open(uri)
    path, body = next(iter(store.read_all(store.listing("_commit")).items()))
    store.replace(path, json.dumps({**json.loads(body), **values}).encode())


def test_survey_units_of_several_schema_versions_are_refused(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    changed_commit(uri, schema_version=1)
    with pytest.raises(OutputError, match=f"units of schema version 1, {SCHEMA_VERSION}; .*"):
        surveyed(uri)


def test_survey_units_of_several_fingerprints_are_refused(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    changed_commit(uri, fingerprint="b" * 64)
    with pytest.raises(OutputError, match=f"fingerprint {'b' * 64} beside"):
        surveyed(uri)


def test_survey_part_of_another_size_is_refused(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    path = next(iter(Store.open(uri).listing("data")))
    Store.open(uri).replace(path, b"short")
    with pytest.raises(OutputError, match=r"1 parts that are not as committed.* it has 5 bytes"):
        surveyed(uri)


def test_survey_missing_date_column_offers_the_nearest(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"'publish'.* did you mean 'published'\?"):
        surveyed(uri, date_column="publish")
    with pytest.raises(ConfigError, match=r"'n_tokens'.*it kept published, outlet, visits, text"):
        surveyed(uri, date_column="n_tokens")


def test_survey_date_column_of_a_wrong_type_is_refused(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    with pytest.raises(SchemaError, match=r"visits of .*/out is int64; expected dates"):
        surveyed(uri, date_column="visits")


def test_survey_run_identity_of_another_version_is_refused(tmp_path: Path):
    uri = write_output(tmp_path / "out")
    Store.open(uri).replace("_run.json", b'{"fingerprint": "x"}')
    with pytest.raises(OutputError, match=r"_run\.json is not a run's identity"):
        surveyed(uri)
