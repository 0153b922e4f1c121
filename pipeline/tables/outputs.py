"""The enriched outputs that tables are made of: what of them is committed.

Enters: ``outputs`` of the settings. Leaves: a ``Source`` for each, with its committed parts and
their columns. What holds: a part is here only if the manifest, where there is one, lists its unit,
the unit's commit record names it, and it has the size that it was committed with; all units of a
source are of one run and of this version.
"""

import difflib

from pydantic import BaseModel, ValidationError

from pipeline.config.tables import EnrichedOutput
from pipeline.contract.schema import SCHEMA_VERSION
from pipeline.errors import ConfigError, OutputError
from pipeline.output.commit import COMMIT, DATA, CommitRecord, FileEntry, parse_commit
from pipeline.output.manifest import listed
from pipeline.output.output_lock import RUN, SUCCESS
from pipeline.storage import Store
from pipeline.tables.dates import DateRule
from pipeline.tables.source import CommittedPart, Origin, Source, column_bytes, opened, schema_of


def survey(output: EnrichedOutput) -> Source:
    """What is committed of ``output``; raises OutputError where it cannot be used as it is."""
    store = Store.open(output.uri)
    run = _run(store)
    if not output.allow_incomplete and not store.exists(SUCCESS):
        raise OutputError(
            f"{store.uri} has no {SUCCESS}: its job has not ended well, and records may be missing."
            " Run that job again to complete it, or set allow_incomplete: true for this output."
        )
    records = _records(store)
    _require_one_run(store, run, records)
    _require_sizes(store, records)
    origin = _origin(output, store, run, records[0].part)
    parts = tuple(_part(store, record, origin) for record in records)
    return Source(store.uri, run.fingerprint, origin, parts)


class _Task(BaseModel):
    type: str


class _Input(BaseModel):
    text_column: str


class _Echo(BaseModel):
    input: _Input
    tasks: dict[str, _Task]


class _Run(BaseModel):
    """What of ``_run.json`` tells how columns came to be."""

    fingerprint: str
    schema_version: int
    echo: _Echo


def _run(store: Store) -> _Run:
    body = store.read(RUN)
    if body is None:
        raise OutputError(
            f"{store.uri} is no output of jobs/annotate.py: it has no {RUN}. Set outputs.<n>.uri "
            "to the folder that output.uri named."
        )
    try:
        return _Run.model_validate_json(body)
    except ValidationError:
        raise OutputError(
            f"{store.uri_of(RUN)} is not a run's identity of this version. Annotate the corpus "
            "again with this version."
        ) from None


def _records(store: Store) -> list[CommitRecord]:
    bodies = store.read_all(filter(listed(store), store.listing(COMMIT)))
    records = [parse_commit(body, store.uri_of(path)) for path, body in bodies.items()]
    if not records:
        raise OutputError(
            f"{store.uri} has no committed unit: nothing is in {COMMIT}/. Run its job, or take it "
            "out of outputs."
        )
    return sorted(records, key=lambda record: (record.unit.source.uri, record.unit.start))


def _require_one_run(store: Store, run: _Run, records: list[CommitRecord]) -> None:
    versions = {run.schema_version, *(record.schema_version for record in records)}
    if versions != {SCHEMA_VERSION}:
        raise OutputError(
            f"{store.uri} has units of schema version {', '.join(map(str, sorted(versions)))}; "
            f"this package makes and reads version {SCHEMA_VERSION}. Annotate the corpus again "
            "into an output of its own."
        )
    strange = {record.fingerprint for record in records} - {run.fingerprint}
    if strange:
        raise OutputError(
            f"{store.uri} holds units of fingerprint {', '.join(sorted(strange))} beside those of "
            f"its run, {run.fingerprint}. Check it with jobs/verify.py."
        )


def _require_sizes(store: Store, records: list[CommitRecord]) -> None:
    sizes = store.listing(DATA)
    wrong = [r.part for r in records if sizes.get(r.part.path) != r.part.bytes]
    if wrong:
        seen = sizes.get(wrong[0].path, "no")
        raise OutputError(
            f"{store.uri} has {len(wrong)} parts that are not as committed, such as "
            f"{wrong[0].path}: it has {seen} bytes; {wrong[0].bytes} were committed. Check it with "
            "jobs/verify.py."
        )


def _part(store: Store, record: CommitRecord, origin: Origin) -> CommittedPart:
    counts = {tag: count.quarantined for tag, count in record.counts.items() if count.quarantined}
    return CommittedPart(
        origin=origin,
        uri=store.uri_of(record.part.path),
        bytes=record.part.bytes,
        sha256=record.part.sha256,
        unit_id=record.unit_id,
        file=record.unit.source.uri,
        quarantined=tuple(sorted(counts.items())),
        reasons=tuple(sorted(record.reasons.items())),
    )


def _origin(output: EnrichedOutput, store: Store, run: _Run, first: FileEntry) -> Origin:
    with opened(store.uri_of(first.path), first.bytes) as parquet:
        schema, sizes = schema_of(parquet), column_bytes(parquet)
    names = list(schema.names)
    inputs = tuple(names[: names.index("record_id")])
    text = run.echo.input.text_column
    rule = DateRule(output.date, output.date_column)
    _require_date_column(rule, inputs, store.uri)
    rule.require(schema, store.uri)
    classes = (name for name, task in run.echo.tasks.items() if task.type == "classification")
    return Origin(
        name=output.name or store.uri,
        date=rule,
        schema=schema,
        inputs=inputs,
        text=next((name for name in (text, f"input_{text}") if name in inputs), None),
        tasks=tuple(names[names.index("truncated") + 1 :]),
        labels=tuple(classes),
        sizes=sizes,
    )


def _require_date_column(rule: DateRule, inputs: tuple[str, ...], uri: str) -> None:
    if rule.column is None or rule.column in inputs:
        return
    nearest = difflib.get_close_matches(rule.column, inputs, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"it kept {', '.join(inputs) or 'none'}."
    raise ConfigError(
        f"{uri} has no column {rule.column!r} of the input; {hint} Set outputs.<n>.date_column to "
        "a column that the annotation kept (input.keep_columns), or outputs.<n>.date to one date."
    )
