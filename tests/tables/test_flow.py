"""Parts counted without Ray."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config.tables import EnrichedOutput
from pipeline.errors import OutputError
from pipeline.tables.flow import PartOf, counted
from pipeline.tables.outputs import survey
from pipeline.tables.source import Source
from pipeline.tables.tally import TALLY, added, language_rows
from tests.helpers.enriched import day_of, write_output


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Eight records of which one is in quarantine; all of them are of January."""
    uri = write_output(tmp_path / "enriched", rows=8)
    return survey(EnrichedOutput(uri=uri, name="demo", date_column="published"))


def tally_of(source: Source) -> pa.Table:
    tallies = [counted(PartOf(part, source.origin)) for part in source.parts]
    assert all(tally.schema.equals(TALLY) for tally in tallies)
    return added(tallies)


def test_counted_parts_give_their_tally(source: Source):
    names = ("date", "language", "records", "entities", "quarantined")
    rows = language_rows(tally_of(source)).to_pylist()
    assert [tuple(row[name] for name in names) for row in rows] == [
        (day_of(0), "de", 2, 3, 0),
        (day_of(0), "fr", 1, 0, 0),
        (day_of(4), "de", 2, 3, 0),
        (day_of(4), "fr", 2, 0, 0),
        (None, "fr", 0, 0, 1),
    ]


def test_counted_without_entities_are_none(tmp_path: Path):
    uri = write_output(tmp_path / "enriched", entities=False, topic=False)
    plain = survey(EnrichedOutput(uri=uri, name="demo", date_column="published"))
    assert {row["entities"] for row in language_rows(tally_of(plain)).to_pylist()} == {0}


def test_counted_part_that_is_not_as_committed_is_refused(source: Source):
    part = source.parts[0]
    path = Path(part.uri.removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(OutputError, match=f"{part.bytes} were committed"):
        tally_of(source)
