"""The end of a job: every record of the plan is in the output, once.

Enters: the output folder and the plan's units. Leaves: ``_manifest.json``, ``_SUCCESS`` and the
job's totals. What holds: ``_SUCCESS`` exists only while exactly the planned and kept units are
committed, their files have the committed sizes, ``rows_in == rows_out + rows_quarantined``, and the
output is still this run's. Units that a slow writer of an earlier configuration committed after
``--new-run`` are deleted.

A run that adds units to a complete output calls ``reopen`` before it writes. The manifest stays
until the next ``reconcile`` replaces it. Units are retired by the manifest in one step: it stops
listing them and marks them for deletion; then their commit records go, then their files, with those
of abandoned units (left without a commit record by an earlier run and no longer planned); then a
manifest is written that retires nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from pipeline.contract.unit import Unit
from pipeline.errors import IncompleteError, OutputError, PublishError, shortened
from pipeline.output import retry_list
from pipeline.output.changes import Changes, Rows
from pipeline.output.commit import (
    COMMIT,
    DATA,
    QUARANTINE,
    CommitRecord,
    CommittedRows,
    LanguageCounts,
    commit_path,
    most_frequent,
    parse_commit,
    unit_of,
)
from pipeline.output.manifest import manifest_of
from pipeline.output.output_lock import MANIFEST, SUCCESS, require_owner
from pipeline.storage import Store

_UNCHANGED = Changes()


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
        totals = defaultdict[str, LanguageCounts](LanguageCounts)
        for record in self.records:
            for tag, counts in record.counts.items():
                totals[tag] += counts
        return most_frequent(totals)

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


def reconcile(
    store: Store,
    units: Sequence[Unit],
    fingerprint: str,
    changes: Changes = _UNCHANGED,
    run: str = "",
) -> Reconciliation:
    """The totals of a complete output, whose manifest and ``_SUCCESS`` now stand.

    Raises IncompleteError that lists what is missing, foreign or wrong; ``_SUCCESS`` is then gone.
    Raises OutputError where the output is no longer that of ``run``, its id when the run began.
    """
    require_owner(store, fingerprint, run)
    expected = {unit.unit_id: CommittedRows.of(unit) for unit in units} | dict(changes.kept)
    standing = {path: size for path, size in store.listing(COMMIT).items() if unit_of(path)}
    retired, commits = _divided(standing, changes.retired)
    leaving = changes.retired | (changes.abandoned - {unit_of(path) for path in commits})
    records, problems = _parsed(store, store.read_all(commits))
    strange = {
        one
        for one, record in records.items()
        if record.fingerprint != fingerprint and one not in expected
    }
    records = {one: record for one, record in records.items() if one not in strange}
    retired |= {path: size for path, size in commits.items() if unit_of(path) in strange}
    leaving |= strange
    leftover, files = _divided({**store.listing(QUARANTINE), **store.listing(DATA)}, leaving)
    problems += _uncommitted(expected, records)
    for unit_id, record in records.items():
        problems += _wrong(unit_id, record, expected, fingerprint)
    problems += _misplaced(files, records)
    if problems:
        reopen(store)
        raise IncompleteError(_message(store, problems))
    order = sorted(records.values(), key=lambda record: (record.unit.source.uri, record.unit.start))
    result = Reconciliation(tuple(order))
    if retired or leftover:
        reopen(store)
        _write_manifest(store, result, fingerprint, changes, changes.retired | strange)
        store.delete(retired)
        retry_list.remove(store, retry_list.listed(store) - expected.keys())
        store.delete(leftover)
    _write_manifest(store, result, fingerprint, changes)
    store.create(SUCCESS, b"")
    try:
        require_owner(store, fingerprint, run)
    except OutputError:
        reopen(store)
        raise
    return result


def _divided(files: Mapping[str, int], leaving: Set[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Of a listing, the files of units that are ``leaving``, and the others."""
    theirs = {path: size for path, size in files.items() if unit_of(path) in leaving}
    return theirs, {path: size for path, size in files.items() if path not in theirs}


def _parsed(store: Store, bodies: Mapping[str, bytes]) -> tuple[dict[str, CommitRecord], list[str]]:
    records: dict[str, CommitRecord] = {}
    problems = []
    for path, body in bodies.items():
        try:
            records[_unit_id(path)] = parse_commit(body, store.uri_of(path))
        except PublishError as error:
            problems.append(str(error))
    return records, problems


def _uncommitted(expected: Rows, records: Mapping[str, CommitRecord]) -> list[str]:
    return [
        f"not committed: rows {rows.start} to {rows.stop - 1} of {rows.source.uri} ({unit_id})"
        for unit_id, rows in expected.items()
        if unit_id not in records
    ]


def _wrong(unit_id: str, record: CommitRecord, expected: Rows, fingerprint: str) -> Iterator[str]:
    rows, path = record.unit, commit_path(unit_id)
    if unit_id not in expected:
        yield (
            f"{path} is of rows {rows.start} to {rows.stop - 1} of {rows.source.uri}, which the "
            "plan does not have: another run with another corpus is at work, or has been since "
            "this one was planned. Run the job again, which compares anew."
        )
    elif (record.unit_id, rows, record.fingerprint) != (unit_id, expected[unit_id], fingerprint):
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


def _misplaced(standing: Mapping[str, int], records: Mapping[str, CommitRecord]) -> list[str]:
    """Files that should be there and are not, are there with other sizes, or should not be."""
    named = {entry.path: entry.bytes for record in records.values() for entry in record.files}
    return [
        f"{path}: {standing.get(path, 'no')} bytes stand, {named.get(path, 'none')} are committed; "
        + (_REPUBLISH if path in named else _UNKNOWN)
        for path in sorted(named.keys() | set(filter(_is_read, standing)))
        if named.get(path) != standing.get(path)
    ]


def _is_read(path: str) -> bool:
    """Whether readers of the folder take ``path`` for a part; another file there is a user's."""
    return path.endswith(".parquet") or unit_of(path) is not None


_REPUBLISH = f"delete the unit's record in {COMMIT}/ to have it published again"
_UNKNOWN = (
    "run the job again once no other run is at work, or take the file away where no run wrote it"
)


def _write_manifest(
    store: Store,
    result: Reconciliation,
    fingerprint: str,
    changes: Changes,
    retired: frozenset[str] = frozenset(),
) -> None:
    body = manifest_of(result.records, fingerprint, result.counts, changes.kept_files, retired)
    store.replace(MANIFEST, body)


def _message(store: Store, problems: Sequence[str]) -> str:
    count = f"{store.uri} is not complete ({len(problems)} problems):"
    return "\n  ".join([count, *shortened(problems)])


def _unit_id(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".json")
