"""What the stages of a unit took: seconds by stage, and the micro-batches of its models."""

from typing import Annotated

from pydantic import Field

from pipeline.contract.record import Count, Sums

Seconds = Annotated[float, Field(ge=0)]


class StageSeconds(Sums):
    """What a stage took: seconds on the clock, and seconds of CPU of all threads of its process.

    ``waited`` is how long the unit was at hand before the stage began, since the one before it; by
    two clocks where these are on two machines.
    """

    wall: Seconds
    cpu: Seconds
    waited: Seconds = 0


class MicroBatches(Sums):
    """``number`` of what goes through a model at once, its ``tokens``, and the ``room`` it had."""

    number: Count = 0
    tokens: Count = 0
    room: Count = 0

    @property
    def fill(self) -> float | None:
        """The share of the room that tokens took; None of no batch."""
        return self.tokens / self.room if self.room else None
