"""A unit: a row range of one input file that is read, annotated and committed as a whole.

``unit_id`` is a hash of the file's URI and content, the rows and the run's fingerprint. It survives
a new modification time or ETag of unchanged content.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """One input file as the planner saw it.

    ``version`` is its ETag, generation or modification time: while a job runs, another version is
    refused. ``content`` stands for its bytes, as ``pipeline.corpus.footer`` makes
    it; before the footer is read it is the store's checksum, where the listing has one.
    """

    uri: str
    size: int
    version: str
    content: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """Rows ``start`` to ``stop`` (exclusive, from 0) of ``source``."""

    source: SourceFile
    start: int
    stop: int
    fingerprint: str
    unit_id: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the unit by everything that its content depends on."""
        identity = [
            self.source.uri,
            self.source.size,
            self.source.content,
            self.start,
            self.stop,
            self.fingerprint,
        ]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        object.__setattr__(self, "unit_id", digest[:32])

    @property
    def rows(self) -> int:
        """How many records the unit holds."""
        return self.stop - self.start

    def to_json(self) -> str:
        """The unit without its id, which follows from the rest."""
        values = asdict(self)
        del values["unit_id"]
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Unit":
        """The unit that ``to_json`` wrote."""
        values = json.loads(text)
        return cls(**{**values, "source": SourceFile(**values["source"])})
