"""Pieces of a unit that fit together, and those that do not."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config import InputSettings
from pipeline.errors import TooLargeError
from pipeline.isolation.memory_budget import MemoryBudget
from pipeline.stages.read import Reader
from tests.helpers.parquet_files import columns_of, units_of, write

TEXTS = ["x" * 1000] * 50
UNIT_BYTES = 1 << 12


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Of a file whose texts have more bytes than half of what a unit may take, but fit."""
    path = write(tmp_path / "a.parquet", {"text": TEXTS, "id": list(map(str, range(50)))})
    settings = InputSettings(uri=str(path), text_column="text", id_column="id")
    return Reader(columns_of(path, settings), settings, UNIT_BYTES)


def test_memory_budget_has_a_unit_that_can_be_read_whole_whatever_was_found_in_it(reader: Reader):
    unit = units_of(Path(reader.settings.uri))[0]
    block = reader(unit)
    found = pa.array([b"v" * 100_000] * 50)
    annotated = block.append_column("embedding", found)
    assert annotated.nbytes > 10 * reader.max_bytes
    assert MemoryBudget(unit, reader).held(annotated) is annotated


def test_memory_budget_refuses_the_piece_that_no_longer_fits(reader: Reader):
    unit = units_of(Path(reader.settings.uri))[0]
    room, piece = MemoryBudget(unit, reader), reader(unit)
    room.held(piece)
    room.held(piece)
    with pytest.raises(TooLargeError, match="rows 0 to 50 take more than 131072 bytes") as caught:
        room.held(piece)
    assert "runtime.unit_rows" in str(caught.value)
