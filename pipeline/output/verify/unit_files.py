"""The files of one unit, read again, and where they differ from its commit record.

Values are read only from columns of exactly the expected type and batch by batch, and only of files
that have the unit's own names and the committed size, so that a hostile file does no harm.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.contract.schema import QUARANTINE
from pipeline.errors import InputError, OutputError
from pipeline.output.verify.claims import Claim, ClaimedFile, Problem, misnamed
from pipeline.stages.failure import failure_of
from pipeline.stages.read import rows_of
from pipeline.storage import Store

_MOST_TAGS, _OTHER = 256, "other"
"""Language tags that are counted one by one, and what the rest are counted under."""

_MOST_BYTES = 1 << 30
"""Maximum memory of the ids, tags and entities of a unit."""

_MOST_UNCLAIMED = 1 << 26
"""Maximum bytes to read of a file that is larger than was committed, to say more of it."""


@dataclass
class UnitFiles:
    """What a unit's files hold.

    ``counts``: by language tag, records, entities, tokens and sources; ``reasons``: why records are
    in quarantine; ``ids``: hashes of record ids, of the part and of the quarantine; ``rows``: the
    rows of the input file that these are of.
    """

    claim: Claim
    problems: list[Problem] = field(default_factory=list)
    schema: pa.Schema | None = None
    rows_out: int = 0
    rows_quarantined: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    ids: list[npt.NDArray[np.int64]] = field(default_factory=list)
    rows: list[npt.NDArray[np.int64]] = field(default_factory=list)


def read_unit_files(store: Store, claim: Claim, sizes: Mapping[str, int]) -> UnitFiles:
    """What the files that ``claim`` names hold, and where that is not what it says.

    ``sizes`` is the listing of ``store``. A file of another name than the unit's is not opened.
    """
    seen = UnitFiles(claim, list(misnamed(claim)))
    if seen.problems:
        return seen
    try:
        _read_files(store, seen, sizes)
    except OutputError:  # the store's, which says nothing of the file
        raise
    except Exception as error:  # whatever a library makes of hostile bytes
        what = failure_of(error, "verify").message
        seen.problems.append(Problem(claim.part.path, "cannot be checked", "a file to read", what))
    return seen


def _read_files(store: Store, seen: UnitFiles, sizes: Mapping[str, int]) -> None:
    claim = seen.claim
    left_out = _read_part(store, seen, sizes)
    rows = _read_quarantine(store, seen, sizes) if claim.quarantine else []
    seen.rows_quarantined = len(rows)
    if left_out is not None and left_out != rows:
        path = claim.part.path
        seen.problems.append(Problem(path, "rows left out and not in quarantine", left_out, rows))
    seen.problems.extend(_accounting(seen))


def count_problems(
    path: str, claimed: object, seen: Mapping[str, Counter[str]], quarantined: int
) -> Iterator[Problem]:
    """Where ``claimed`` counts by language are not those ``seen`` in parts and quarantines."""
    entries = claimed if isinstance(claimed, dict) else {}
    told = {tag: _counter(counts) for tag, counts in entries.items() if isinstance(counts, dict)}
    failed = sum(counts.pop("quarantined", 0) for counts in told.values())
    if failed != quarantined:
        yield Problem(path, "quarantined records in counts", failed, quarantined)
    for tag in sorted(told.keys() | seen.keys()):
        expected, found = +told.get(tag, Counter()), +seen.get(tag, Counter())
        if expected != found:
            yield Problem(path, f"counts of language {tag}", dict(expected), dict(found))


def folded(seen: Mapping[str, Counter[str]], claimed: object) -> dict[str, Counter[str]]:
    """``seen`` with the tags that ``claimed`` counts as ``other`` counted so too.

    That is allowed only where there are too many tags to count each.
    """
    told = claimed if isinstance(claimed, dict) else {}
    together = _OTHER in told and len(told) > _MOST_TAGS
    counts: dict[str, Counter[str]] = {}
    for tag, found in seen.items():
        key = _OTHER if together and tag not in told else tag
        counts.setdefault(key, Counter()).update(found)
    return counts


def _counter(counts: Mapping[str, object]) -> Counter[str]:
    """``counts`` without values that are not integers."""
    return Counter({name: count for name, count in counts.items() if isinstance(count, int)})


def hashes(ids: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.int64]:
    """Int64 [rows]: what record ids are told apart by, in this process."""
    return np.fromiter((hash(value) for value in ids.to_pylist()), np.int64, len(ids))


def _accounting(seen: UnitFiles) -> Iterator[Problem]:
    claim = seen.claim
    counted = (claim.unit.rows, seen.rows_out, seen.rows_quarantined)
    if claim.rows != counted:
        yield Problem(claim.path, "rows in, out, quarantined", claim.rows, counted)
    if seen.rows_out + seen.rows_quarantined != claim.unit.rows:
        total = seen.rows_out + seen.rows_quarantined
        yield Problem(claim.path, "records in its files", claim.unit.rows, total)
    told = claim.values.get("counts")
    yield from count_problems(claim.path, told, seen.counts, seen.rows_quarantined)
    if claim.values.get("reasons") != dict(seen.reasons):
        yield Problem(claim.path, "reasons", claim.values.get("reasons"), dict(seen.reasons))


def _read_part(store: Store, seen: UnitFiles, sizes: Mapping[str, int]) -> list[int] | None:
    """Take up the part's rows; the rows that it says it leaves out."""
    file = seen.claim.part
    parquet = _parquet(store, file, seen, sizes)
    if parquet is None:
        return None
    seen.schema = parquet.schema_arrow.remove_metadata()
    types = {name: seen.schema.field(name).type for name in seen.schema.names}
    strings = dict.fromkeys(("record_id", "language", "language_source"), pa.string())
    needed = {**strings, "n_tokens": pa.int32()}
    wrong = {name: str(types.get(name)) for name in needed if types.get(name) != needed[name]}
    if wrong:
        expected = {name: str(needed[name]) for name in wrong}
        seen.problems.append(Problem(file.path, "column types", expected, wrong))
        return None
    entities = ["entities"] if pa.types.is_list(types.get("entities", pa.null())) else []
    table = _rows(parquet, file, seen, [*needed, *entities])
    if table is None:
        return None
    seen.rows_out = table.num_rows
    seen.ids.append(hashes(table["record_id"]))
    seen.counts = folded(_counts(table), seen.claim.values.get("counts"))
    left_out = _left_out(parquet, seen)
    unit = seen.claim.unit
    if table.num_rows + len(left_out or []) == unit.rows:  # or there may be no room for its rows
        seen.rows.append(np.setdiff1d(np.arange(unit.start, unit.stop), left_out or []))
    return left_out


def _left_out(parquet: pq.ParquetFile, seen: UnitFiles) -> list[int] | None:
    footer = parquet.metadata.metadata or {}
    unit_id = footer.get(b"unit_id", b"").decode(errors="replace")
    if unit_id != seen.claim.unit.unit_id:
        expected = seen.claim.unit.unit_id
        seen.problems.append(Problem(seen.claim.part.path, "unit in the footer", expected, unit_id))
    try:
        return [int(row) for row in json.loads(footer.get(b"quarantined_rows", b""))]
    except (TypeError, ValueError, OverflowError, RecursionError):
        seen.problems.append(
            Problem(seen.claim.part.path, "quarantined_rows in the footer", "a JSON list", "none")
        )
        return None


def _read_quarantine(store: Store, seen: UnitFiles, sizes: Mapping[str, int]) -> list[int]:
    """The rows in the unit's quarantine."""
    file, unit = seen.claim.quarantine, seen.claim.unit
    parquet = _parquet(store, file, seen, sizes) if file else None
    if file is None or parquet is None:
        return []
    if not parquet.schema_arrow.equals(QUARANTINE):
        columns = str(parquet.schema_arrow.remove_metadata())
        seen.problems.append(Problem(file.path, "columns", str(QUARANTINE), columns))
        return []
    table = _rows(parquet, file, seen, QUARANTINE.names)
    if table is None:
        return []
    seen.ids.append(hashes(table["record_id"]))
    seen.reasons = Counter(table["error_type"].to_pylist())
    rows: list[int] = table["row"].to_pylist()
    seen.rows.append(np.array(rows, np.int64))
    if len(set(rows)) != len(rows) or not all(unit.start <= row < unit.stop for row in rows):
        expected = f"distinct rows of {unit.start} to {unit.stop - 1}"
        seen.problems.append(Problem(file.path, "rows", expected, rows))
    if set(table["file"].to_pylist()) - {unit.source.uri}:
        seen.problems.append(Problem(file.path, "file", unit.source.uri, "another"))
    return rows


def _parquet(
    store: Store, file: ClaimedFile, seen: UnitFiles, sizes: Mapping[str, int]
) -> pq.ParquetFile | None:
    """The file, once its bytes are found to be those that were committed."""
    size = sizes.get(file.path)
    if size is not None and not 0 <= size <= max(file.bytes, _MOST_UNCLAIMED):
        seen.problems.append(Problem(file.path, "no file that a run wrote", file.bytes, size))
        return None
    body = None if size is None else store.read(file.path)
    if body is None:
        seen.problems.append(Problem(file.path, "missing", f"{file.bytes} bytes", "no file"))
        return None
    found = ClaimedFile(file.path, len(body), hashlib.sha256(body).hexdigest())
    if found != file:
        seen.problems.append(Problem(file.path, "bytes, sha256", file, found))
    try:
        return pq.ParquetFile(pa.BufferReader(body))
    except (pa.ArrowException, OSError) as error:
        seen.problems.append(Problem(file.path, "not Parquet", "a file that opens", str(error)))
        return None


def _rows(
    parquet: pq.ParquetFile, file: ClaimedFile, seen: UnitFiles, columns: list[str]
) -> pa.Table | None:
    """The file's rows, unless its pages are damaged or unfold to more than a unit has."""
    rows = parquet.metadata.num_rows
    if not rows:
        return parquet.schema_arrow.empty_table().select(columns)
    whole = replace(seen.claim.unit, start=0, stop=rows)
    try:
        return rows_of(parquet, whole, columns, _MOST_BYTES)
    except (InputError, pa.ArrowException, OSError) as error:
        seen.problems.append(Problem(file.path, "not Parquet", "pages that unfold", str(error)))
        return None


def _counts(table: pa.Table) -> dict[str, Counter[str]]:
    tags, sources = table["language"].to_pylist(), table["language_source"].to_pylist()
    tokens = table["n_tokens"].to_pylist()
    entities = (
        pc.list_value_length(table["entities"]).to_pylist()
        if "entities" in table.column_names
        else [0] * table.num_rows
    )
    counts: dict[str, Counter[str]] = {}
    for tag, source, found, length in zip(tags, sources, entities, tokens, strict=True):
        row = {"records": 1, "entities": found or 0, "tokens": length or 0, source: 1}
        counts.setdefault("und" if tag is None else tag, Counter()).update(row)
    return counts
