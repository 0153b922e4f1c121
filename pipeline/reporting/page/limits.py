"""How much of an output the page shows.

Enters: nothing. Leaves: ``PageLimits``. What holds: with the limits as they are, a page stays below
some two megabytes, however large the output is.
"""

from pydantic import Field

from pipeline.config.section import Section


class PageLimits(Section):
    """Bounds of what is read and shown; ``texts`` is whether any text of a record is."""

    texts: bool = True
    records: int = Field(default=200, ge=0, le=2_000)
    characters: int = Field(default=600, ge=20, le=10_000)
    """Of a record's text."""
    points: int = Field(default=1_500, ge=0, le=5_000)
    """Of the map of vectors."""
    rows: int = Field(default=50_000, ge=1)
    """That are counted, where an output has more."""
    units: int = Field(default=1_000, ge=1)
    """Whose commit records are read for what they took."""
    pointers: int = Field(default=200, ge=0)
    """To records in quarantine."""


PARTS = 64
"""Files that rows are read from, where not all of them are read."""

ALL_PARTS = 256
"""Files that are all read, where their rows are few enough."""
