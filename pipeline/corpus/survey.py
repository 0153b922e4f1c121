"""Input URI → a survey of the corpus (files, rows, schema, unreadable files) → units.

Only footers are read. A unit lies within one file and is bounded by rows and bytes; the same corpus
and settings give the same units.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import pyarrow as pa

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract.unit import SourceFile, Unit
from pipeline.corpus.footer import Footer, FooterReader
from pipeline.corpus.input_schema import require_planned
from pipeline.errors import InputError
from pipeline.storage import input_files

_READERS = 32
"""Footers that are read at once: each is a wait for the store, not work."""
_BATCH = 64
"""Files that a thread is handed at once, at most: to hand one over takes as long as to read it."""


@dataclass(frozen=True, slots=True)
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
        batches = readers.map(partial(_footers, FooterReader(settings)), _batches(sources))
        return _gathered(sources, chain.from_iterable(batches), allow_bad_files)


def cut(
    survey: Survey, runtime: RuntimeSettings, fingerprint: str, limit: int | None
) -> tuple[Unit, ...]:
    """The units of the corpus in its order; the first ``limit`` records of it, if that is given."""
    units = (unit for file in survey.files for unit in _units(file, runtime, fingerprint))
    return tuple(units if limit is None else _limited(units, limit))


def _batches(sources: Sequence[SourceFile]) -> Iterator[Sequence[SourceFile]]:
    """``sources`` in order, so cut that every thread gets some of them."""
    size = max(1, min(_BATCH, len(sources) // _READERS))
    return (sources[start : start + size] for start in range(0, len(sources), size))


def _footers(read: FooterReader, sources: Iterable[SourceFile]) -> list[Footer | BadFile]:
    return [_footer(read, source) for source in sources]


def _footer(read: FooterReader, source: SourceFile) -> Footer | BadFile:
    try:
        return read(source)
    except (InputError, pa.ArrowException) as error:
        return BadFile(source, str(error))


def _gathered(
    sources: Sequence[SourceFile], footers: Iterable[Footer | BadFile], allow_bad_files: bool
) -> Survey:
    files: list[CorpusFile] = []
    bad: list[BadFile] = []
    planned: pa.Schema | None = None
    for source, footer in zip(sources, footers, strict=True):
        if isinstance(footer, BadFile):
            bad.append(footer)
            continue
        planned = planned or footer.columns
        try:
            require_planned(footer.columns, planned, source.uri)
            known = replace(source, content=footer.content)
            files.append(CorpusFile(known, footer.rows, footer.unfolded))
        except InputError as error:
            bad.append(BadFile(source, str(error)))
    if planned is None or (bad and not allow_bad_files):
        raise InputError(_complaint(bad, len(sources)))
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
