"""``_manifest.json``: the units that make up an output.

A reader that takes only the units listed here sees each record exactly once at any moment, whatever
else is in the folder: units of an unfinished run, or retired units that are not deleted yet.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.contract.schema import SCHEMA_VERSION
from pipeline.errors import OutputError
from pipeline.output.commit import CommitRecord, CommittedRows, LanguageCounts, UnitId, unit_of
from pipeline.output.output_lock import MANIFEST
from pipeline.storage import Store


class Kept(StrEnum):
    """Why the records of an input file are kept that cannot be annotated again."""

    GONE = "gone"
    UNREADABLE = "unreadable"


class ListedUnit(BaseModel):
    """A unit as the manifest lists it; what else it says of one is in the commit record."""

    model_config = ConfigDict(frozen=True)

    unit_id: UnitId
    unit: CommittedRows


class Manifest(BaseModel):
    """What a run goes by; ``kept`` are input files by URI.

    ``retired`` are units that were listed before; they are there only until their files are
    deleted.
    """

    model_config = ConfigDict(frozen=True)

    units: tuple[ListedUnit, ...]
    kept: dict[str, Kept]
    retired: tuple[UnitId, ...]


def read_manifest(store: Store) -> Manifest | None:
    """The manifest of ``store``, None where no run has ended; OutputError if it is none."""
    body = store.read(MANIFEST)
    if body is None:
        return None
    try:
        return Manifest.model_validate_json(body)
    except ValidationError:
        raise OutputError(
            f"{store.uri_of(MANIFEST)} is no manifest of this version. Delete it and run the job "
            "again, which writes it anew from what is committed."
        ) from None


def listed(store: Store) -> Callable[[str], bool]:
    """Whether a path is of a unit that the manifest lists; where there is none, of any unit."""
    manifest = read_manifest(store)
    if manifest is None:
        return lambda path: True
    ids = {entry.unit_id for entry in manifest.units}
    return lambda path: unit_of(path) in ids


def manifest_of(
    records: Sequence[CommitRecord],
    fingerprint: str,
    counts: Mapping[str, LanguageCounts],
    kept: Mapping[str, Kept],
    retired: Collection[str],
) -> bytes:
    """The manifest that lists ``records``."""
    left_out = {"fingerprint", "schema_version", "counts", "adapters", "stages"}
    manifest = {
        "fingerprint": fingerprint,
        "schema_version": SCHEMA_VERSION,
        "rows_in": sum(record.rows_in for record in records),
        "rows_out": sum(record.rows_out for record in records),
        "rows_quarantined": sum(record.rows_quarantined for record in records),
        "counts": {tag: count.model_dump() for tag, count in counts.items()},
        "kept": dict(sorted(kept.items())),
        "retired": sorted(retired),
        "units": [record.model_dump(mode="json", exclude=left_out) for record in records],
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False).encode()
