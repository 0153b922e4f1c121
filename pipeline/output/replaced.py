"""Input files that were replaced after an interrupted run had annotated some of their units.

A unit's id does not change with an edit that keeps the file's size, footer and end. So where a file
has another version than at the time of the commit, and no finished run lists the unit, the part is
compared with the rows that the file has now: an output never mixes the rows of two files.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.errors import DamagedError, InputError, PublishError, TooLargeError, shortened
from pipeline.output.blocks import divided
from pipeline.output.commit import commit_path, parse_commit, part_path, unit_of
from pipeline.output.manifest import read_manifest
from pipeline.output.parts import Part, read_part
from pipeline.output.publish import Publisher
from pipeline.storage import Store

logger = logging.getLogger(__name__)

_READERS = 4
"""Units that are compared at once; each may take as much memory as a unit has."""

Read = Callable[[Unit], pa.Table]
"""A unit → its block as the read stage makes it."""


def require_same_rows(
    publisher: Publisher, units: Sequence[Unit], committed: Collection[str], read: Read
) -> None:
    """Raise InputError that names the files of ``units`` whose ``committed`` rows have changed.

    Files whose version is the same are not read.
    """
    doubtful = _doubtful(publisher.store, units, committed)
    if doubtful:
        logger.info("%d units are compared, as their files have another version", len(doubtful))
    with ThreadPoolExecutor(_READERS) as readers:
        same = readers.map(lambda unit: _is_same(publisher, unit, read), doubtful)
        pairs = zip(doubtful, same, strict=True)
        replaced = sorted({unit.source.uri for unit, is_same in pairs if not is_same})
    if replaced:
        uris = "\n  ".join(shortened(replaced))
        raise InputError(
            f"{len(replaced)} input files were replaced after a run that did not end had annotated "
            f"some of their records, and have other rows at the same places:\n  {uris}\n"
            "Put the earlier files back, give the new ones other names, or say --new-run to delete "
            "what is annotated and start over."
        )


def _doubtful(store: Store, units: Sequence[Unit], committed: Collection[str]) -> list[Unit]:
    """Units that were made of another version of their file."""
    manifest = read_manifest(store)
    settled = {entry.unit_id for entry in manifest.units} if manifest else set()
    ours = {unit.unit_id: unit for unit in units if unit.unit_id in committed}
    found = []
    for path, body in store.read_all(map(commit_path, ours.keys() - settled)).items():
        unit = ours[str(unit_of(path))]
        with suppress(PublishError):  # reconciliation reports it
            record = parse_commit(body, store.uri_of(path))
            if record.version != unit.source.version and record.rows_out:
                found.append(unit)
    return found


def _is_same(publisher: Publisher, unit: Unit, read: Read) -> bool:
    """Whether the part of ``unit`` has the rows that its file has now.

    A part that is none is left to reconciliation to report, and a unit without room as a whole,
    which was annotated in pieces, is not compared.
    """
    path = part_path(unit.unit_id)
    try:
        body = publisher.store.read(path) or b""
        part = read_part(body, path, unit, publisher.declared)
        return _is_of(part, read(unit), publisher.text)
    except (PublishError, TooLargeError):
        return True
    except DamagedError:
        return False


def _is_of(part: Part, block: pa.Table, text: str | None) -> bool:
    """Whether the rows of ``part`` are those of ``block``, by what both have of the input."""
    if text is not None:
        block = block.append_column(text, block[schema.TEXT.name])
    kept, _ = divided(block, part.left_out)
    shared = [name for name in part.table.column_names if name in kept.column_names]
    return all(_are_equal(part.table[name], kept[name]) for name in shared)


def _are_equal(first: pa.ChunkedArray, second: pa.ChunkedArray) -> bool:
    """Compares as strings where possible, because NaN does not equal itself.

    Nested columns that may hold NaN or dictionaries are not compared.
    """
    try:
        return bool(first.cast(pa.string()).equals(second.cast(pa.string())))
    except pa.ArrowException:
        return bool(first.equals(second)) or any(kind in str(first.type) for kind in _UNSURE)


_UNSURE = ("double", "float", "dictionary")
