"""Record ids that repeat: looked up in the corpus before they are called well."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract.unit import Unit
from pipeline.corpus.survey import cut, survey_corpus
from pipeline.output.changes import Changes
from pipeline.output.commit import CommittedRows, commit_path, part_path, quarantine_path
from pipeline.output.manifest import Kept
from pipeline.output.output_lock import acquire_lock
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import reconcile
from pipeline.output.verify import Repeats, Verdict, verify
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, FINGERPRINT, make_block, make_unit
from tests.helpers.parquet_files import foreign, write


def settings_of(folder: Path, id_column: str | None = "id") -> InputSettings:
    return InputSettings(uri=str(folder), id_column=id_column)


def write_file(path: Path, ids: Sequence[object]) -> Path:
    return write(path, {"id": ids, "text": ["x"] * len(ids)})


def annotate(
    store: Store, folder: Path, claimed: dict[str, list[str]], **settings: str | None
) -> list[Unit]:
    """An output of the files in ``folder``, with the ids that are ``claimed`` by file."""
    found = settings_of(folder, **settings)
    acquire_lock(store, FINGERPRINT, {"input": found.model_dump(mode="json")})
    units = planned(found, unit_rows=2)
    for unit in units:
        name = unit.source.uri.rpartition("/")[2]
        ids = claimed[name][unit.start : unit.stop]
        failed = (1,) if unit.start == 0 else ()
        Publisher(store, DECLARED)(make_block(unit, failed, record_id=ids))
    reconcile(store, units, FINGERPRINT)
    return units


def planned(settings: InputSettings, unit_rows: int) -> list[Unit]:
    survey = survey_corpus(settings, allow_bad_files=False)
    return list(cut(survey, RuntimeSettings(unit_rows=unit_rows), FINGERPRINT, None))


IDS = {"a.parquet": ["1", "2", "2", "3"], "b.parquet": ["3", "2", "9"]}
"""Three that repeat an earlier one."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus with those ids, as numbers; row 1 of each file goes to quarantine."""
    for name, ids in IDS.items():
        write_file(tmp_path / "corpus" / name, [int(one) for one in ids])
    return tmp_path / "corpus"


def problem_of(verdict: Verdict, name: str) -> str:
    """What is wrong with the ids of one file, and that nothing else is wrong."""
    assert [problem.what for problem in verdict.problems] == ["record ids that repeat others"]
    assert verdict.problems[0].path.endswith(name)
    return str(verdict.problems[0].seen)


def test_ids_that_the_corpus_has_twice_are_well(local_store: Store, folder: Path):
    annotate(local_store, folder, IDS)
    verdict = verify(local_store)
    assert verdict.problems == ()
    assert verdict.repeats == Repeats(in_corpus=3)


@pytest.mark.s3
def test_ids_of_a_corpus_on_s3_are_looked_up_there(s3_store: Store, folder: Path):
    corpus = Store.open(s3_store.uri.rpartition("/")[0] + "/in")
    for name in IDS:
        corpus.create(name, (folder / name).read_bytes())
    found = InputSettings(uri=corpus.uri, id_column="id")
    acquire_lock(s3_store, FINGERPRINT, {"input": found.model_dump(mode="json")})
    units = planned(found, unit_rows=9)
    for unit in units:
        ids = IDS[unit.source.uri.rpartition("/")[2]]
        Publisher(s3_store, DECLARED)(make_block(unit, record_id=ids))
    reconcile(s3_store, units, FINGERPRINT)
    assert verify(s3_store).problems == ()
    assert verify(s3_store).repeats == Repeats(in_corpus=3)


def test_file_that_was_touched_is_still_looked_up(local_store: Store, folder: Path):
    annotate(local_store, folder, IDS)
    os.utime(folder / "a.parquet", (1, 1))
    assert verify(local_store).problems == ()


def test_ids_that_the_corpus_does_not_have_are_a_problem(local_store: Store, folder: Path):
    annotate(local_store, folder, IDS | {"b.parquet": ["3", "2", "1"]})
    verdict = verify(local_store)
    assert verdict.repeats == Repeats(in_corpus=3, unexplained=1)
    assert problem_of(verdict, "b.parquet").startswith("1 that the input file does not have there")


def test_ids_that_are_in_other_rows_of_the_corpus_are_a_problem(local_store: Store, folder: Path):
    annotate(local_store, folder, IDS | {"b.parquet": ["2", "3", "9"]})
    verdict = verify(local_store)
    assert verdict.repeats == Repeats(in_corpus=1, unexplained=2)
    assert problem_of(verdict, "b.parquet").startswith("2 that")


def other_content(path: Path) -> None:
    write_file(path, [3, 2, 8])


def no_parquet(path: Path) -> None:
    path.write_bytes(b"PAR1 nothing of the kind PAR1")


def no_file(path: Path) -> None:
    path.unlink()


def other_column(path: Path) -> None:
    write(path, {"text": ["x"] * 3})


def hostile_column(path: Path) -> None:
    write(path, {"id": foreign(pa.array([3, 2, 9]), "evil.kind"), "text": ["x"] * 3})


@pytest.mark.parametrize(
    "change", [other_content, no_parquet, no_file, other_column, hostile_column]
)
def test_ids_that_cannot_be_looked_up_are_a_problem(local_store: Store, folder: Path, change):
    annotate(local_store, folder, IDS)
    change(folder / "b.parquet")
    verdict = verify(local_store)
    assert verdict.repeats == Repeats(in_corpus=1, unexplained=2)
    assert problem_of(verdict, "b.parquet").startswith("2 that cannot be looked up: ")


def test_ids_that_do_not_repeat_need_no_corpus(local_store: Store, folder: Path):
    write_file(folder / "a.parquet", [10, 11, 12, 13])
    annotate(local_store, folder, IDS | {"a.parquet": ["10", "11", "12", "13"]})
    (folder / "b.parquet").unlink()
    assert verify(local_store).problems == ()


def test_ids_of_a_file_that_is_gone_and_kept_are_told_as_such(local_store: Store, folder: Path):
    units = annotate(local_store, folder, IDS)
    (folder / "b.parquet").unlink()
    here = [unit for unit in units if unit.source.uri.endswith("a.parquet")]
    gone = [unit for unit in units if unit not in here]
    kept = {unit.unit_id: CommittedRows.of(unit) for unit in gone}
    files = {gone[0].source.uri: Kept.GONE}
    reconcile(local_store, here, FINGERPRINT, Changes(kept=kept, kept_files=files))
    verdict = verify(local_store)
    assert verdict.problems == ()
    assert verdict.repeats == Repeats(in_corpus=1, of_kept_files=2)


def test_null_ids_and_no_id_column_repeat_nothing_that_is_well(local_store: Store, tmp_path: Path):
    folder = tmp_path / "corpus"
    path = write_file(folder / "a.parquet", ["1", None, "1"])
    place = f"file://{path}#1"
    annotate(local_store, folder, {"a.parquet": ["1", place, "1"]})
    assert verify(local_store).repeats == Repeats(in_corpus=1)


def test_repeats_of_a_run_without_an_id_column_are_a_problem(local_store: Store, folder: Path):
    annotate(local_store, folder, IDS, id_column=None)
    assert verify(local_store).repeats == Repeats(unexplained=3)
    assert verify(local_store).problems != ()


def test_repeats_of_a_run_that_does_not_say_how_it_read_are_a_problem(
    local_store: Store, folder: Path
):
    annotate(local_store, folder, IDS)
    run = json.loads(local_store.read("_run.json") or b"")
    local_store.replace("_run.json", json.dumps(run | {"echo": {}}).encode())
    assert verify(local_store).repeats == Repeats(unexplained=3)


def test_rows_that_two_units_took_are_no_repeats_of_the_corpus(local_store: Store, folder: Path):
    (folder / "b.parquet").unlink()
    write_file(folder / "a.parquet", [1, 2, 3, 4])
    (first, *_) = units = annotate(local_store, folder, {"a.parquet": ["1", "2", "3", "4"]})
    twice = Unit(source=first.source, start=1, stop=3, fingerprint=FINGERPRINT)
    Publisher(local_store, DECLARED)(make_block(twice, record_id=["2", "3"]))
    reconcile(local_store, [*units, twice], FINGERPRINT)
    verdict = verify(local_store)
    assert verdict.repeats == Repeats(unexplained=2)
    assert {problem.what.partition(": ")[2] for problem in verdict.problems} >= {"rows taken twice"}


@pytest.mark.parametrize(
    "uri",
    [
        *("", "ftp://host/a", "s3://", "s3a://user:word@host/a", "file:///corpus/a\nb.parquet"),
        *("file:///corpus/\x00", "a" * 5000, "file://{corpus}", "file://{corpus}/**", "/dev/zero"),
    ],
    ids=ascii,
)
def test_ids_of_a_file_that_a_forged_record_names_are_a_problem(
    local_store: Store, folder: Path, uri: str, monkeypatch: pytest.MonkeyPatch
):
    acquire_lock(local_store, FINGERPRINT, {"input": settings_of(folder).model_dump(mode="json")})
    unit = make_unit(uri=uri.format(corpus=folder))
    Publisher(local_store, DECLARED)(make_block(unit, record_id=["1"] * unit.rows))
    reconcile(local_store, [unit], FINGERPRINT)
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
    (problem,) = verify(local_store).problems
    assert "cannot be looked up" in str(problem.seen)
    assert str(folder) not in listed


def test_ids_of_a_record_that_says_it_has_endless_rows_are_a_problem(
    local_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without an id column the ids of rows are made of their places."""
    (first, *_) = annotate(local_store, folder, IDS, id_column=None)
    monkeypatch.setattr(
        "pipeline.output.verify.repeats.record_ids", lambda *_: pytest.fail("made ids")
    )
    endless = Unit(source=first.source, start=0, stop=1 << 62, fingerprint=FINGERPRINT)
    record = json.loads(local_store.read(commit_path(first.unit_id)) or b"")
    record["unit"]["stop"], record["unit_id"] = endless.stop, endless.unit_id
    for kind, path_of in (("part", part_path), ("quarantine", quarantine_path)):
        if record[kind]:
            body = local_store.read(record[kind]["path"]) or b""
            record[kind]["path"] = path_of(endless.unit_id)
            local_store.create(record[kind]["path"], body)
    for unit in local_store.listing("_commit"):
        local_store.delete([unit])
    local_store.delete(["_manifest.json"])
    local_store.create(commit_path(endless.unit_id), json.dumps(record).encode())
    monkeypatch.setattr(
        "pipeline.output.verify.unit_files.hashes", lambda _: np.full(2, hash("1"), np.int64)
    )
    assert any("cannot be looked up" in str(one.seen) for one in verify(local_store).problems)
