"""Blocks to publish, stores that crash or that keep all in memory, and what must hold after."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.contract import schema
from pipeline.contract.unit import SourceFile, Unit
from pipeline.output.reconcile import reconcile
from pipeline.output.verify import verify
from pipeline.storage import Store

FINGERPRINT = "f" * 64

DECLARED = pa.schema(
    [
        pa.field("text", pa.string()),
        schema.RECORD_ID,
        *schema.LANGUAGE_FIELDS,
        *schema.TOKEN_FIELDS,
        pa.field("entities", pa.list_(schema.ENTITY)),
        pa.field("embedding", pa.list_(pa.float16(), 2)),
    ]
)

ENTITY = {"label": "LOC", "text": "Berlin", "start": 0, "end": 6, "score": 0.5}


def make_unit(
    start: int = 0,
    stop: int = 6,
    uri: str = "file:///corpus/a.parquet",
    fingerprint: str = FINGERPRINT,
    content: str = "c",
) -> Unit:
    """A unit of a file that nobody reads."""
    source = SourceFile(uri=uri, size=1000, version="1", content=content)
    return Unit(source=source, start=start, stop=stop, fingerprint=fingerprint)


def make_block(unit: Unit, failed: Collection[int] = (), **columns: list[object]) -> pa.Table:
    """The annotated block of ``unit``; even rows are German, each with an entity."""
    numbers = range(unit.start, unit.stop)
    failure = {"stage": "annotate", "error_type": "ValueError", "message": "no"}
    values: dict[str, list[object]] = {
        "text": [f"Berlin {row}" for row in numbers],
        "record_id": [f"{unit.source.uri}#{row}" for row in numbers],
        "_unit": [unit.to_json()] * unit.rows,
        "_row": list(numbers),
        "_text": [f"Berlin {row}" for row in numbers],
        "_prior": [None] * unit.rows,
        "_error": [failure if row in failed else None for row in numbers],
        "language": ["fr" if row % 2 else "de" for row in numbers],
        "language_score": [0.5] * unit.rows,
        "language_source": ["detected"] * unit.rows,
        "language_distance": [None] * unit.rows,
        "xmod_language": ["fr_XX" if row % 2 else "de_DE" for row in numbers],
        "lang_id": [row % 2 for row in numbers],
        "n_tokens": [4] * unit.rows,
        "n_windows": [1] * unit.rows,
        "truncated": [False] * unit.rows,
        "entities": [[] if row % 2 else [ENTITY] for row in numbers],
        "embedding": [[0.5, row] for row in numbers],
        **columns,
    }
    types = {f.name: f.type for f in (*schema.READ_FIELDS, *DECLARED)}
    return pa.table({name: pa.array(found, types[name]) for name, found in values.items()})


def rows_in(store: Store, unit: Unit) -> tuple[list[str], list[str]]:
    """The record ids in a unit's part and in its quarantine."""
    return _ids(store, "data", unit), _ids(store, "quarantine", unit)


def assert_exactly_once(store: Store, *units: Unit) -> None:
    """Each record of ``units`` stands once, and all that checks it agrees."""
    for unit in units:
        annotated, quarantined = rows_in(store, unit)
        expected = [f"{unit.source.uri}#{row}" for row in range(unit.start, unit.stop)]
        assert sorted(annotated + quarantined) == sorted(expected)
    result = reconcile(store, units, FINGERPRINT)
    assert result.rows_in == sum(unit.rows for unit in units)
    if not store.exists("_run.json"):
        store.create("_run.json", b'{"fingerprint": "%s"}' % FINGERPRINT.encode())
    assert verify(store).problems == ()


class CrashError(Exception):
    """Stands for the end of a process."""


Step = Callable[[], None]


@dataclass(frozen=True)
class SteppingStore(Store):
    """A store that calls ``step`` before and after each request of a publisher."""

    step: Step = lambda: None

    def create(self, path: str, body: bytes) -> bool:
        self.step()
        created = super().create(path, body)
        self.step()
        return created

    def read(self, path: str) -> bytes | None:
        self.step()
        body = super().read(path)
        self.step()
        return body


def crash_at(number: int) -> Step:
    """A step that raises CrashError when it is called for the ``number``-th time, from 0."""
    left = [number]

    def step() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise CrashError

    return step


@dataclass(frozen=True)
class MemoryStore(Store):
    """A store in memory; ``before`` is called before each request of a publisher."""

    files: dict[str, bytes] = field(default_factory=dict)
    before: Step = lambda: None

    def create(self, path: str, body: bytes) -> bool:
        self.before()
        return self.files.setdefault(path, body) is body

    def read(self, path: str) -> bytes | None:
        self.before()
        return self.files.get(path)

    def replace(self, path: str, body: bytes) -> None:
        self.files[path] = body

    def read_all(self, paths: Collection[str]) -> dict[str, bytes]:
        return {path: self.files[path] for path in paths}

    def exists(self, path: str) -> bool:
        return path in self.files

    def listing(self, folder: str = "") -> dict[str, int]:
        prefix = f"{folder}/" if folder else ""
        return {path: len(body) for path, body in self.files.items() if path.startswith(prefix)}

    def delete(self, paths: Collection[str]) -> None:
        for path in paths:
            self.files.pop(path, None)


def _ids(store: Store, folder: str, unit: Unit) -> list[str]:
    body = store.read(f"{folder}/part-{unit.unit_id}.parquet")
    if body is None:
        return []
    ids: list[str] = pq.read_table(pa.BufferReader(body))["record_id"].to_pylist()
    return ids
