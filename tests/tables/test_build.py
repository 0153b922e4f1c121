"""Tables from outputs on a real Ray: built, built again, grown, replaced and exported."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.config.tables import TablesSettings
from pipeline.errors import OutputError
from pipeline.storage import Store
from pipeline.tables.build import build
from pipeline.tables.columns import DOCUMENTS, ENTITIES, LABELS, LANGUAGES, TABLES
from pipeline.tables.data_files import TableFile, files_of
from pipeline.tables.export import export
from pipeline.tables.iceberg import IcebergTables
from pipeline.tables.planning import make_plan
from tests.helpers.enriched import make_settings, rows_of, write_output

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def built(settings: TablesSettings) -> dict[str, tuple[int, int, int]]:
    """Rows, files added and files gone of each table that a run changes."""
    return {one.name: (one.rows, one.added, one.gone) for one in build(make_plan(settings))}


def by_source(settings: TablesSettings, table: str) -> Counter[str]:
    return Counter(str(row["source"]) for row in rows_of(settings, table))


def standing(settings: TablesSettings, table: str) -> tuple[TableFile, ...]:
    found = tables_of(settings).load(table)
    return files_of(found) if found else ()


def tables_of(settings: TablesSettings) -> IcebergTables:
    return IcebergTables.open(settings.destination, settings.layout.dates)


def uris_of(settings: TablesSettings, table: str) -> set[str]:
    return {file.scan.file.file_path for file in standing(settings, table)}


def test_build_brings_tables_up_to_date_with_what_outputs_have_become(tmp_path: Path):
    first = {"uri": write_output(tmp_path / "a"), "name": "a", "date_column": "published"}
    second = {"uri": write_output(tmp_path / "b", rows=8), "name": "b", "date": "2026-01-30"}

    settings = make_settings(tmp_path, [first, second])
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
    assert len(uris_of(settings, DOCUMENTS)) == 3, "one file a partition, of both outputs"
    quarantined = [row for row in rows_of(settings, LANGUAGES) if row["quarantined"]]
    assert [row["reasons"] for row in quarantined] == [[{"reason": "ValueError", "records": 1}]] * 2

    assert built(settings) == {}, "nothing is new"

    third = {
        "uri": write_output(tmp_path / "c", perplexity=True, entities=False, fingerprint="c" * 64),
        "name": "c",
        "date": "2026-03-01",
    }
    before = uris_of(settings, DOCUMENTS)
    settings = make_settings(tmp_path, [third])
    assert built(settings).keys() == set(TABLES), "a run may name one output alone"
    assert before < uris_of(settings, DOCUMENTS), "files of before stay as they are"
    likelihoods = {(r["source"], r["perplexity"] is None) for r in rows_of(settings, DOCUMENTS)}
    assert likelihoods == {("a", True), ("b", True), ("c", False)}
    assert by_source(settings, ENTITIES) == {"a": 9, "b": 6}

    first["uri"] = write_output(tmp_path / "a2", rows=6, fingerprint="d" * 64, failed=())
    settings = make_settings(tmp_path, [first, second, third])
    assert [source.name for source in make_plan(settings).changed] == ["a"]
    built(settings)
    assert by_source(settings, DOCUMENTS) == {"a": 6, "b": 7, "c": 11}
    assert by_source(settings, ENTITIES) == {"a": 5, "b": 6}
    assert by_source(settings, LANGUAGES)["a"] == 4
    assert built(settings) == {}
    assert {name: len(tables_of(settings).load(name).snapshots()) for name in TABLES} == {
        DOCUMENTS: 3,
        ENTITIES: 2,
        LABELS: 3,
        LANGUAGES: 3,
    }, "one a run that had something to change"


def test_build_of_an_output_that_has_no_entities_any_more_takes_them_out(tmp_path: Path):
    output = {"uri": write_output(tmp_path / "a"), "name": "a", "date": "2026-01-01"}
    other = {"uri": write_output(tmp_path / "b", rows=8), "name": "b", "date": "2026-01-01"}
    built(make_settings(tmp_path, [output, other]))
    output["uri"] = write_output(tmp_path / "c", entities=False, fingerprint="c" * 64)
    settings = make_settings(tmp_path, [output])
    assert built(settings)[ENTITIES] == (6, 1, 1), "both outputs shared a file"
    assert by_source(settings, ENTITIES) == {"b": 6}
    other["uri"] = write_output(tmp_path / "d", entities=False, fingerprint="d" * 64)
    settings = make_settings(tmp_path, [other])
    assert built(settings)[ENTITIES] == (0, 0, 1)
    assert rows_of(settings, ENTITIES) == []


def test_build_of_many_small_runs_leaves_one_file_a_partition(tmp_path: Path):
    for day in (1, 2, 3):
        output = {
            "uri": write_output(tmp_path / f"{day}"),
            "name": f"day {day}",
            "date": f"2026-01-0{day}",
        }
        settings = make_settings(tmp_path, [output])
        built(settings)
    assert len(uris_of(settings, DOCUMENTS)) == 2
    assert len(uris_of(settings, LANGUAGES)) == 1
    assert by_source(settings, DOCUMENTS) == {f"day {day}": 11 for day in (1, 2, 3)}


def test_build_of_a_partition_above_the_target_is_several_files(tmp_path: Path):
    output = {"uri": write_output(tmp_path / "a", rows=40), "name": "a", "date": "2026-01-01"}
    layout = {"dates": "year", "min_rows": 1, "target_bytes": 2000}
    settings = make_settings(tmp_path, [output], layout=layout, documents={"text": True})
    assert built(settings)[DOCUMENTS][0] == 39
    files = standing(settings, DOCUMENTS)
    assert min(Counter(file.partition for file in files).values()) > 1
    sizes = [file.scan.file.record_count for file in files]
    assert sum(sizes) == 39
    assert max(sizes) < 12, "none holds much more than the target"


class CrashError(Exception):
    """Stands for the end of the process."""


def crash(*_: object) -> None:
    raise CrashError


def test_build_after_a_crash_before_the_commit_is_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    output = {"uri": write_output(tmp_path / "a"), "name": "a", "date": "2026-01-01"}
    settings = make_settings(tmp_path, [output])
    plan = make_plan(settings)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.tables.build.commit", crash)
        with pytest.raises(CrashError):
            build(plan)
    assert len(list((tmp_path / "wh").rglob("*.parquet"))) == 6
    assert uris_of(settings, DOCUMENTS) == set(), "readers see nothing of it"
    assert built(settings)[DOCUMENTS] == (11, 2, 0)
    assert by_source(settings, DOCUMENTS) == {"a": 11}


def test_build_of_an_output_whose_records_are_all_in_quarantine_counts_them(tmp_path: Path):
    output = write_output(tmp_path / "out", failed=range(12))
    settings = make_settings(tmp_path, [{"uri": output, "name": "a", "date_column": "published"}])
    assert built(settings).keys() == set(TABLES)
    assert by_source(settings, DOCUMENTS) == {}
    assert sum(row["quarantined"] for row in rows_of(settings, LANGUAGES)) == 12
    assert built(settings) == {}


def test_build_while_another_run_changes_the_tables_is_refused(tmp_path: Path):
    output = {"uri": write_output(tmp_path / "a"), "name": "a", "date": "2026-01-01"}
    settings = make_settings(tmp_path, [output])
    slow = make_plan(settings)
    built(settings)
    with pytest.raises(OutputError, match="Another run has changed table xmod"):
        build(slow)
    assert by_source(settings, DOCUMENTS) == {"a": 11}


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
    assert built(settings)[ENTITIES] == (0, 0, 0)
    assert rows_of(settings, ENTITIES) == rows_of(settings, LABELS) == []
    assert export(tables_of(settings), f"{tmp_path}/export")[LABELS] == 0
    found = duckdb.sql(f"from read_parquet('{tmp_path}/export/labels/**/*.parquet')")
    assert {"label", "language_group"} <= set(found.columns), "a file tells readers the columns"


@pytest.mark.s3
def test_build_on_s3_reads_and_writes_there(s3_store: Store):
    output = {"uri": write_output(f"{s3_store.uri}/a"), "name": "a", "date_column": "published"}
    settings = make_settings(s3_store.uri, [output])
    assert built(settings)[DOCUMENTS][0] == 11
    assert built(settings) == {}
    assert all(uri.startswith(f"{s3_store.uri}/wh/") for uri in uris_of(settings, LANGUAGES))
    assert export(tables_of(settings), f"{s3_store.uri}/export")[DOCUMENTS] == 11
    assert s3_store.exists("export/_SUCCESS")


@pytest.fixture(scope="module")
def queried(ray_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> TablesSettings:
    """Settings of tables of two outputs, exported to ``export`` beside their catalog."""
    folder = tmp_path_factory.mktemp("queried")
    outputs = [
        {"uri": write_output(folder / "a"), "name": "a", "date_column": "published"},
        {"uri": write_output(folder / "b"), "name": "b", "date": "2026-01-30"},
    ]
    settings = make_settings(folder, outputs)
    built(settings)
    export(tables_of(settings), f"{folder}/export")
    return settings


def folder_of(settings: TablesSettings) -> Path:
    assert settings.destination.catalog.type == "sqlite"
    return Path(settings.destination.catalog.path).parent


def documented(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)```", DOCS.read_text(), re.MULTILINE | re.DOTALL)


def connected(settings: TablesSettings, way: str) -> duckdb.DuckDBPyConnection:
    """A connection that has the tables, as the docs say how to come by it."""
    connection = duckdb.connect()
    if way == "export":
        (views,) = documented("sql setup")
        return connection.execute(views.replace("out/export", f"{folder_of(settings)}/export"))
    for table in TABLES:
        found = tables_of(settings).load(table)
        assert found
        connection = found.scan().to_duckdb(table, connection)
    return connection


WAYS = pytest.mark.parametrize("way", ["iceberg", "export"])


def test_docs_have_ten_queries():
    assert len(documented("sql")) == 10


@WAYS
@pytest.mark.parametrize("number", range(10))
def test_docs_query_gives_rows(queried: TablesSettings, way: str, number: int):
    assert connected(queried, way).execute(documented("sql")[number]).fetchall()


@WAYS
def test_docs_tables_are_read_with_their_partitions(queried: TablesSettings, way: str):
    counts = connected(queried, way).execute(
        "select language_group, count(*) from documents group by all order by all"
    )
    assert counts.fetchall() == [("de", 10), ("fr", 8), ("other", 4)]


def test_docs_way_to_read_iceberg_works(queried: TablesSettings):
    (lines,) = documented("python")
    found: dict[str, Any] = {}
    path = f"{folder_of(queried)}/catalog.db"
    exec(lines.replace("out/tables/catalog.db", path).replace("'en'", "'de'"), found)
    assert found["english"].num_rows == 10
    assert found["connection"].execute("select count(*) from documents").fetchone() == (22,)


def test_export_is_the_tables_as_they_are(queried: TablesSettings):
    folder = folder_of(queried) / "export"
    assert json.loads((folder / "_SUCCESS").read_text()) == {
        name: len(rows_of(queried, name)) for name in TABLES
    }
    found = duckdb.sql(
        f"select * exclude (date_group) from read_parquet('{folder}/documents/**/*.parquet')"
    )
    names = rows_of(queried, DOCUMENTS)[0].keys()
    exported = found.select(*names).to_arrow_table().to_pylist()
    assert sorted(map(str, exported)) == sorted(map(str, rows_of(queried, DOCUMENTS)))
    (file,) = (folder / "documents" / "date_group=2026-02").rglob("*.parquet")
    assert file.parent.name == "language_group=other"


def test_export_to_a_folder_with_something_in_it_is_refused(queried: TablesSettings):
    folder = folder_of(queried) / "export"
    before = sorted(folder.rglob("*"))
    with pytest.raises(OutputError, match=r"export is not empty\. Set --export to a folder"):
        export(tables_of(queried), str(folder))
    assert sorted(folder.rglob("*")) == before


def test_export_of_tables_that_are_not_there_is_refused(tmp_path: Path):
    settings = make_settings(tmp_path, [{"uri": "any", "date": "2026-01-01"}])
    with pytest.raises(OutputError, match=r"no table documents, .* without --export first"):
        export(tables_of(settings), f"{tmp_path}/export")
    assert not (tmp_path / "export").exists()
