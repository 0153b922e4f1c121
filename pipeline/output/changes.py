"""A corpus that changed since its output was written.

Enters: the corpus, its units, and what the output holds. Leaves: ``Changes``: new, gone and changed
files, and which committed units outside the plan stay or go. What holds: nothing is written; a file
is unchanged as long as its content is; what the settings do not allow is refused; no two units that
stay hold the same row.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.config import Changed, InputSettings, Missing
from pipeline.contract.unit import SourceFile, Unit
from pipeline.corpus.survey import Survey
from pipeline.errors import InputError, PublishError, shortened
from pipeline.output.commit import (
    DATA,
    QUARANTINE,
    CommitRecord,
    CommittedRows,
    CommittedSource,
    commit_path,
    parse_commit,
    unit_of,
)
from pipeline.output.manifest import Kept, Manifest, read_manifest
from pipeline.storage import Store

_NOTHING = Manifest(units=(), kept={}, retired=())

Rows = Mapping[str, CommittedRows]
"""The rows of units, by unit id."""


@dataclass(frozen=True)
class Changes:
    """What became of input files, by URI, and of units that the plan does not have.

    ``kept`` units stay though their file is gone or unreadable, which ``kept_files`` says;
    ``retired`` units are to be deleted, and ``abandoned`` ones, of which a run left files without a
    commit record.
    """

    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    kept: Rows = field(default_factory=dict)
    kept_files: Mapping[str, Kept] = field(default_factory=dict)
    retired: frozenset[str] = frozenset()
    abandoned: frozenset[str] = frozenset()


def compare(
    store: Store,
    committed: Collection[str],
    survey: Survey,
    units: Sequence[Unit],
    settings: InputSettings,
) -> Changes:
    """How the corpus of ``survey``, cut into ``units``, differs from what is ``committed``.

    Raises InputError that names the files where ``settings`` do not allow it.
    """
    manifest = read_manifest(store) or _NOTHING
    planned = {unit.unit_id for unit in units}
    pending = frozenset(manifest.retired) - planned
    listed = {entry.unit_id: entry.unit for entry in manifest.units}
    strange = {one: rows for one, rows in listed.items() if one not in planned}
    unknown = _records(store, frozenset(committed) - planned - pending - listed.keys())
    strange |= {one: record.unit for one, record in unknown.items() if _is_of(record, units)}
    found = _Comparison(survey, units, listed, _by_file(strange))
    gone, changed = found.gone(), found.changed()
    staying = found.unreadable() | (gone if settings.missing is Missing.KEEP else set())
    kept = {one: rows for uri in staying for one, rows in found.each_row_once(uri).items()}
    refused = {
        (_CHANGED, _REPLACE): sorted(changed) if settings.changed is Changed.FAIL else [],
        (_GONE, _ALLOW): sorted(gone) if settings.missing is Missing.FAIL else [],
        (_MOVED, _REMOVE): [f"{new}, as {old}" for old, new in found.moved(kept.values())],
    }
    complaints = [line for why, files in refused.items() for line in _complaint(files, *why)]
    if complaints:
        raise InputError("\n".join([f"The corpus is not the one of {store.uri}.", *complaints]))
    return Changes(
        new=found.new(committed),
        gone=tuple(sorted(gone)),
        changed=tuple(sorted(changed)),
        kept=kept,
        kept_files={uri: Kept.GONE if uri in gone else Kept.UNREADABLE for uri in staying},
        retired=pending | ((strange.keys() | unknown.keys()) - kept.keys()),
        abandoned=_with_files(store) - planned - strange.keys() - pending - frozenset(committed),
    )


@dataclass(frozen=True)
class _Comparison:
    """The corpus, its plan, the units that the manifest lists, and by file those not planned."""

    survey: Survey
    units: Sequence[Unit]
    listed: Rows
    strange: Mapping[str, Rows]

    def new(self, committed: Collection[str]) -> tuple[str, ...]:
        """Files of which nothing is in the output yet."""
        known = {
            unit.source.uri
            for unit in self.units
            if unit.unit_id in committed or unit.unit_id in self.listed
        }
        planned = {unit.source.uri for unit in self.units}
        return tuple(sorted(planned - known - self.strange.keys()))

    def gone(self) -> set[str]:
        """Files that are no longer there."""
        return self.strange.keys() - self._present - self.unreadable()

    def unreadable(self) -> set[str]:
        """Files that are there and cannot be read any more."""
        return self.strange.keys() & {file.source.uri for file in self.survey.bad_files}

    def changed(self) -> set[str]:
        """Files with other content than is in the output, or cut otherwise, by a limit.

        Not among them: one whose units are all listed, beside what a run committed that did not
        end and met another content.
        """
        settled = {unit.source.uri for unit in self.units} - self._unlisted
        return {
            uri
            for uri in self.strange.keys() & self._present
            if uri not in settled or self.strange[uri].keys() & self.listed.keys()
        }

    def each_row_once(self, uri: str) -> Rows:
        """Of the units that are not planned of a file, those that are listed.

        Where no run that ended has listed any: those of one content that do not overlap.
        """
        rows = self.strange[uri]
        rows = {one: taken for one, taken in rows.items() if one in self.listed} or rows
        counts = Counter[str]()
        for taken in rows.values():
            counts[taken.source.content] += taken.stop - taken.start
        content = max(counts, key=lambda content: (counts[content], content))
        kept: dict[str, CommittedRows] = {}
        end = 0
        for one, taken in sorted(rows.items(), key=lambda item: (item[1].start, -item[1].stop)):
            if taken.source.content == content and taken.start >= end:
                kept[one], end = taken, taken.stop
        return kept

    def moved(self, kept: Collection[CommittedRows]) -> list[tuple[str, str]]:
        """Files whose rows are kept, each with one of the same content that is to be added."""
        sources = {_content_of(rows.source): rows.source.uri for rows in kept}
        return [
            (sources[_content_of(file.source)], file.source.uri)
            for file in self.survey.files
            if file.source.uri in self._unlisted and _content_of(file.source) in sources
        ]

    @cached_property
    def _present(self) -> set[str]:
        return {file.source.uri for file in self.survey.files}

    @cached_property
    def _unlisted(self) -> set[str]:
        """Files with planned units that the manifest does not list."""
        return {unit.source.uri for unit in self.units if unit.unit_id not in self.listed}


def _content_of(source: SourceFile | CommittedSource) -> tuple[int, str]:
    return source.size, source.content


def _is_of(record: CommitRecord, units: Sequence[Unit]) -> bool:
    """Whether ``record`` is of the run that planned ``units``, not of one before ``--new-run``."""
    return not units or record.fingerprint == units[0].fingerprint


def _records(store: Store, unit_ids: Collection[str]) -> dict[str, CommitRecord]:
    """Commit records; one that says nothing is left to reconciliation to report."""
    paths = [path for path in map(commit_path, sorted(unit_ids)) if unit_of(path)]
    records = {}
    for path, body in store.read_all(paths).items():
        try:
            records[str(unit_of(path))] = parse_commit(body, store.uri_of(path))
        except PublishError:
            continue
    return records


def _with_files(store: Store) -> frozenset[str]:
    """The units of which a part or a quarantine stands."""
    paths = (*store.listing(DATA), *store.listing(QUARANTINE))
    return frozenset(unit for path in paths if (unit := unit_of(path)))


def _by_file(strange: Rows) -> Mapping[str, Rows]:
    files: dict[str, dict[str, CommittedRows]] = {}
    for one, rows in strange.items():
        files.setdefault(rows.source.uri, {})[one] = rows
    return files


def _complaint(files: Sequence[str], what: str, mend: str) -> list[str]:
    head = f"{len(files)} input files {what}:"
    return ["\n  ".join([head, *shortened(files)]), mend] if files else []


_CHANGED = "have another content than the one that was annotated"
_REPLACE = (
    "Set input.changed: replace to annotate them again in place of their old records, put the "
    "earlier files back, or name another output.uri."
)
_GONE = "are gone whose records are in the output"
_ALLOW = "Put them back, or set input.missing to keep or remove their records."
_MOVED = "hold what others held whose records are kept"
_REMOVE = (
    "Their records would stand twice. Set input.missing: remove to delete those of files that are "
    "gone, or take the new files away."
)
