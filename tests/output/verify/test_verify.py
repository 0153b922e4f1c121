"""An output folder checked from its files alone; each kind of damage is seen."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import OutputError
from pipeline.output.commit import commit_path, part_path, quarantine_path
from pipeline.output.output_lock import acquire_lock
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import reconcile
from pipeline.output.verify import Repeats, verify
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, FINGERPRINT, make_block, make_unit

UNITS = (make_unit(0, 6), make_unit(6, 9), make_unit(0, 4, uri="file:///corpus/b.parquet"))
FIRST, SECOND = UNITS[0].unit_id, UNITS[1].unit_id
JOB = Path(__file__).parents[3] / "jobs" / "verify.py"


def write_output(store: Store, **columns: list[object]) -> None:
    acquire_lock(store, FINGERPRINT, {})
    for unit in UNITS:
        values = {name: found[: unit.rows] for name, found in columns.items()}
        Publisher(store, DECLARED)(make_block(unit, failed=(unit.start,), **values))
    reconcile(store, UNITS, FINGERPRINT)


@pytest.fixture
def output(local_store: Store) -> Store:
    write_output(local_store)
    return local_store


def seen(store: Store) -> set[tuple[str, str]]:
    return {(problem.path, problem.what) for problem in verify(store).problems}


def rewrite(store: Store, path: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another Parquet file at ``path``, with the footer that was there."""
    table = pq.read_table(io.BytesIO(store.read(path) or b""))
    changed = change(table).replace_schema_metadata(table.schema.metadata)
    sink = io.BytesIO()
    pq.write_table(changed, sink)
    store.replace(path, sink.getvalue())


def edit(store: Store, path: str, **values: object) -> None:
    """The JSON at ``path`` with other values."""
    store.replace(path, json.dumps(json.loads(store.read(path) or b"") | values).encode())


def test_verify_complete_output_finds_nothing(store: Store):
    write_output(store)
    verdict = verify(store)
    assert verdict.problems == ()
    assert (verdict.units, verdict.rows_out, verdict.rows_quarantined) == (3, 10, 3)
    assert verdict.repeats == Repeats()


def test_verify_repeated_record_ids_of_a_corpus_that_is_not_there_are_a_problem(
    local_store: Store,
):
    write_output(local_store, record_id=list("aabbcc"))
    verdict = verify(local_store)
    assert [problem.path for problem in verdict.problems] == [
        "file:///corpus/a.parquet",
        "file:///corpus/b.parquet",
    ]
    assert verdict.repeats == Repeats(unexplained=10)


def test_verify_unit_that_is_not_listed_is_a_problem_and_is_not_counted(output: Store):
    """As in the middle of a run that replaces units: the old ones are the output."""
    newer = make_unit(0, 6, content="newer")
    Publisher(output, DECLARED)(make_block(newer))
    verdict = verify(output)
    assert [problem.what for problem in verdict.problems] == [f"unit {newer.unit_id}"]
    assert (verdict.units, verdict.rows_out, verdict.repeats) == (3, 10, Repeats())


def test_verify_units_of_two_contents_are_a_problem(output: Store):
    newer = make_unit(0, 6, content="newer")
    Publisher(output, DECLARED)(make_block(newer))
    reconcile(output, (*UNITS, newer), FINGERPRINT)
    whats = {problem.what for problem in verify(output).problems}
    assert "file:///corpus/a.parquet: rows taken twice" in whats
    assert "the input file in two versions" in whats


def test_verify_units_that_are_retired_and_not_deleted_say_so(output: Store):
    edit(output, "_manifest.json", retired=["0" * 32])
    assert seen(output) == {("_manifest.json", "retired units that are not deleted")}


def test_verify_seconds_in_a_commit_record_are_nobodys_claim(output: Store):
    edit(output, commit_path(FIRST), stages={"read": {"wall": 1e6, "cpu": 0}})
    edit(output, commit_path(SECOND), stages={})
    assert seen(output) == set()


def test_verify_leftover_temporary_file_is_no_problem(output: Store):
    output.create("_tmp/leftover", b"half a par")
    assert seen(output) == set()


def test_verify_without_success_says_so(output: Store):
    output.delete(["_SUCCESS"])
    assert seen(output) == {("_SUCCESS", "missing: the job has not ended well")}


def test_verify_missing_part_says_so(output: Store):
    output.delete([part_path(FIRST)])
    assert (part_path(FIRST), "missing") in seen(output)


def test_verify_missing_quarantine_says_so(output: Store):
    output.delete([quarantine_path(FIRST)])
    found = seen(output)
    assert (quarantine_path(FIRST), "missing") in found
    assert (part_path(FIRST), "rows left out and not in quarantine") in found


def test_verify_changed_byte_says_so(output: Store):
    body = bytearray(output.read(part_path(FIRST)) or b"")
    body[10] ^= 1
    output.replace(part_path(FIRST), bytes(body))
    assert (part_path(FIRST), "bytes, sha256") in seen(output)


def test_verify_truncated_part_says_so(output: Store):
    output.replace(part_path(FIRST), (output.read(part_path(FIRST)) or b"")[:-20])
    found = seen(output)
    assert {(part_path(FIRST), "bytes, sha256"), (part_path(FIRST), "not Parquet")} <= found


def test_verify_doubled_rows_say_so(output: Store):
    rewrite(output, part_path(FIRST), lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    found = seen(output)
    assert (commit_path(FIRST), "rows in, out, quarantined") in found
    assert ("_manifest.json", "rows_out") in found


def test_verify_other_columns_say_so(output: Store):
    rewrite(output, part_path(FIRST), lambda table: table.drop_columns(["entities"]))
    assert (part_path(FIRST), "other columns than the other parts") in seen(output)


def test_verify_row_in_quarantine_and_not_left_out_says_so(output: Store):
    rewrite(
        output,
        quarantine_path(FIRST),
        lambda table: table.set_column(2, "row", pa.array([5], pa.int64())),
    )
    assert (part_path(FIRST), "rows left out and not in quarantine") in seen(output)


def test_verify_extension_type_is_seen_and_not_read(output: Store):
    secret = pa.array([b"cos\nsystem\n"] * 5, pa.binary())
    hostile = pa.ExtensionArray.from_storage(pa.opaque(pa.binary(), "t", "v"), secret)
    rewrite(output, part_path(FIRST), lambda table: table.set_column(1, "record_id", hostile))
    assert (part_path(FIRST), "column types") in seen(output)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("data/part-other.parquet", "a file that no commit record names"),
        ("quarantine/part-other.parquet", "a file that no commit record names"),
        ("data/.part.tmp", "a file that no commit record names"),
        ("_commit/notes.txt", "no commit record"),
        ("_commit/other.json", "no commit record"),
    ],
)
def test_verify_foreign_file_says_so(output: Store, path: str, what: str):
    output.create(path, b"[]")
    assert (path, what) in seen(output)


def test_verify_missing_commit_record_says_what_follows(output: Store):
    output.delete([commit_path(FIRST)])
    found = seen(output)
    assert (part_path(FIRST), "a file that no commit record names") in found
    assert ("_manifest.json", f"unit {FIRST}") in found
    assert (commit_path(SECOND), "file:///corpus/a.parquet: rows left out before") in found


def test_verify_overlapping_units_say_so(output: Store):
    Publisher(output, DECLARED)(make_block(make_unit(4, 7)))
    reconcile(output, (*UNITS, make_unit(4, 7)), FINGERPRINT)
    whats = {what for _, what in seen(output)}
    assert "file:///corpus/a.parquet: rows taken twice" in whats


def test_verify_commit_record_of_other_rows_says_so(output: Store):
    record = json.loads(output.read(commit_path(FIRST)) or b"")
    edit(output, commit_path(FIRST), unit=record["unit"] | {"stop": 5})
    assert (commit_path(FIRST), "a name that is not its unit's") in seen(output)


def test_verify_counts_that_were_made_up_say_so(output: Store):
    edit(output, commit_path(FIRST), counts={})
    assert (commit_path(FIRST), "counts of language de") in seen(output)


def test_verify_sources_and_reasons_that_were_made_up_say_so(output: Store):
    record = json.loads(output.read(commit_path(FIRST)) or b"")
    counts = record["counts"] | {"de": record["counts"]["de"] | {"detected": 0, "default": 3}}
    edit(output, commit_path(FIRST), counts=counts, reasons={"Made up": 1})
    whats = {what for path, what in seen(output) if path == commit_path(FIRST)}
    assert {"counts of language de", "reasons"} <= whats


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"rows_in": 1}, "rows_in"),
        ({"fingerprint": "other"}, "fingerprint"),
        ({"units": []}, f"unit {FIRST}"),
        ({"counts": {}}, "counts of language de"),
    ],
    ids=["rows", "fingerprint", "units", "counts"],
)
def test_verify_manifest_of_another_output_says_so(output: Store, values: dict, what: str):
    edit(output, "_manifest.json", **values)
    assert what in {what for _, what in seen(output)}


@pytest.mark.parametrize("path", ["_run.json", "_manifest.json"])
def test_verify_without_run_or_manifest_says_so(output: Store, path: str):
    output.replace(path, b"not json")
    assert (path, "missing, or no JSON object") in seen(output)


def test_verify_folder_that_is_no_output_raises(local_store: Store):
    local_store.create("data/a.parquet", b"")
    with pytest.raises(OutputError, match="is no output folder"):
        verify(local_store)


def run_job(store: Store, *options: str) -> subprocess.CompletedProcess[str]:
    folder = store.uri.removeprefix("file://")
    return subprocess.run(
        [sys.executable, JOB, folder, *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=JOB.parents[1],
    )


def test_job_verify_as_json_says_its_findings_in_the_last_line(output: Store):
    whole = run_job(output, "--json")
    output.delete([part_path(FIRST)])
    damaged = run_job(output, "--json")
    found = [json.loads(ended.stdout.splitlines()[-1]) for ended in (whole, damaged)]
    assert [whole.returncode, damaged.returncode] == [0, 1]
    assert found[0] == {
        "output": output.uri.removeprefix("file://"),
        "problems": 0,
        "units": 3,
        "rows_out": 10,
        "rows_quarantined": 3,
        "repeated_ids": 0,
        "repeated_in_corpus": 0,
        "repeated_of_kept_files": 0,
        "repeated_unexplained": 0,
    }
    assert found[1]["problems"] > 0


def test_job_verify_complete_output_exits_0(output: Store):
    ended = run_job(output)
    assert ended.returncode == 0, ended.stderr
    assert "All is well: 3 units, 10 records annotated, 3 in quarantine." in ended.stdout


def test_job_verify_damaged_output_exits_1_with_the_list(output: Store):
    output.delete([part_path(FIRST)])
    ended = run_job(output)
    assert ended.returncode == 1
    assert "missing" in ended.stdout
    assert "problems: 3 units" in ended.stdout


def test_job_verify_of_no_output_exits_2(local_store: Store):
    ended = run_job(local_store)
    assert ended.returncode == 2
    assert "is no output folder" in ended.stderr
