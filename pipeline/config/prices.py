"""Section ``prices``."""

from pydantic import Field

from pipeline.config.section import Section


class Prices(Section):
    """Prices of machines, for cost estimates."""

    currency: str = Field(default="USD", min_length=1)
    """Currency to show."""
    cpu_hour: float = Field(default=0, ge=0)
    """Price per hour of one CPU with its share of the memory."""
    gpu_hour: float = Field(default=0, ge=0)
    """Price per hour of one GPU."""
