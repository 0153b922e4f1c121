"""Repeated record ids, looked up in the corpus.

A repeated id is accepted only if the input file still has the annotated content and has that id in
that row, or if the manifest says that the records of a missing file are kept. Only the id column is
read, a unit at a time, behind the schema check.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ValidationError

from pipeline.config import InputSettings
from pipeline.contract.unit import SourceFile
from pipeline.corpus.footer import FooterReader
from pipeline.corpus.input_schema import open_parquet
from pipeline.corpus.records import record_ids
from pipeline.errors import InputError, PipelineError
from pipeline.output.verify.claims import Problem
from pipeline.output.verify.unit_files import UnitFiles, hashes
from pipeline.stages.read import rows_of
from pipeline.storage import input_file, open_input

_READERS = 4
_MOST_BYTES = 1 << 28
"""What the ids of a unit may take in memory."""

Hashes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Repeats:
    """Records whose id stood before: as in the corpus, in a file that is kept, for no reason."""

    in_corpus: int = 0
    of_kept_files: int = 0
    unexplained: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.in_corpus + self.of_kept_files + self.unexplained


@dataclass(frozen=True)
class _Found:
    """Hashes of repeated ids of one file: found in the corpus, kept without it, or neither."""

    in_corpus: Hashes
    kept: Hashes
    other: Hashes
    problem: Problem | None = None


def find_repeats(
    units: Sequence[UnitFiles], echo: object, kept: Mapping[str, object]
) -> tuple[Repeats, list[Problem]]:
    """The ids of ``units`` that repeat; ``kept`` are files that the manifest says are gone.

    Ids are told apart by 64 bits of hash.
    """
    every = _joined(one for unit in units for one in unit.ids)
    every, counts = np.unique(every, return_counts=True)
    repeated = every[counts > 1]
    if not len(repeated):
        return Repeats(), []
    concerned = [unit for unit in units if np.isin(_joined(unit.ids), repeated).any()]
    concerned.sort(key=lambda unit: (_uri(unit), unit.claim.unit.start))
    files = [list(group) for _, group in groupby(concerned, _uri)]
    with ThreadPoolExecutor(_READERS) as readers:
        look = partial(_look_up, repeated=repeated, settings=_settings(echo), kept=kept)
        found = list(readers.map(look, files))
    return _counted(repeated, found), [one.problem for one in found if one.problem]


def _counted(repeated: Hashes, found: Sequence[_Found]) -> Repeats:
    """Of each id one record is the first: one of the corpus rather than a kept one, or another."""
    corpus, kept, other = (
        np.bincount(np.searchsorted(repeated, _joined(kind)), minlength=len(repeated))
        for kind in (
            (one.in_corpus for one in found),
            (one.kept for one in found),
            (one.other for one in found),
        )
    )
    in_corpus = int(np.maximum(corpus - 1, 0).sum())
    explained = int(np.maximum(corpus + kept - 1, 0).sum())
    total = int((corpus + kept + other - 1).sum())
    return Repeats(in_corpus, explained - in_corpus, total - explained)


def _look_up(
    units: Sequence[UnitFiles],
    repeated: Hashes,
    settings: InputSettings | None,
    kept: Mapping[str, object],
) -> _Found:
    """What the repeated ids of one file's ``units`` are."""
    uri = _uri(units[0])
    every, none = _joined(one for unit in units for one in unit.ids), np.empty(0, np.int64)
    is_repeated = np.isin(every, repeated)
    theirs = every[is_repeated]
    if uri in kept:
        return _Found(none, theirs, none)
    what = "record ids that repeat others"
    try:
        if settings is None:
            raise InputError("_run.json does not say how the corpus was read.")
        agrees = np.concatenate([_agreeing(unit, ids) for unit, ids in _expected(units, settings)])
    except Exception as error:  # a library's as well, at what a forged record names
        why = str(error) if isinstance(error, PipelineError) else type(error).__name__
        reason = f"{len(theirs)} that cannot be looked up: {why}"
        return _Found(none, none, theirs, Problem(uri, what, "as in the input file", reason))
    agrees &= _first_of_its_row(units, len(every))
    agreed, wrong = every[is_repeated & agrees], every[is_repeated & ~agrees]
    seen = f"{len(wrong)} that the input file does not have there, or once only"
    problem = Problem(uri, what, "as in the input file", seen) if len(wrong) else None
    return _Found(agreed, none, wrong, problem)


def _agreeing(unit: UnitFiles, ids: Hashes) -> npt.NDArray[np.bool_]:
    """Bool [records]: whether each record's id is the one of its row in ``ids`` of the unit."""
    theirs, rows = _joined(unit.ids), _joined(unit.rows) - unit.claim.unit.start
    if len(rows) != len(theirs) or not ((0 <= rows) & (rows < len(ids))).all():
        return np.zeros(len(theirs), np.bool_)
    return np.asarray(ids[rows] == theirs)


def _first_of_its_row(units: Sequence[UnitFiles], records: int) -> npt.NDArray[np.bool_]:
    """Bool [records]: false where two of ``units`` have the same row and it has come before."""
    rows = _joined(one for unit in units for one in unit.rows)
    first = np.zeros(records, np.bool_)
    if len(rows) == records:
        first[np.unique(rows, return_index=True)[1]] = True
    return first


def _expected(
    units: Sequence[UnitFiles], settings: InputSettings
) -> Iterator[tuple[UnitFiles, Hashes]]:
    """Each unit with the hashes of the ids that its rows have in the input file."""
    source, column = units[0].claim.unit.source, settings.id_column
    with open_input(_planned(source, settings)) as file:
        parquet = open_parquet(file, source.uri)
        for seen in units:
            unit = seen.claim.unit
            if unit.source != source:
                raise InputError(f"{source.uri} was annotated with two contents.")
            if unit.rows != seen.rows_out + seen.rows_quarantined:
                raise InputError(f"Unit {unit.unit_id} has other rows than it says.")
            rows = rows_of(parquet, unit, [column], _MOST_BYTES) if column else pa.table({})
            yield seen, hashes(record_ids(rows, unit, settings))


def _planned(source: SourceFile, settings: InputSettings) -> SourceFile:
    """The file as it is now; InputError where its content is not what was annotated."""
    found = input_file(source.uri)
    footer = FooterReader(settings)(found)
    if (found.size, footer.content) != (source.size, source.content):
        raise InputError(f"{source.uri} has another content than the one that was annotated.")
    return found


def _settings(echo: object) -> InputSettings | None:
    """How the run read the corpus, without columns that only passed through."""
    values = echo.get("input") if isinstance(echo, dict) else None
    try:
        settings = InputSettings.model_validate(values)
    except ValidationError:
        return None
    return settings.model_copy(update={"keep_columns": ()})


def _uri(unit: UnitFiles) -> str:
    return unit.claim.unit.source.uri


def _joined(arrays: Iterator[Hashes] | Sequence[Hashes]) -> Hashes:
    return np.concatenate([np.empty(0, np.int64), *arrays])
