"""A commit record's bytes → what it claims, parsed independently of the code that writes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from pipeline.contract.record import wrong_places
from pipeline.contract.unit import SourceFile, Unit

_Count = Annotated[int, Field(ge=0, lt=1 << 63)]


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
    bytes: _Count
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


class _Source(BaseModel):
    uri: str
    size: _Count
    content: str


class _Rows(BaseModel):
    source: _Source
    start: _Count
    stop: _Count


class _Record(BaseModel):
    """What of a commit record is checked; a value of another type makes it none."""

    model_config = ConfigDict(strict=True)

    unit_id: str
    unit: _Rows
    fingerprint: str
    rows_in: _Count
    rows_out: _Count
    rows_quarantined: _Count
    part: ClaimedFile
    quarantine: ClaimedFile | None
    counts: dict[str, dict[str, _Count]]
    reasons: dict[str, _Count]


_VALUES = TypeAdapter(dict[str, JsonValue])


def parse_claim(path: str, body: bytes) -> Claim | Problem:
    """What the commit record in ``body`` says, or that it is none."""
    try:
        found, values = _Record.model_validate_json(body), _VALUES.validate_json(body)
    except ValidationError as error:
        return Problem(path, "no commit record", "its fields", wrong_places(error))
    unit = Unit(
        source=SourceFile(**found.unit.source.model_dump(), version=""),
        start=found.unit.start,
        stop=found.unit.stop,
        fingerprint=found.fingerprint,
    )
    return Claim(
        path,
        unit,
        found.unit_id,
        (found.rows_in, found.rows_out, found.rows_quarantined),
        found.part,
        found.quarantine,
        dict(values),
    )


def misnamed(claim: Claim) -> Iterator[Problem]:
    """Names that do not follow from the unit that the claim describes."""
    unit_id = claim.unit.unit_id
    if claim.unit_id != unit_id or claim.path != f"_commit/{unit_id}.json":
        yield Problem(claim.path, "a name that is not its unit's", unit_id, claim.unit_id)
    for file, folder in zip(claim.files, ("data", "quarantine"), strict=False):
        if file.path != f"{folder}/part-{unit_id}.parquet":
            expected = f"{folder}/part-{unit_id}.parquet"
            yield Problem(claim.path, "a file that is not its unit's", expected, file.path)
