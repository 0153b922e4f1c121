"""Input files that are replaced between a crash and the next run."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config import InputSettings
from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.corpus.input_schema import input_columns
from pipeline.corpus.survey import survey_corpus
from pipeline.errors import DamagedError, InputError, TooLargeError
from pipeline.output.commit import parse_commit
from pipeline.output.manifest import manifest_of
from pipeline.output.output_lock import MANIFEST
from pipeline.output.publish import Publisher
from pipeline.output.replaced import require_same_rows
from pipeline.stages.read import Reader
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED
from tests.helpers.parquet_files import units_of, write

ROWS = 3000


def columns(letter: str = "a", note: float = 1.0) -> pa.Table:
    """A file above 64 KiB of which an edit of a letter in the middle leaves the footer as it is."""
    texts = [f"{row:08} {'x' * 40}" for row in range(ROWS)]
    texts[5] = letter + texts[5][1:]
    notes = [note if row == 9 else float("nan") for row in range(ROWS)]
    kinds = pa.array(["k", None, "l"] * (ROWS // 3)).dictionary_encode()
    deep = pa.array([[one] for one in notes], pa.list_(pa.float64()))
    return pa.table({"text": texts, "note": notes, "kind": kinds, "deep": deep})


def save(path: Path, table: pa.Table) -> None:
    write(
        path,
        table,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        row_group_size=1000,
    )


class Job:
    """A corpus of one file, and an output that some of its units are published to."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.path = folder / "in" / "a.parquet"
        save(self.path, columns())
        self.settings = InputSettings.model_validate({"uri": str(self.path.parent), **settings})
        planned = survey_corpus(self.settings, allow_bad_files=False).planned
        kept = input_columns(planned, self.settings, schema.RESERVED)
        self.reader = Reader(kept, self.settings, 1 << 20)
        own = [field for field in DECLARED if field.name not in {"text"}]
        self.store = Store.open(str(folder / "out"))
        self.publisher = Publisher(
            self.store, pa.schema([*kept.fields, *own]), kept.output_of("text")
        )

    @property
    def units(self) -> list[Unit]:
        return units_of(self.path, self.settings, unit_rows=1000)

    def publish(self, unit: Unit, failed: int | None = None) -> None:
        block = self.reader(unit)
        if failed is not None:
            errors = block["_error"].to_pylist()
            errors[failed] = {"stage": "annotate", "error_type": "E", "message": "no"}
            place = block.column_names.index("_error")
            block = block.set_column(place, schema.ERROR, pa.array(errors, schema.FAILURE))
        for field in self.publisher.declared:
            if field.name not in block.column_names and field.name != "text":
                block = block.append_column(field, pa.nulls(len(block), field.type))
        self.record = self.publisher(block)

    def replace(self, table: pa.Table) -> None:
        """Another file in the place of the first, of its size, time, footer and end."""
        before, unit = self.path.stat(), self.units[0]
        other = self.path.with_name("other")
        save(other, table)
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(self.path)
        after = self.path.stat()
        assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        assert self.units[0].unit_id == unit.unit_id, "the case is one that the footer has not"

    def check(self) -> None:
        committed = {unit.unit_id for unit in self.units[:2]}
        require_same_rows(self.publisher, self.units, committed, self.reader)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Two units of three are published when the run is killed."""
    made = Job(tmp_path)
    made.publish(made.units[0])
    made.publish(made.units[1], failed=3)
    return made


def test_same_file_passes(job: Job):
    job.check()


@pytest.mark.parametrize("table", [columns("b"), columns(note=2.0)], ids=["text", "number"])
def test_file_replaced_with_its_size_time_and_footer_is_named(job: Job, table: pa.Table):
    job.replace(table)
    with pytest.raises(InputError, match="1 input files were replaced") as refused:
        job.check()
    assert f"file://{job.path}" in str(refused.value)


def test_file_touched_or_copied_back_passes(job: Job):
    os.utime(job.path, (1, 1))
    job.check()
    job.replace(columns())
    job.check()


def test_file_replaced_in_a_row_that_is_in_quarantine_passes(job: Job):
    table = columns()
    texts = table["text"].to_pylist()
    texts[1003] = "b" * len(texts[0])
    job.replace(table.set_column(0, "text", pa.array(texts)))
    job.check()


def test_file_replaced_after_a_run_that_ended_is_not_read_again(job: Job):
    paths = job.store.listing("_commit")
    records = [parse_commit(body, path) for path, body in job.store.read_all(paths).items()]
    job.store.replace(MANIFEST, manifest_of(records, "f", {}, {}, ()))
    job.replace(columns("b"))
    job.check()


def test_damaged_commit_record_or_part_is_left_to_reconciliation(job: Job):
    os.utime(job.path, (1, 1))
    (path, *_) = job.store.listing("_commit")
    job.store.replace(path, b"{")
    (part, *_) = job.store.listing("data")
    job.store.replace(part, b"PAR1")
    job.check()


def test_columns_that_are_not_kept_are_not_compared(tmp_path: Path):
    job = Job(tmp_path, keep_columns=["kind"])
    job.publish(job.units[0])
    os.utime(job.path, (1, 1))
    committed = {job.units[0].unit_id}
    require_same_rows(job.publisher, job.units, committed, job.reader)


@pytest.mark.parametrize("error", [TooLargeError("no room"), DamagedError("broken")], ids=repr)
def test_unit_that_cannot_be_read_any_more_ends_no_plan_with_its_own_error(
    job: Job, error: InputError
):
    """One without room was annotated in pieces; one whose pages are damaged has other rows."""
    os.utime(job.path, (1, 1))

    def read(_: Unit) -> pa.Table:
        raise error

    committed = {unit.unit_id for unit in job.units[:2]}
    if isinstance(error, TooLargeError):
        require_same_rows(job.publisher, job.units, committed, read)
        return
    with pytest.raises(InputError, match="1 input files were replaced"):
        require_same_rows(job.publisher, job.units, committed, read)
