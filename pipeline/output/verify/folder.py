"""The whole output folder → a ``Verdict``.

Every file below ``data/``, ``quarantine/`` and ``_commit/`` is accounted for, and totals are
computed from the files. Where there is a manifest, the units that it lists count; a committed unit
beside them is a problem. Files under ``_tmp/`` are ignored: a killed process leaves them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipeline.contract.unit import SourceFile
from pipeline.errors import OutputError
from pipeline.output.verify.claims import Claim, Problem, parse_claim
from pipeline.output.verify.repeats import Repeats, find_repeats
from pipeline.output.verify.unit_files import UnitFiles, count_problems, folded, read_unit_files
from pipeline.storage import Store

_READERS = 8
_MOST_OF_RECORD, _MOST_OF_MANIFEST = 1 << 24, 1 << 30
"""Bytes that are read as JSON; what is no plain file is listed with fewer than none."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong, and what was counted on the way.

    A record id that stands twice is no fault where the corpus has it twice, which ``repeats`` says:
    the rows are told apart by file and row.
    """

    problems: tuple[Problem, ...]
    units: int
    rows_out: int
    rows_quarantined: int
    repeats: Repeats

    @property
    def repeated_ids(self) -> int:
        """Records whose id stood before, for whatever reason."""
        return self.repeats.total


def verify(store: Store) -> Verdict:
    """What is wrong in ``store``; raises OutputError if it is no output folder at all."""
    listing = store.listing()
    commits = [path for path in listing if path.startswith("_commit/")]
    if "_run.json" not in listing and "_manifest.json" not in listing and not commits:
        raise OutputError(
            f"{store.uri} is no output folder: it has no _run.json, _manifest.json or _commit/. "
            "Name the folder that output.uri names."
        )
    plain = [path for path in commits if 0 <= listing[path] <= _MOST_OF_RECORD]
    parsed: list[Claim | Problem] = [
        Problem(path, "no commit record", f"{_MOST_OF_RECORD} bytes at most", listing[path])
        for path in commits
        if path not in plain
    ]
    parsed += [parse_claim(path, body) for path, body in store.read_all(plain).items()]
    committed = [item for item in parsed if isinstance(item, Claim)]
    run, manifest = (_parsed(store, path, listing) for path in ("_run.json", "_manifest.json"))
    claims = _listed(manifest, committed)
    kept = _mapping(_mapping(manifest).get("kept"))
    with ThreadPoolExecutor(_READERS) as readers:
        units = list(readers.map(lambda claim: read_unit_files(store, claim, listing), claims))
    repeats, unexplained = find_repeats(units, _mapping(run).get("echo"), kept)
    problems = [
        *(item for item in parsed if isinstance(item, Problem)),
        *(problem for unit in units for problem in unit.problems),
        *_unclaimed(listing, committed),
        *_schemas(units),
        *_ranges(claims, kept),
        *unexplained,
        *_top(run, manifest, listing, committed, units),
    ]
    return Verdict(
        tuple(problems),
        len(claims),
        sum(unit.rows_out for unit in units),
        sum(unit.rows_quarantined for unit in units),
        repeats,
    )


def _unclaimed(listing: Mapping[str, int], claims: Iterable[Claim]) -> Iterator[Problem]:
    named = {file.path for claim in claims for file in claim.files}
    for path in listing:
        folder, _, name = path.partition("/")
        if folder in ("data", "quarantine") and path not in named:
            yield Problem(path, "a file that no commit record names", "no such file", "a file")
        if folder == "_commit" and not name.endswith(".json"):
            yield Problem(path, "a file that is no commit record", "no such file", "a file")


def _schemas(units: Iterable[UnitFiles]) -> Iterator[Problem]:
    """Parts whose columns are not those of most parts."""
    seen = [(unit.claim.part.path, str(unit.schema)) for unit in units if unit.schema is not None]
    if not seen:
        return
    usual, _ = Counter(columns for _, columns in seen).most_common(1)[0]
    for path, columns in seen:
        if columns != usual:
            yield Problem(path, "other columns than the other parts", usual, columns)


def _ranges(claims: Iterable[Claim], kept: Mapping[str, object]) -> Iterator[Problem]:
    """Rows of an input file that two units took, or none.

    Of a file that is gone the rows are kept that were committed, which need not be all.
    """
    position: dict[str, int] = {}
    versions: dict[str, SourceFile] = {}
    for claim in sorted(claims, key=lambda claim: (claim.unit.source.uri, claim.unit.start)):
        unit, source = claim.unit, claim.unit.source
        expected = position.get(source.uri, 0)
        if unit.start < expected or (unit.start > expected and source.uri not in kept):
            what = "rows taken twice" if unit.start < expected else "rows left out before"
            yield Problem(claim.path, f"{source.uri}: {what}", f"row {expected}", unit.start)
        position[source.uri] = max(expected, unit.stop)
        first = versions.setdefault(source.uri, source)
        if first != source:
            yield Problem(claim.path, "the input file in two versions", first, source)


def _top(
    run: object,
    manifest: object,
    listing: Mapping[str, int],
    committed: list[Claim],
    units: list[UnitFiles],
) -> Iterator[Problem]:
    """What the files beside the folders say of the whole."""
    if "_SUCCESS" not in listing:
        yield Problem("_SUCCESS", "missing: the job has not ended well", "a file", "none")
    if not isinstance(run, dict):
        yield Problem("_run.json", "missing, or no JSON object", "a run's identity", "none")
        run = {}
    if not isinstance(manifest, dict):
        yield Problem("_manifest.json", "missing, or no JSON object", "a manifest", "none")
        return
    if retired := manifest.get("retired"):
        yield Problem("_manifest.json", "retired units that are not deleted", "none", retired)
    yield from _fingerprints(run, manifest, committed)
    yield from _totals(manifest, units)
    yield from _listed_units(manifest, committed)


def _parsed(store: Store, path: str, listing: Mapping[str, int]) -> object:
    most = _MOST_OF_MANIFEST if path == "_manifest.json" else _MOST_OF_RECORD
    if not 0 <= listing.get(path, -1) <= most:
        return None
    try:
        return json.loads(store.read(path) or b"")
    except (ValueError, RecursionError):
        return None


def _fingerprints(
    run: dict[str, object], manifest: dict[str, object], claims: Iterable[Claim]
) -> Iterator[Problem]:
    expected = manifest.get("fingerprint")
    if run.get("fingerprint") != expected:
        yield Problem("_run.json", "fingerprint", expected, run.get("fingerprint"))
    for claim in claims:
        if claim.unit.fingerprint != expected:
            yield Problem(claim.path, "fingerprint", expected, claim.unit.fingerprint)


def _totals(manifest: dict[str, object], units: Iterable[UnitFiles]) -> Iterator[Problem]:
    units = list(units)
    out = sum(unit.rows_out for unit in units)
    quarantined = sum(unit.rows_quarantined for unit in units)
    counted = {"rows_in": out + quarantined, "rows_out": out, "rows_quarantined": quarantined}
    for name, seen in counted.items():
        if manifest.get(name) != seen:
            yield Problem("_manifest.json", name, manifest.get(name), seen)
    counts: dict[str, Counter[str]] = {}
    for unit in units:
        for tag, found in unit.counts.items():
            counts.setdefault(tag, Counter()).update(found)
    told = manifest.get("counts")
    yield from count_problems("_manifest.json", told, folded(counts, told), quarantined)


def _listed_units(manifest: dict[str, object], claims: Iterable[Claim]) -> Iterator[Problem]:
    """Units that the manifest does not list as their commit records have them."""
    listed = _entries(manifest)
    committed = {claim.unit_id: claim for claim in claims}
    for unit_id in sorted(listed.keys() | committed.keys()):
        entry, claim = listed.get(unit_id), committed.get(unit_id)
        if entry is None or claim is None:
            there, gone = ("listed", "not committed") if entry else ("committed", "not listed")
            yield Problem("_manifest.json", f"unit {unit_id}", there, gone)
        elif any(claim.values.get(key) != value for key, value in entry.items()):
            yield Problem("_manifest.json", f"unit {unit_id}", "as its commit record", "differs")


def _listed(manifest: object, committed: list[Claim]) -> list[Claim]:
    """The claims of units that the manifest lists; without a manifest, all."""
    if not isinstance(manifest, dict):
        return committed
    listed = _entries(manifest)
    return [claim for claim in committed if claim.unit_id in listed]


def _entries(manifest: dict[str, object]) -> dict[str, dict[str, object]]:
    units = manifest.get("units")
    entries = units if isinstance(units, list) else []
    return {str(entry.get("unit_id")): entry for entry in entries if isinstance(entry, dict)}


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
