"""The settings of the counts that tell languages apart.

Enters: a section of a config. Leaves: how much is counted, and which detectors are calibrated.
"""

from pathlib import Path

from pydantic import PositiveFloat, PositiveInt

from pipeline.config.section import Section


class IdentifierConfig(Section):
    """The counts that tell languages apart, and how far detectors are to be trusted."""

    data: Path
    """Parquet with the columns text, language (X-MOD codes) and split (train, dev)."""
    out: Path
    """Folder for the counts, the blend and the trust."""
    characters: PositiveInt
    """Of text that are counted in a language, at most; about as many in each."""
    least_count: PositiveInt
    """N-grams and pairs of words that were met less often, in all languages, are forgotten."""
    smoothing: PositiveFloat
    """What is added to every count."""
    detectors: tuple[str, ...]
    """Detectors whose scores are calibrated."""
    fasttext_model: Path | None = None
    """The model for the detector fasttext, if that is among them."""
    seed: int
    """Of everything that chance decides."""
