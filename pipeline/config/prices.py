"""What machines cost."""

from pydantic import Field

from pipeline.config.section import Section


class Prices(Section):
    """Money an hour of a CPU, with its share of the memory, and of a GPU."""

    currency: str = Field(default="USD", min_length=1)
    """What money is called."""
    cpu_hour: float = Field(default=0, ge=0)
    """Of one CPU with its share of the memory."""
    gpu_hour: float = Field(default=0, ge=0)
    """Of one GPU."""
