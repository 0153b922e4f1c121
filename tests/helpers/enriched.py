"""Small finished outputs, made without a model, and what tables hold of them."""

import datetime
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.config.tables import EnrichedOutput, TablesSettings
from pipeline.output.output_lock import acquire_lock
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import reconcile
from pipeline.storage import Store
from pipeline.tables.destination import open_destination
from pipeline.tables.outputs import survey
from pipeline.tables.reading import opened_part, read
from pipeline.tables.rows import TableRows
from pipeline.tables.source import Source
from tests.helpers.outputs import DECLARED, ENTITY, make_block, make_unit

FIRST_DAY = datetime.date(2026, 1, 30)
"""Record 0's date; every fourth record begins another day."""

COLUMNS = {
    "published": pa.date32(),
    "outlet": pa.string(),
    "visits": pa.int64(),
    "topic_label": pa.string(),
    "topic_score": pa.float32(),
    "perplexity": pa.float32(),
}
"""What an output may have beside ``outputs.DECLARED``."""

SECOND = {**ENTITY, "text": "Paris", "start": 7, "end": 12}


def day_of(row: int) -> datetime.date:
    return FIRST_DAY + datetime.timedelta(days=row // 4)


def declared(*added: str, without: Collection[str] = ()) -> pa.Schema:
    """The parts' schema: columns of the input come first, those of tasks last."""
    tasks = [name for name in added if name.startswith(("topic", "perplexity"))]
    inputs = [name for name in added if name not in tasks]
    return pa.schema(
        [
            *(pa.field(name, COLUMNS[name]) for name in inputs),
            *(field for field in DECLARED if field.name not in without),
            *(pa.field(name, COLUMNS[name]) for name in tasks),
        ]
    )


def write_output(
    folder: Path | str,
    rows: int = 12,
    *,
    topic: bool = True,
    entities: bool = True,
    perplexity: bool = False,
    fingerprint: str = "a" * 64,
    failed: Collection[int] = (1,),
    unit_rows: int = 6,
    success: bool = True,
) -> str:
    """A finished output of ``rows`` records at ``folder``; row 1 is in quarantine.

    Even rows are German with an entity, and every fourth with two; odd rows are French.
    """
    store = Store.open(str(folder))
    wanted = ["published", "outlet", "visits", *(["topic_label", "topic_score"] if topic else [])]
    schema = declared(
        *wanted, *(["perplexity"] if perplexity else []), without=() if entities else ("entities",)
    )
    tasks = {"topic": "classification"} if topic else {}
    tasks |= {"ner": "ner"} if entities else {}
    acquire_lock(store, fingerprint, echo(tasks))
    units = [
        make_unit(start, min(start + unit_rows, rows), fingerprint=fingerprint)
        for start in range(0, rows, unit_rows)
    ]
    for unit in units:
        numbers = range(unit.start, unit.stop)
        found = [
            [[], [ENTITY], [ENTITY, SECOND]][(row % 2 == 0) + (row % 4 == 0)] for row in numbers
        ]
        block = make_block(unit, [row for row in numbers if row in failed], entities=found)
        values: Mapping[str, list[object]] = {
            "published": [day_of(row) for row in numbers],
            "outlet": [f"outlet {row % 3}" for row in numbers],
            "visits": list(numbers),
            "topic_label": ["sports" if row % 3 else "news" for row in numbers],
            "topic_score": [0.5 + row / 100 for row in numbers],
            "perplexity": [float(row) for row in numbers],
        }
        for name in schema.names:
            if name in values:
                block = block.append_column(name, pa.array(values[name], COLUMNS[name]))
        Publisher(store, schema)(block if entities else block.drop_columns(["entities"]))
    reconcile(store, units, fingerprint)
    if not success:
        store.delete(["_SUCCESS"])
    return store.uri


def echo(tasks: Mapping[str, str]) -> dict[str, object]:
    return {
        "input": {"text_column": "text"},
        "tasks": {name: {"type": kind} for name, kind in tasks.items()},
    }


def source_of(folder: Path, **output: Any) -> Source:
    uri = write_output(folder / "out", **output)
    return survey(EnrichedOutput(uri=uri, name="demo", date_column="published"))


def made(table: TableRows, source: Source, part: int = 0) -> pa.Table:
    """The rows of ``table`` of one part, which are checked against the schema it promises."""
    of = source.parts[part]
    with opened_part(of.uri, of.bytes, source.origin.schema) as parquet:
        rows = table.rows(read(parquet, table.columns(source.origin)), of, source.origin)
    assert rows.schema.equals(table.schema(source.origin))
    return rows


def make_settings(
    folder: Path | str,
    outputs: Iterable[Mapping[str, object]],
    kind: str = "parquet",
    **sections: object,
) -> TablesSettings:
    """Settings for tables below ``folder``, small enough partitions, by month."""
    catalog = {"type": "sqlite", "path": f"{folder}/catalog.db", "warehouse": f"{folder}/wh"}
    destination = (
        {"type": "parquet", "uri": f"{folder}/tables"}
        if kind == "parquet"
        else {"type": "iceberg", "catalog": catalog}
    )
    return TablesSettings.model_validate(
        {
            "outputs": list(outputs),
            "layout": {"dates": "month", "min_rows": 3},
            "destination": destination,
            **sections,
        }
    )


def rows_of(settings: TablesSettings, table: str) -> list[dict[str, object]]:
    """All rows of a table as any reader of its format finds them."""
    if settings.destination.type == "iceberg":
        from pipeline.tables.catalog import open_catalog

        found = open_catalog(settings.destination).load_table(
            (settings.destination.namespace, table)
        )
        rows: list[dict[str, object]] = found.scan().to_arrow().to_pylist()
        return rows
    standing = open_destination(settings.destination, settings.layout).standing(table)
    files = [file.uri.removeprefix("file://") for file in standing.files]
    found = duckdb.read_parquet(files, hive_partitioning=True, union_by_name=True)
    rows = found.to_arrow_table().to_pylist()
    return rows
