"""Forged records and files: verify, and all that trusts a commit record, read nothing else."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import IncompleteError, OutputError, PipelineError
from pipeline.output.commit import commit_path, part_path, quarantine_path
from pipeline.output.reconcile import reconcile
from pipeline.output.verify import verify
from pipeline.reporting.page.output import read_output
from pipeline.storage import Store
from tests.helpers.finished import finish
from tests.helpers.outputs import FINGERPRINT, make_unit

UNIT = make_unit(0, 6)
RECORD, PART, QUARANTINE = (
    path(UNIT.unit_id) for path in (commit_path, part_path, quarantine_path)
)


@pytest.fixture
def output(local_store: Store) -> Store:
    return finish(local_store, failed=(1,))


@pytest.fixture
def folder(output: Store) -> Path:
    return Path(output.uri.removeprefix("file://"))


def forge(output: Store, **values: object) -> None:
    record = json.loads(output.read(RECORD) or b"")
    output.replace(RECORD, json.dumps(record | values).encode())


def problems(output: Store) -> set[str]:
    return {problem.path for problem in verify(output).problems}


def read_and_reconcile(output: Store) -> None:
    read_output(output)
    reconcile(output, [UNIT], FINGERPRINT)


ELSEWHERE = [
    "../outside.parquet",
    "data/../../outside.parquet",
    "/dev/zero",
    "/etc/passwd",
    "data/part-0.parquet",
    "_run.json",
    "",
    "\x00",
]


@pytest.mark.parametrize("which", ["part", "quarantine"])
@pytest.mark.parametrize("path", ELSEWHERE, ids=ascii)
def test_record_that_names_another_file_is_a_problem_and_opens_none(
    output: Store, folder: Path, path: str, which: str, monkeypatch: pytest.MonkeyPatch
):
    (folder.parent / "outside.parquet").write_bytes((folder / PART).read_bytes())
    forge(output, **{which: {"path": path, "bytes": 1 << 40, "sha256": "0"}})
    opened = []
    monkeypatch.setattr(Store, "read", lambda store, name: opened.append(name))
    assert RECORD in problems(output)
    assert set(opened) <= {"_run.json", "_manifest.json"}
    monkeypatch.undo()
    with pytest.raises(IncompleteError, match=r"names the files|is no commit record"):
        reconcile(output, [UNIT], FINGERPRINT)


@pytest.mark.parametrize("path", [PART, QUARANTINE, RECORD, "_run.json", "_manifest.json"])
@pytest.mark.parametrize("kind", ["link", "zero", "pipe", "gigabytes"])
def test_file_that_no_run_wrote_is_a_problem_and_is_not_read(
    output: Store, folder: Path, path: str, kind: str
):
    (outside := folder.parent / "outside").write_bytes((folder / path).read_bytes())
    (folder / path).unlink()
    if kind == "link":
        (folder / path).symlink_to(outside)
    elif kind == "zero":
        (folder / path).symlink_to("/dev/zero")
    elif kind == "pipe":
        os.mkfifo(folder / path)
    else:
        with (folder / path).open("wb") as file:
            file.truncate(40 << 30)
    assert path in problems(output)
    with pytest.raises(PipelineError):
        read_and_reconcile(output)


def test_link_beside_the_parts_is_a_problem(output: Store, folder: Path):
    (folder / "data/more.parquet").symlink_to(folder / PART)
    assert problems(output) == {"data/more.parquet"}
    with pytest.raises(IncompleteError, match=r"data/more\.parquet: -1 bytes"):
        reconcile(output, [UNIT], FINGERPRINT)


def test_folder_that_is_a_link_is_a_problem(output: Store, folder: Path):
    (folder / "data").rename(folder.parent / "data")
    (folder / "data").symlink_to(folder.parent / "data")
    assert {"data", PART} <= problems(output)
    with pytest.raises(OutputError, match="leads out of the output"):
        reconcile(output, [UNIT], FINGERPRINT)


DEEP = b"[" * 200_000 + b"]" * 200_000
BOMBS = {
    "deep list": DEEP,
    "deep record": b'{"unit": ' + DEEP + b"}",
    "long number": b'{"rows_in": ' + b"9" * 10_000 + b"}",
    "not UTF-8": b"\xff\xfe{}",
    "a list": b"[1]",
    "null": b"null",
    "empty": b"",
    "infinite": b'{"rows_in": Infinity}',
}


@pytest.mark.parametrize("path", [RECORD, "_run.json", "_manifest.json", "run_report.json"])
@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_json_that_is_made_to_do_harm_is_a_problem(output: Store, path: str, body: bytes):
    output.replace(path, body)
    if path != "run_report.json":
        assert path in problems(output)
    with pytest.raises(PipelineError):
        read_and_reconcile(output)


@pytest.mark.parametrize(
    "values",
    [
        {"counts": {"de": {"records": "many"}}},
        {"counts": {"de": [1]}},
        {"counts": [1]},
        {"reasons": {"x": -1}},
        {"reasons": 1},
        {"rows_in": 1 << 70},
        {"part": [1]},
        {"part": {"path": ["a"], "bytes": 1, "sha256": "0"}},
        {"quarantine": 7},
        {"unit": {"source": {"uri": [], "size": 1, "content": ""}, "start": 0, "stop": 6}},
        {"unit": {"source": {"uri": "a", "size": 1, "content": ""}, "start": 0, "stop": 10**15}},
        {"fingerprint": {"a": 1}},
    ],
    ids=str,
)
def test_record_with_values_of_other_kinds_is_a_problem(output: Store, values: dict):
    forge(output, **values)
    assert RECORD in problems(output)


@pytest.mark.parametrize(
    "values",
    [
        {"counts": {"de": {"records": "many"}}},
        {"counts": {"de": {"quarantined": [1]}}},
        {"units": [{"unit_id": ["a"]}, 7, {"unit_id": UNIT.unit_id, "part": DEEP.decode()[:100]}]},
        {"units": {"a": 1}},
        {"retired": 7},
        {"fingerprint": [1]},
    ],
    ids=str,
)
def test_manifest_with_values_of_other_kinds_is_a_problem(output: Store, values: dict):
    manifest = json.loads(output.read("_manifest.json") or b"")
    output.replace("_manifest.json", json.dumps(manifest | values).encode())
    assert problems(output)


@pytest.mark.parametrize(
    "left_out", [DEEP, b"[1e999]", b'{"a": 1}', b"[99999999999999999999]", b'["x"]', b"\xff"]
)
def test_footer_that_is_made_to_do_harm_is_a_problem(output: Store, folder: Path, left_out: bytes):
    table = pq.read_table(folder / PART)
    footer = {b"unit_id": UNIT.unit_id.encode(), b"quarantined_rows": left_out}
    pq.write_table(table.replace_schema_metadata(footer), folder / PART)
    assert PART in problems(output)


def test_part_that_unfolds_to_gigabytes_is_a_problem(
    output: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipeline.output.verify.unit_files._MOST_BYTES", 1 << 20)
    table = pq.read_table(folder / PART)
    ids = pa.array(["x" * (1 << 20)] * table.num_rows)
    bomb = table.set_column(table.schema.get_field_index("record_id"), "record_id", ids)
    pq.write_table(bomb, folder / PART, compression="zstd")
    assert (folder / PART).stat().st_size < 1 << 19
    found = {problem.what for problem in verify(output).problems if problem.path == PART}
    assert "not Parquet" in found


def test_quarantine_with_nulls_is_a_problem(output: Store, folder: Path):
    columns = pq.read_schema(folder / QUARANTINE)
    nothing = [pa.nulls(1, column.type) for column in columns]
    pq.write_table(pa.table(nothing, columns), folder / QUARANTINE)
    assert QUARANTINE in problems(output)
