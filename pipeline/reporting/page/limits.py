"""How much of an output the page reads and shows; with the defaults a page stays below 3 MB."""

from pydantic import Field

from pipeline.config.section import Section


class PageLimits(Section):
    """Bounds of the page; without ``texts`` it holds no text of records."""

    texts: bool = True
    records: int = Field(default=200, ge=0, le=2_000)
    """Records in the sample."""
    characters: int = Field(default=600, ge=20, le=10_000)
    """Characters shown of a record's text."""
    points: int = Field(default=1_500, ge=0, le=5_000)
    """Points on the map of embeddings."""
    rows: int = Field(default=50_000, ge=1)
    """Rows that are counted by language."""
    units: int = Field(default=1_000, ge=1)
    """Commit records that are read for their times."""
    pointers: int = Field(default=200, ge=0)
    """Records of the quarantine that are listed, and unreadable input files."""
