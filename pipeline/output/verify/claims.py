"""A commit record's bytes → what it claims, parsed independently of the code that writes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.contract.unit import SourceFile, Unit


@dataclass(frozen=True)
class Problem:
    """Something wrong with the file at ``path``."""

    path: str
    what: str
    expected: object
    seen: object


@dataclass(frozen=True)
class ClaimedFile:
    """A file as a commit record names it."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Claim:
    """What the commit record at ``path`` says; ``values`` is all of it."""

    path: str
    unit: Unit
    unit_id: str
    rows: tuple[int, int, int]
    part: ClaimedFile
    quarantine: ClaimedFile | None
    values: dict[str, object]

    @property
    def files(self) -> tuple[ClaimedFile, ...]:
        """The files that it names."""
        return (self.part, self.quarantine) if self.quarantine else (self.part,)


def parse_claim(path: str, body: bytes) -> Claim | Problem:
    """What the commit record in ``body`` says, or that it is none."""
    try:
        values = json.loads(body)
        rows = values["unit"]
        source = SourceFile(**rows["source"], version="")
        unit = Unit(
            source=source,
            start=int(rows["start"]),
            stop=int(rows["stop"]),
            fingerprint=str(values["fingerprint"]),
        )
        counted = (values["rows_in"], values["rows_out"], values["rows_quarantined"])
        part = ClaimedFile(**values["part"])
        quarantine = values["quarantine"] and ClaimedFile(**values["quarantine"])
        return Claim(path, unit, str(values["unit_id"]), counted, part, quarantine, values)
    except (KeyError, TypeError, ValueError) as error:
        return Problem(path, "no commit record", "its fields", f"{type(error).__name__}: {error}")


def misnamed(claim: Claim) -> Iterator[Problem]:
    """Names that do not follow from the unit that the claim describes."""
    unit_id = claim.unit.unit_id
    if claim.unit_id != unit_id or claim.path != f"_commit/{unit_id}.json":
        yield Problem(claim.path, "a name that is not its unit's", unit_id, claim.unit_id)
    for file, folder in zip(claim.files, ("data", "quarantine"), strict=False):
        if file.path != f"{folder}/part-{unit_id}.parquet":
            expected = f"{folder}/part-{unit_id}.parquet"
            yield Problem(claim.path, "a file that is not its unit's", expected, file.path)
