"""Input URI → units.

Enters: the input settings. Leaves: a ``Survey`` of the corpus (files, rows, one schema, what cannot
be read) and the units to cut it into. What holds: footers alone are read; a unit lies within one
file and is bounded by rows and by bytes; the same corpus and settings give the same units.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.gate import gate, open_parquet, require_planned
from pipeline.settings import InputSettings, RuntimeSettings
from pipeline.storage import input_files, open_input
from pipeline.unit import SourceFile, Unit

_READERS = 32
"""Footers that are read at once: each is a wait for the store, not work."""


@dataclass(frozen=True)
class CorpusFile:
    """A file as its footer has it; ``unfolded`` is its size in bytes before compression."""

    source: SourceFile
    rows: int
    unfolded: int


@dataclass(frozen=True)
class BadFile:
    """A file that cannot be read as the others, and why."""

    source: SourceFile
    reason: str


@dataclass(frozen=True)
class Survey:
    """What is at the input's URI; ``planned`` is the schema that the job reads."""

    files: tuple[CorpusFile, ...]
    bad_files: tuple[BadFile, ...]
    planned: pa.Schema

    @property
    def rows(self) -> int:
        """Records of all files that can be read."""
        return sum(file.rows for file in self.files)


def survey_corpus(settings: InputSettings, *, allow_bad_files: bool) -> Survey:
    """The files at ``settings.uri``; raises InputError where one is bad and that is not allowed."""
    sources = input_files(settings.uri)
    with ThreadPoolExecutor(_READERS) as readers:
        footers = readers.map(lambda source: _footer(source, settings), sources)
        return _gathered(list(zip(sources, footers, strict=True)), allow_bad_files)


def cut(
    survey: Survey, runtime: RuntimeSettings, fingerprint: str, limit: int | None
) -> tuple[Unit, ...]:
    """The units of the corpus in its order; the first ``limit`` records of it, if that is given."""
    units = (unit for file in survey.files for unit in _units(file, runtime, fingerprint))
    return tuple(units if limit is None else _limited(units, limit))


_Footer = tuple[CorpusFile, pa.Schema]


def _footer(source: SourceFile, settings: InputSettings) -> _Footer | BadFile:
    try:
        with open_input(source) as file:
            parquet = open_parquet(file, source.uri)
            metadata = parquet.metadata
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            _require_sum([group.num_rows for group in groups], metadata.num_rows, source.uri)
            unfolded = sum(group.total_byte_size for group in groups)
            columns = gate(parquet.schema_arrow, settings, source.uri)
    except (InputError, pa.ArrowException) as error:
        return BadFile(source, str(error))
    return CorpusFile(source, metadata.num_rows, unfolded), columns


def _require_sum(rows: list[int], total: int, uri: str) -> None:
    if min(rows, default=0) < 0 or sum(rows) != total:
        raise InputError(
            f"{uri} is damaged: its footer has {total} rows in all and {sum(rows)} in its row "
            "groups."
        )


def _gathered(footers: list[tuple[SourceFile, _Footer | BadFile]], allow_bad_files: bool) -> Survey:
    files: list[CorpusFile] = []
    bad: list[BadFile] = []
    planned: pa.Schema | None = None
    for source, footer in footers:
        if isinstance(footer, BadFile):
            bad.append(footer)
            continue
        file, columns = footer
        planned = planned or columns
        try:
            require_planned(columns, planned, source.uri)
            files.append(file)
        except InputError as error:
            bad.append(BadFile(source, str(error)))
    if planned is None or (bad and not allow_bad_files):
        raise InputError(_complaint(bad, len(footers)))
    return Survey(tuple(files), tuple(bad), planned)


def _complaint(bad: list[BadFile], total: int) -> str:
    shown = "\n".join(f"  {file.source.uri}: {file.reason}" for file in bad[:10])
    more = f"\n  and {len(bad) - 10} more" if len(bad) > 10 else ""
    hint = "Mend or remove them, or leave them out with --allow-bad-files."
    return f"{len(bad)} of {total} input files cannot be read:\n{shown}{more}\n{hint}"


def _units(file: CorpusFile, runtime: RuntimeSettings, fingerprint: str) -> Iterator[Unit]:
    bytes_a_row = max(1, file.unfolded // max(1, file.rows))
    step = max(1, min(runtime.unit_rows, runtime.unit_bytes // bytes_a_row))
    for start in range(0, file.rows, step):
        stop = min(start + step, file.rows)
        yield Unit(source=file.source, start=start, stop=stop, fingerprint=fingerprint)


def _limited(units: Iterator[Unit], limit: int) -> Iterator[Unit]:
    left = limit
    for unit in units:
        if left <= 0:
            return
        if unit.rows > left:
            stop = unit.start + left
            unit = Unit(
                source=unit.source, start=unit.start, stop=stop, fingerprint=unit.fingerprint
            )
        left -= unit.rows
        yield unit
