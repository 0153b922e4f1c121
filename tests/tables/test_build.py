"""Tables from outputs on a real Ray: built, built again, grown and replaced, in both formats."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.config.tables import TablesSettings
from pipeline.errors import OutputError
from pipeline.storage import Store
from pipeline.tables.build import build
from pipeline.tables.catalog import open_catalog
from pipeline.tables.columns import DOCUMENTS, ENTITIES, LABELS, LANGUAGES, TABLES
from pipeline.tables.destination import Commit
from pipeline.tables.planning import Plan, make_plan
from pipeline.tables.table_files import UNPARTITIONED
from tests.helpers.enriched import make_settings, rows_of, write_output

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"
FORMATS = pytest.mark.parametrize("kind", ["parquet", "iceberg"])

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def built(settings: TablesSettings) -> dict[str, tuple[int, int, int]]:
    """Rows, files added and files gone of each table that a run changes."""
    return {
        one.name: (one.rows, len(one.added), len(one.gone)) for one in build(make_plan(settings))
    }


def by_source(settings: TablesSettings, table: str) -> Counter[str]:
    return Counter(str(row["source"]) for row in rows_of(settings, table))


def files_of(settings: TablesSettings, table: str) -> set[str]:
    return {file.uri for file in make_plan(settings).destination.standing(table).files}


@FORMATS
def test_build_brings_tables_up_to_date_with_what_outputs_have_become(tmp_path: Path, kind: str):
    first = {"uri": write_output(tmp_path / "a"), "name": "a", "date_column": "published"}
    second = {"uri": write_output(tmp_path / "b", rows=8), "name": "b", "date": "2026-01-30"}

    settings = make_settings(tmp_path, [first, second], kind)
    assert {name: rows for name, (rows, _, _) in built(settings).items()} == {
        DOCUMENTS: 18,
        ENTITIES: 15,
        LABELS: 18,
        LANGUAGES: 9,
    }
    for table in (DOCUMENTS, LABELS):
        assert by_source(settings, table) == {"a": 11, "b": 7}
    groups = Counter(
        (str(r["date"])[:7], r["language_group"]) for r in rows_of(settings, DOCUMENTS)
    )
    assert groups == {
        ("2026-01", "de"): 8,
        ("2026-01", "fr"): 6,
        ("2026-02", "other"): 4,
    }
    assert len(files_of(settings, DOCUMENTS)) == 3, "one file a partition, of both outputs"
    quarantined = [row for row in rows_of(settings, LANGUAGES) if row["quarantined"]]
    assert [row["reasons"] for row in quarantined] == [[{"reason": "ValueError", "records": 1}]] * 2

    assert built(settings) == {}, "nothing is new"

    third = {
        "uri": write_output(tmp_path / "c", perplexity=True, entities=False, fingerprint="c" * 64),
        "name": "c",
        "date": "2026-03-01",
    }
    before = files_of(settings, DOCUMENTS)
    settings = make_settings(tmp_path, [third], kind)
    assert built(settings).keys() == set(TABLES), "a run may name one output alone"
    assert before < files_of(settings, DOCUMENTS), "files of before stay as they are"
    likelihoods = {(r["source"], r["perplexity"] is None) for r in rows_of(settings, DOCUMENTS)}
    assert likelihoods == {("a", True), ("b", True), ("c", False)}
    assert by_source(settings, ENTITIES) == {"a": 9, "b": 6}

    first["uri"] = write_output(tmp_path / "a2", rows=6, fingerprint="d" * 64, failed=())
    settings = make_settings(tmp_path, [first, second, third], kind)
    assert [source.name for source in make_plan(settings).changed] == ["a"]
    built(settings)
    assert by_source(settings, DOCUMENTS) == {"a": 6, "b": 7, "c": 11}
    assert by_source(settings, ENTITIES) == {"a": 5, "b": 6}
    assert by_source(settings, LANGUAGES)["a"] == 4
    assert built(settings) == {}
    if kind == "iceberg":
        assert_snapshots(settings, {DOCUMENTS: 3, ENTITIES: 2, LABELS: 3, LANGUAGES: 3})


def assert_snapshots(settings: TablesSettings, counts: Mapping[str, int]) -> None:
    assert settings.destination.type == "iceberg"
    catalog = open_catalog(settings.destination)
    tables = {name: catalog.load_table(("xmod", name)) for name in counts}
    assert {name: len(table.snapshots()) for name, table in tables.items()} == counts


def test_build_of_many_small_runs_leaves_one_file_a_partition(tmp_path: Path):
    for day in (1, 2, 3):
        output = {
            "uri": write_output(tmp_path / f"{day}"),
            "name": f"day {day}",
            "date": f"2026-01-0{day}",
        }
        settings = make_settings(tmp_path, [output])
        built(settings)
    assert len(files_of(settings, DOCUMENTS)) == 2
    assert len(files_of(settings, LANGUAGES)) == 1
    assert by_source(settings, DOCUMENTS) == {f"day {day}": 11 for day in (1, 2, 3)}


def test_build_of_a_partition_above_the_target_is_several_files(tmp_path: Path):
    output = {"uri": write_output(tmp_path / "a", rows=40), "name": "a", "date": "2026-01-01"}
    layout = {"dates": "year", "min_rows": 1, "target_bytes": 2000}
    settings = make_settings(tmp_path, [output], layout=layout, documents={"text": True})
    assert built(settings)[DOCUMENTS][0] == 39
    standing = make_plan(settings).destination.standing(DOCUMENTS).files
    partitions = Counter(file.partition for file in standing)
    assert min(partitions.values()) > 1
    sizes = [file.rows for file in standing]
    assert max(sizes) <= 2 * min(sizes) + 1, "rows are dealt out evenly"


class CrashError(Exception):
    """Stands for the end of the process."""


@dataclasses.dataclass(frozen=True)
class CrashingTables:
    """A destination whose process ends when it is about to commit."""

    tables: Any

    def commit(self, commits: Mapping[str, Commit]) -> None:
        raise CrashError

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)


def crashing(plan: Plan) -> Plan:
    return dataclasses.replace(plan, destination=CrashingTables(plan.destination))


def test_build_after_a_crash_before_the_commit_adopts_its_files(tmp_path: Path):
    output = {"uri": write_output(tmp_path / "a"), "name": "a", "date": "2026-01-01"}
    settings = make_settings(tmp_path, [output])
    with pytest.raises(CrashError):
        build(crashing(make_plan(settings)))
    store = Store.open(str(tmp_path / "tables"))
    left = set(store.listing())
    assert len(left) == 6
    assert files_of(settings, DOCUMENTS) == set(), "readers see nothing of it"
    built(settings)
    assert set(store.listing()) - left == {"_snapshots/00000001.json"}


def test_build_of_an_output_that_is_changed_meanwhile_says_so(tmp_path: Path):
    output = {"uri": write_output(tmp_path / "a"), "name": "a", "date": "2026-01-01"}
    plan = make_plan(make_settings(tmp_path, [output]))
    part = next((tmp_path / "a" / "data").iterdir())
    part.write_bytes(part.read_bytes() + b"more")
    with pytest.raises(OutputError, match=r"were committed\. Check the output"):
        build(plan)


def test_build_of_outputs_without_entities_and_classes_has_tables_without_rows(tmp_path: Path):
    plain = write_output(tmp_path / "a", topic=False, entities=False)
    settings = make_settings(tmp_path, [{"uri": plain, "name": "a", "date": "2026-01-01"}])
    assert built(settings)[ENTITIES] == (0, 1, 0)
    assert rows_of(settings, ENTITIES) == rows_of(settings, LABELS) == []
    assert len(files_of(settings, LABELS)) == 1, "which tells readers the columns"


@pytest.mark.s3
def test_build_on_s3_reads_and_writes_there(s3_store: Store):
    output = {"uri": write_output(f"{s3_store.uri}/a"), "name": "a", "date_column": "published"}
    settings = make_settings(s3_store.uri, [output])
    assert built(settings)[DOCUMENTS][0] == 11
    assert built(settings) == {}
    standing = make_plan(settings).destination.standing(LANGUAGES)
    assert [file.partition for file in standing.files] == [UNPARTITIONED]
    assert all(file.uri.startswith(s3_store.uri) for file in standing.files)


@pytest.fixture(scope="module")
def queried(ray_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tables of two outputs, in both formats."""
    folder = tmp_path_factory.mktemp("queried")
    outputs = [
        {"uri": write_output(folder / "a"), "name": "a", "date_column": "published"},
        {"uri": write_output(folder / "b"), "name": "b", "date": "2026-01-30"},
    ]
    for kind in ("parquet", "iceberg"):
        built(make_settings(folder, outputs, kind))
    return folder


def queries() -> list[str]:
    return re.findall(r"^```sql\n(.*?)```", DOCS.read_text(), re.MULTILINE | re.DOTALL)


def connected(folder: Path, kind: str) -> duckdb.DuckDBPyConnection:
    """A connection that has the tables, as the docs say how to come by it."""
    connection = duckdb.connect()
    if kind == "parquet":
        setup = re.search(r"^```sql setup\n(.*?)```", DOCS.read_text(), re.MULTILINE | re.DOTALL)
        assert setup
        connection.execute(setup[1].replace("'out/tables'", f"'{folder}/tables'"))
        return connection
    settings = make_settings(folder, [{"uri": "any", "date": "2026-01-01"}], "iceberg")
    assert settings.destination.type == "iceberg"
    catalog = open_catalog(settings.destination)
    for table in TABLES:
        found = catalog.load_table(("xmod", table)).scan()
        connection = found.to_duckdb(table, connection)
    return connection


def test_docs_have_ten_queries():
    assert len(queries()) == 10


@FORMATS
@pytest.mark.parametrize("number", range(10))
def test_docs_query_gives_rows(queried: Path, kind: str, number: int):
    rows = connected(queried, kind).execute(queries()[number]).fetchall()
    assert rows


@FORMATS
def test_docs_tables_are_read_with_their_partitions(queried: Path, kind: str):
    connection = connected(queried, kind)
    counts = connection.execute(
        "select language_group, count(*) from documents group by all order by all"
    ).fetchall()
    assert counts == [("de", 10), ("fr", 8), ("other", 4)]


def test_docs_way_to_read_iceberg_works(queried: Path):
    (lines,) = re.findall(r"^```python\n(.*?)```", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = {}
    exec(
        lines.replace("out/tables/catalog.db", f"{queried}/catalog.db").replace("'en'", "'de'"),
        found,
    )
    assert found["english"].num_rows == 10
    assert found["connection"].execute("select count(*) from documents").fetchone() == (22,)
