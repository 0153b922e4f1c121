"""The end of a job: that every record of the plan stands in the output, once.

Enters: the output folder and the plan's units. Leaves: ``_manifest.json`` and ``_SUCCESS``, and the
job's totals. What holds: ``_SUCCESS`` stands only while each unit of the plan, and no other, is
committed, its files stand with their sizes, and ``rows_in == rows_out + rows_quarantined`` by unit
and in all.

A run whose corpus has grown finds new units for an output that is complete: it says ``reopen``
before it writes, so that a reader who waits for ``_SUCCESS`` is not shown a half. The manifest
stays until the next ``reconcile`` replaces it: what it lists is still true.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from pipeline.claim import MANIFEST, SUCCESS
from pipeline.commit import (
    COMMIT,
    DATA,
    QUARANTINE,
    CommitRecord,
    LanguageCounts,
    commit_path,
    parse_commit,
)
from pipeline.errors import IncompleteError, PublishError
from pipeline.schema import SCHEMA_VERSION
from pipeline.storage import Store
from pipeline.unit import Unit

_SHOWN = 10


@dataclass(frozen=True)
class Reconciliation:
    """What the output holds: its commit records, in the order of the corpus."""

    records: tuple[CommitRecord, ...]

    @property
    def rows_in(self) -> int:
        """Records that the units took."""
        return sum(record.rows_in for record in self.records)

    @property
    def rows_out(self) -> int:
        """Records in parts."""
        return sum(record.rows_out for record in self.records)

    @property
    def rows_quarantined(self) -> int:
        """Records in quarantine."""
        return sum(record.rows_quarantined for record in self.records)

    @property
    def counts(self) -> dict[str, LanguageCounts]:
        """Counts by language tag."""
        tags = sorted({tag for record in self.records for tag in record.counts})
        nothing = LanguageCounts()
        return {
            tag: reduce(add, (record.counts.get(tag, nothing) for record in self.records))
            for tag in tags
        }

    @property
    def reasons(self) -> dict[str, int]:
        """Records in quarantine by ``error_type``, the most frequent first."""
        counts = sum((Counter(record.reasons) for record in self.records), Counter[str]())
        return dict(counts.most_common())


def committed_units(store: Store) -> frozenset[str]:
    """The ids of the units that the output holds, by one listing."""
    return frozenset(_unit_id(path) for path in store.listing(COMMIT))


def reopen(store: Store) -> None:
    """Take ``_SUCCESS`` away: units are about to be published."""
    store.delete([SUCCESS])


def reconcile(store: Store, units: Sequence[Unit], fingerprint: str) -> Reconciliation:
    """The totals of a complete output, whose manifest and ``_SUCCESS`` now stand.

    Raises IncompleteError that lists what is missing, foreign or wrong; ``_SUCCESS`` is then gone.
    """
    bodies = store.read_all(store.listing(COMMIT))
    records, problems = _parsed(store, bodies)
    planned = {unit.unit_id: unit for unit in units}
    problems += _uncommitted(planned, records)
    problems += [text for record in records.values() for text in _wrong(record, planned)]
    problems += _misplaced(store, records)
    if problems:
        reopen(store)
        raise IncompleteError(_message(store, problems))
    order = sorted(records.values(), key=lambda record: (record.unit.source.uri, record.unit.start))
    result = Reconciliation(tuple(order))
    store.replace(MANIFEST, _manifest(result, fingerprint))
    store.create(SUCCESS, b"")
    return result


def _parsed(store: Store, bodies: Mapping[str, bytes]) -> tuple[dict[str, CommitRecord], list[str]]:
    records: dict[str, CommitRecord] = {}
    problems = []
    for path, body in bodies.items():
        try:
            records[_unit_id(path)] = parse_commit(body, store.uri_of(path))
        except PublishError as error:
            problems.append(str(error))
    return records, problems


def _uncommitted(planned: Mapping[str, Unit], records: Mapping[str, CommitRecord]) -> list[str]:
    return [
        f"not committed: rows {unit.start} to {unit.stop - 1} of {unit.source.uri} ({unit_id})"
        for unit_id, unit in planned.items()
        if unit_id not in records
    ]


def _wrong(record: CommitRecord, planned: Mapping[str, Unit]) -> Iterator[str]:
    unit, path = planned.get(record.unit_id), commit_path(record.unit_id)
    if unit is None:
        rows = record.unit
        yield (
            f"{path} is of rows {rows.start} to {rows.stop - 1} of {rows.source.uri} "
            f"(version {rows.source.version}), which the plan does not have: the input was "
            "replaced or taken away, or units are cut otherwise. Name another output.uri, or say "
            "--new-run."
        )
    elif not record.is_of(unit):
        yield f"{path} does not describe its unit"
    counted = record.counts.values()
    if (
        record.rows_in != record.unit.stop - record.unit.start
        or record.rows_in != record.rows_out + record.rows_quarantined
        or record.rows_out != sum(count.records for count in counted)
        or record.rows_quarantined != sum(count.quarantined for count in counted)
    ):
        yield (
            f"{path}: {record.rows_in} rows in, {record.rows_out} out, "
            f"{record.rows_quarantined} quarantined do not add up"
        )


def _misplaced(store: Store, records: Mapping[str, CommitRecord]) -> list[str]:
    """Files that should be there and are not, are there with other sizes, or should not be."""
    named = {entry.path: entry.bytes for record in records.values() for entry in record.files}
    standing = {**store.listing(DATA), **store.listing(QUARANTINE)}
    return [
        f"{path}: {standing.get(path, 'no')} bytes stand, {named.get(path, 'none')} are committed; "
        f"delete the unit's record in {COMMIT}/ to have it published again"
        for path in sorted(named.keys() | standing.keys())
        if named.get(path) != standing.get(path)
    ]


def _manifest(result: Reconciliation, fingerprint: str) -> bytes:
    left_out = {"fingerprint", "schema_version", "counts", "stages"}
    manifest = {
        "fingerprint": fingerprint,
        "schema_version": SCHEMA_VERSION,
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "rows_quarantined": result.rows_quarantined,
        "counts": {tag: counts.model_dump() for tag, counts in result.counts.items()},
        "units": [record.model_dump(mode="json", exclude=left_out) for record in result.records],
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False).encode()


def _message(store: Store, problems: Sequence[str]) -> str:
    shown = "\n".join(f"  {problem}" for problem in problems[:_SHOWN])
    rest = f"\n  … and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return f"{store.uri} is not complete ({len(problems)} problems):\n{shown}{rest}"


def _unit_id(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")
