"""Steps of a build without Ray: a part becomes a tally, or rows with the key of their file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.config.tables import DocumentSettings, EnrichedOutput
from pipeline.errors import OutputError
from pipeline.tables.documents import Documents
from pipeline.tables.flow import Counting, PartOf
from pipeline.tables.outputs import survey
from pipeline.tables.rows import Entities, Labels
from pipeline.tables.source import Source
from pipeline.tables.tally import TALLY, added, language_rows
from tests.helpers.enriched import day_of, write_output


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Eight records of which one is in quarantine; all of them are of January."""
    uri = write_output(tmp_path / "enriched", rows=8)
    return survey(EnrichedOutput(uri=uri, name="demo", date_column="published"))


def counted(source: Source, *tables: Documents | Entities | Labels) -> pa.Table:
    tallies = [Counting(tables)(PartOf(part, source.origin)) for part in source.parts]
    assert all(tally.schema.equals(TALLY) for tally in tallies)
    return added(tallies)


def test_counting_a_part_gives_its_tally_with_sizes(source: Source):
    total = counted(source, Documents(DocumentSettings()), Entities(), Labels())
    names = ("date", "language", "records", "entities", "quarantined")
    seen = [tuple(row[name] for name in names) for row in language_rows(total).to_pylist()]
    assert seen == [
        (day_of(0), "de", 2, 3, 0),
        (day_of(0), "fr", 1, 0, 0),
        (day_of(4), "de", 2, 3, 0),
        (day_of(4), "fr", 2, 0, 0),
        (None, "fr", 0, 0, 1),
    ]
    sizes = [pc.sum(total[f"{name}_bytes"]).as_py() for name in ("documents", "entities", "labels")]
    assert sizes[0] > sizes[1] > 0
    assert sizes[2] > 0


def test_counting_without_entities_counts_none(tmp_path: Path):
    uri = write_output(tmp_path / "enriched", entities=False, topic=False)
    plain = survey(EnrichedOutput(uri=uri, name="demo", date_column="published"))
    total = counted(plain, Entities(), Labels())
    assert pc.sum(total["entities"]).as_py() == 0
    assert pc.sum(total["entities_bytes"]).as_py() == 0


def test_steps_refuse_a_part_that_is_not_as_committed(source: Source):
    part = source.parts[0]
    path = Path(part.uri.removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(OutputError, match=f"{part.bytes} were committed"):
        counted(source)
