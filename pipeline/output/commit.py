"""Commit records (``_commit/<unit_id>.json``) and the paths of an output's files.

A commit record depends only on the unit and the files that it names (``version``, ``stages`` and
``batches`` excepted), so that two writers of one unit write the same record.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from pipeline.contract.record import Count, Record, Sums, wrong_places
from pipeline.contract.unit import Unit
from pipeline.errors import PublishError
from pipeline.stages.measures import MicroBatches, StageSeconds

DATA, QUARANTINE, COMMIT = "data", "quarantine", "_commit"

MOST_TAGS = 256
"""Maximum number of language tags with counts of their own; a corpus can have any number."""
OTHER = "other"
"""The key of the counts of all other tags."""
NO_ADAPTER = "none"
"""The key of the counts of records that went through no adapter."""

UnitId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class FileEntry(Record):
    """A file of the output as it was written."""

    path: str
    bytes: Count
    sha256: str


class LanguageCounts(Sums):
    """What one language has in a unit; ``records`` are annotated, ``quarantined`` are not.

    The rest are records by their ``language_source``.
    """

    records: Count = 0
    entities: Count = 0
    tokens: Count = 0
    quarantined: Count = 0
    column: Count = 0
    detected: Count = 0
    related: Count = 0
    default: Count = 0
    none: Count = 0


def most_frequent(counts: Mapping[str, LanguageCounts]) -> dict[str, LanguageCounts]:
    """``counts`` of the ``MOST_TAGS`` most frequent tags, and those of the rest as ``OTHER``."""
    ranked = sorted(
        counts.keys() - {OTHER},
        key=lambda tag: (-counts[tag].records, -counts[tag].quarantined, tag),
    )
    kept = {tag: counts[tag] for tag in sorted(ranked[:MOST_TAGS])}
    rest = [counts[tag] for tag in (OTHER, *ranked[MOST_TAGS:]) if tag in counts]
    return {**kept, OTHER: sum(rest, LanguageCounts())} if rest else kept


class CommittedSource(Record):
    """The input file that a unit is of; its version is left out, as its content is what counts."""

    uri: str
    size: Count
    content: str


class CommittedRows(Record):
    """The rows that a unit took: ``start`` to ``stop`` (exclusive) of ``source``."""

    source: CommittedSource
    start: Count
    stop: Count

    @classmethod
    def of(cls, unit: Unit) -> "CommittedRows":
        """The rows of ``unit``."""
        file = unit.source
        source = CommittedSource(uri=file.uri, size=file.size, content=file.content)
        return cls(source=source, start=unit.start, stop=unit.stop)


class CommitRecord(Record):
    """A unit is in the output once this is in ``_commit/``."""

    unit_id: str
    unit: CommittedRows
    fingerprint: str
    schema_version: int
    version: str = ""
    """The input file's version when the unit was read."""
    rows_in: Count
    rows_out: Count
    rows_quarantined: Count
    part: FileEntry
    quarantine: FileEntry | None
    counts: dict[str, LanguageCounts]
    """By language tag."""
    adapters: dict[str, LanguageCounts] = Field(default_factory=dict)
    """By X-MOD language; of the records that are annotated."""
    reasons: dict[str, Count] = Field(default_factory=dict)
    """Records in quarantine by ``error_type``."""
    stages: dict[str, StageSeconds] = Field(default_factory=dict)
    """What each stage took in the attempt that made this record; ``publish`` up to writing it."""
    batches: MicroBatches = MicroBatches()
    """Of all models, in that attempt."""

    def is_of(self, unit: Unit) -> bool:
        """Whether this is the record of ``unit``."""
        found = (self.unit_id, self.unit, self.fingerprint)
        return found == (unit.unit_id, CommittedRows.of(unit), unit.fingerprint)

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """The files that hold the unit's rows."""
        return (self.part, self.quarantine) if self.quarantine else (self.part,)


def part_path(unit_id: str) -> str:
    """Where the annotated records of a unit stand."""
    return f"{DATA}/part-{unit_id}.parquet"


def quarantine_path(unit_id: str) -> str:
    """Where the records stand that could not be annotated, if the unit has any."""
    return f"{QUARANTINE}/part-{unit_id}.parquet"


def commit_path(unit_id: str) -> str:
    """Where the commit record of a unit stands."""
    return f"{COMMIT}/{unit_id}.json"


def unit_of(path: str) -> str | None:
    """The unit whose part, quarantine or commit record is at ``path``; None of any other file."""
    found = _OF_A_UNIT.fullmatch(path)
    return found and (found["record"] or found["file"])


_OF_A_UNIT = re.compile(
    rf"{COMMIT}/(?P<record>[0-9a-f]{{32}})\.json"
    rf"|({DATA}|{QUARANTINE})/part-(?P<file>[0-9a-f]{{32}})\.parquet"
)


def file_entry(path: str, body: bytes) -> FileEntry:
    """The entry of a file with ``body`` at ``path``."""
    return FileEntry(path=path, bytes=len(body), sha256=hashlib.sha256(body).hexdigest())


def parse_commit(body: bytes, uri: str) -> CommitRecord:
    """The commit record in ``body``; PublishError that names ``uri`` if it is none.

    A record may name only the files of its own unit, so that readers open no others.
    """
    try:
        record = CommitRecord.model_validate_json(body)
    except ValidationError as error:
        raise PublishError(
            f"{uri} is no commit record of this version ({wrong_places(error)}). "
            "Delete it, so that its unit is published again from what stands."
        ) from None
    own = (part_path(record.unit_id), quarantine_path(record.unit_id))
    named = tuple(file.path for file in record.files)
    if named != own[: len(named)] or not all(map(unit_of, named)):
        raise PublishError(
            f"{uri} names the files {', '.join(named)}; expected {own[0]} and at most {own[1]}. "
            "Delete it, so that its unit is published again from what stands."
        )
    return record
