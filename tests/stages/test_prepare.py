"""Units on their way to the model: what each stage adds, and what a failure leaves."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config import InputSettings
from pipeline.contract.unit import Unit
from pipeline.stages.failure import failure_in
from pipeline.stages.prepare import Preparation
from pipeline.stages.read import Reader
from pipeline.stages.stage_factory import StageFactory
from tests.helpers.parquet_files import columns_of, units_of, write


class Mark:
    """A stage that adds a column of its name, or raises where ``broken`` says so."""

    consumes = ("_text",)

    def __init__(self, name: str, broken: bool = False) -> None:
        self.name = name
        self.produces = (pa.field(name, pa.string()),)
        self._broken = broken

    def __call__(self, table: pa.Table) -> pa.Table:
        if self._broken:
            raise ValueError("Berlin")
        return table.append_column(self.produces[0], table["_text"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "a.parquet", {"text": ["a", "b", "c"]})


def unit_of(path: Path) -> Unit:
    return next(iter(units_of(path, InputSettings(uri=str(path)), 10)))


def preparation(path: Path, factories: Sequence[StageFactory]) -> Preparation:
    settings = InputSettings(uri=str(path))
    return Preparation(Reader(columns_of(path, settings), settings, 1 << 20), factories, timeout=60)


def mark(name: str, *, broken: bool = False) -> StageFactory:
    return StageFactory(name, Mark, (name, broken))


def test_preparation_block_went_through_each_stage_in_order(path: Path):
    block = preparation(path, [mark("identify"), mark("tokenize")])(unit_of(path))
    took = ["_took_read", "_took_identify", "_took_tokenize"]
    assert [name for name in block.column_names if name.startswith("_took")] == took
    assert block["identify"].to_pylist() == block["tokenize"].to_pylist() == ["a", "b", "c"]


@pytest.mark.parametrize("broken", ["identify", "tokenize"])
def test_preparation_failure_is_of_the_stage_that_raised(path: Path, broken: str):
    factories = [mark(name, broken=name == broken) for name in ("identify", "tokenize")]
    block = preparation(path, factories)(unit_of(path))
    failure = failure_in(block)
    assert failure is not None
    assert (failure.stage, failure.error_type) == (broken, "ValueError")
    assert Unit.from_json(block["_unit"][0].as_py()) == unit_of(path)


def test_preparation_of_a_file_that_changed_fails_in_read_and_goes_no_further(path: Path):
    unit = unit_of(path)
    other = replace(unit, source=replace(unit.source, version="another"))
    failure = failure_in(preparation(path, [mark("identify")])(other))
    assert failure is not None
    assert failure.stage == "read"
