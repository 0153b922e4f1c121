"""Steps one after another, without Ray: a part becomes files, and a file becomes another."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.config.tables import DocumentSettings, EnrichedOutput, Granularity
from pipeline.errors import OutputError
from pipeline.storage import Store
from pipeline.tables.documents import Documents
from pipeline.tables.layout import FILE, Layout
from pipeline.tables.outputs import survey
from pipeline.tables.rows import Entities, Labels
from pipeline.tables.source import Source
from pipeline.tables.steps import WRITTEN, Counting, PartOf, Placing, Writing, rows_again
from pipeline.tables.table_files import Partition, TableFile, Target
from pipeline.tables.tally import TALLY, added, language_rows
from tests.helpers.enriched import day_of, write_output

GERMAN = Partition("2026-01", "de")
LAYOUT = Layout(Granularity.MONTH, {("2026-01", "de"): "de", ("2026-01", "fr"): "other"}, {})


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Twelve records of which one is in quarantine; the first eight are of January."""
    uri = write_output(tmp_path / "enriched", rows=8)
    return survey(EnrichedOutput(uri=uri, name="demo", date_column="published"))


def test_counting_a_part_gives_its_tally_with_sizes(source: Source):
    counting = Counting((Documents(DocumentSettings()), Entities(), Labels()))
    tallies = [counting(PartOf(part, source.origin)) for part in source.parts]
    assert all(tally.schema.equals(TALLY) for tally in tallies)
    total = added(tallies)
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
    counting = Counting((Entities(), Labels()))
    total = added(counting(PartOf(part, plain.origin)) for part in plain.parts)
    assert pc.sum(total["entities"]).as_py() == 0
    assert pc.sum(total["entities_bytes"]).as_py() == 0


def placing(schema: pa.Schema, *replaced: str) -> Placing:
    return Placing(Documents(DocumentSettings()), LAYOUT, schema, frozenset(replaced))


def files_of(source: Source, store: Store) -> list[TableFile]:
    """The files of documents that both parts make, one of each partition."""
    schema = Documents(DocumentSettings()).schema(source.origin)
    blocks = [placing(schema)(PartOf(part, source.origin)) for part in source.parts]
    rows = pa.concat_tables(blocks)
    writing = Writing(Target(store, "documents", schema, "plan"))
    groups = [rows.filter(pc.equal(rows[FILE.name], key)) for key in pc.unique(rows[FILE.name])]
    return [
        TableFile.model_validate_json(body)
        for group in groups
        for body in writing(group)["file"].to_pylist()
    ]


def test_placing_and_writing_makes_a_file_of_each_partition(source: Source, local_store: Store):
    files = files_of(source, local_store)
    assert {file.partition: file.rows for file in files} == {
        GERMAN: 4,
        Partition("2026-01", "other"): 3,
    }
    assert all((file.first_source, file.last_source) == ("demo", "demo") for file in files)


def test_placing_a_file_again_gives_its_rows_with_columns_that_came_later(
    source: Source, local_store: Store
):
    file = next(file for file in files_of(source, local_store) if file.partition == GERMAN)
    wider = Documents(DocumentSettings()).schema(source.origin).append(pa.field("new", pa.int32()))
    again = placing(wider)(file)
    assert again.num_rows == 4
    assert set(again["language_group"].to_pylist()) == {"de"}
    assert again["new"].null_count == 4
    assert len(pc.unique(again[FILE.name])) == 1


def test_rows_again_leaves_out_those_of_what_is_replaced(source: Source, local_store: Store):
    file = files_of(source, local_store)[0]
    schema = Documents(DocumentSettings()).schema(source.origin)
    assert rows_again(file, {"demo"}, schema).num_rows == 0
    assert rows_again(file, {"another"}, schema).num_rows == file.rows


def test_writing_no_rows_writes_no_file(local_store: Store):
    schema = pa.schema([("source", pa.string())])
    writing = Writing(Target(local_store, "documents", schema, "plan"))
    assert writing(schema.append(FILE).empty_table()).equals(WRITTEN.empty_table())
    assert local_store.listing() == {}


def test_steps_refuse_a_part_that_is_not_as_committed(source: Source):
    part = source.parts[0]
    path = Path(part.uri.removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(OutputError, match=f"{part.bytes} were committed"):
        Counting(())(PartOf(part, source.origin))
