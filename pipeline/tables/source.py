"""An enriched output as tables see it.

Enters: nothing. Leaves: ``Source``, its parts, and what these have in common. What holds: all of it
is small and plain: a part travels to the process that reads it together with its origin.
"""

import hashlib
import json
from dataclasses import dataclass

import pyarrow as pa

from pipeline.tables.dates import DateRule


@dataclass(frozen=True)
class CommittedPart:
    """The part of one unit; ``file`` is the input file that the unit is of.

    ``quarantined`` are records by language tag, ``reasons`` the same records by ``error_type``.
    """

    uri: str
    bytes: int
    sha256: str
    unit_id: str
    file: str
    quarantined: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Origin:
    """What the rows of all parts of a source have in common.

    ``schema`` is the parts'; ``inputs`` are the names of columns that came from the input and
    ``text`` is that of them with the text, ``tasks`` those that tasks added; ``labels`` are the
    names of classification tasks.
    """

    name: str
    date: DateRule
    schema: pa.Schema
    inputs: tuple[str, ...]
    text: str | None
    tasks: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """One enriched output."""

    uri: str
    fingerprint: str
    origin: Origin
    parts: tuple[CommittedPart, ...]

    @property
    def name(self) -> str:
        """What the tables call it."""
        return self.origin.name

    @property
    def digest(self) -> str:
        """A hash of what is committed: of the parts' bytes, and of what is in quarantine."""
        held = sorted((part.sha256, part.quarantined, part.reasons) for part in self.parts)
        return hashlib.sha256(json.dumps(held).encode()).hexdigest()
