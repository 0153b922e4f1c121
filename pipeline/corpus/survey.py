"""Input URI → a survey of the corpus (files, rows, schema, files left out) → units.

Only footers are read. A unit lies within one file and is bounded by rows and bytes; the same corpus
and settings give the same units.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

import pyarrow as pa

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract.unit import SourceFile, Unit
from pipeline.corpus.common_schema import schema_of_most
from pipeline.corpus.footer import Footer, FooterReader
from pipeline.corpus.input_schema import require_planned
from pipeline.errors import InputError, shortened
from pipeline.storage import InputListing, list_input

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
    """What is at the input's URI; ``planned`` is the schema that the job reads.

    ``left_out`` counts files and folders that are not part of the corpus, by reason.
    """

    files: tuple[CorpusFile, ...]
    bad_files: tuple[BadFile, ...]
    planned: pa.Schema
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Records of all files that can be read."""
        return sum(file.rows for file in self.files)


def survey_corpus(
    settings: InputSettings, *, allow_bad_files: bool, listing: InputListing | None = None
) -> Survey:
    """The files at ``settings.uri``; ``listing`` is what is there, if the caller has listed it.

    Raises InputError where a file is bad and that is not allowed.
    """
    listing = listing or list_input(settings.uri)
    with ThreadPoolExecutor(_READERS) as readers:
        batches = readers.map(partial(_footers, FooterReader(settings)), _batches(listing.files))
        return _gathered(listing, list(chain.from_iterable(batches)), allow_bad_files)


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
    except Exception as error:  # a library's, whose message may hold a value
        return BadFile(source, f"{type(error).__name__} was raised where its footer was read")


def _gathered(
    listing: InputListing, footers: Sequence[Footer | BadFile], allow_bad_files: bool
) -> Survey:
    planned = schema_of_most(_rows_by_schema(footers)) or pa.schema([])
    found = [_fitting(*both, planned) for both in zip(listing.files, footers, strict=True)]
    files = tuple(file for file in found if isinstance(file, CorpusFile))
    bad = tuple(file for file in found if isinstance(file, BadFile))
    if not files or (bad and not allow_bad_files):
        raise InputError(
            f"{complaint(bad, len(found))}\n"
            "Mend or remove them, or leave them out with --allow-bad-files."
        )
    return Survey(files, bad, planned, listing.left_out)


def _rows_by_schema(footers: Sequence[Footer | BadFile]) -> dict[pa.Schema, int]:
    """Groups by identity first: hashing a schema takes as long as reading a footer."""
    schemas = {id(one.columns): one.columns for one in footers if isinstance(one, Footer)}
    rows = Counter[int]()
    for footer in footers:
        if isinstance(footer, Footer):
            rows[id(footer.columns)] += footer.rows
    counts = Counter[pa.Schema]()
    for key, schema in schemas.items():
        counts[schema] += rows[key]
    return counts


def _fitting(
    source: SourceFile, footer: Footer | BadFile, planned: pa.Schema
) -> CorpusFile | BadFile:
    """The file, which is bad where its columns are not those that are ``planned``."""
    if isinstance(footer, BadFile):
        return footer
    try:
        require_planned(footer.columns, planned, source.uri)
    except InputError as error:
        return BadFile(source, str(error))
    return CorpusFile(replace(source, content=footer.content), footer.rows, footer.unfolded)


def complaint(bad: Sequence[BadFile], total: int) -> str:
    """Which of ``total`` files are ``bad``, and why."""
    reasons = [f"{file.source.uri}: {file.reason}" for file in bad]
    return "\n  ".join([f"{len(bad)} of {total} input files cannot be read:", *shortened(reasons)])


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
