"""Input files that were replaced while a run had annotated only a part of their units.

The name of a unit leaves room for an edit that keeps a file's size, footer and end. Where a file is
not the version that a unit was made of, and no run that ended lists the unit, its part is compared
with the rows that the file has now, so that those of two files are not mixed.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.errors import InputError, PublishError, shortened
from pipeline.output.blocks import divided
from pipeline.output.commit import commit_path, parse_commit, part_path, unit_of
from pipeline.output.manifest import read_manifest
from pipeline.output.parts import Part, read_part
from pipeline.output.publish import Publisher

Read = Callable[[Unit], pa.Table]
"""A unit → its block as the read stage makes it."""


def require_same_rows(
    publisher: Publisher, units: Sequence[Unit], committed: Collection[str], read: Read
) -> None:
    """Raise InputError that names the files of ``units`` whose ``committed`` rows are others now.

    Of files that have the version that they had, nothing is read.
    """
    replaced = sorted(
        {
            unit.source.uri
            for unit, part in _doubtful(publisher, units, committed)
            if not _is_of(part, read(unit), publisher.text)
        }
    )
    if replaced:
        uris = "\n  ".join(shortened(replaced))
        raise InputError(
            f"{len(replaced)} input files were replaced after a run that did not end had annotated "
            f"some of their records, and have other rows at the same places:\n  {uris}\n"
            "Put the earlier files back, give the new ones other names, or say --new-run to delete "
            "what is annotated and start over."
        )


def _doubtful(
    publisher: Publisher, units: Sequence[Unit], committed: Collection[str]
) -> Iterator[tuple[Unit, Part]]:
    """Units made of another version of their file, with their parts.

    A commit record or a part that is none is left to reconciliation to report.
    """
    store = publisher.store
    manifest = read_manifest(store)
    settled = {entry.unit_id for entry in manifest.units} if manifest else set()
    ours = {unit.unit_id: unit for unit in units if unit.unit_id in committed}
    for path, body in store.read_all(map(commit_path, ours.keys() - settled)).items():
        unit = ours[str(unit_of(path))]
        try:
            record = parse_commit(body, store.uri_of(path))
            if record.version == unit.source.version or not record.rows_out:
                continue
            part = part_path(unit.unit_id)
            yield unit, read_part(store.read(part) or b"", part, unit, publisher.declared)
        except PublishError:
            continue


def _is_of(part: Part, block: pa.Table, text: str | None) -> bool:
    """Whether the rows of ``part`` are those of ``block``, by what both have of the input."""
    if text is not None:
        block = block.append_column(text, block[schema.TEXT.name])
    kept, _ = divided(block, part.left_out)
    shared = [name for name in part.table.column_names if name in kept.column_names]
    return all(_are_equal(part.table[name], kept[name]) for name in shared)


def _are_equal(first: pa.ChunkedArray, second: pa.ChunkedArray) -> bool:
    """As strings where there is such a form: not a number is not equal to itself as a number.

    Nested columns that may hold such a one, or dictionaries, are not compared.
    """
    try:
        return bool(first.cast(pa.string()).equals(second.cast(pa.string())))
    except pa.ArrowException:
        return bool(first.equals(second)) or any(kind in str(first.type) for kind in _UNSURE)


_UNSURE = ("double", "float", "dictionary")
