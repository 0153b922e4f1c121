"""What the stages of a unit took: seconds by stage, and the micro-batches of its models."""

from typing import Annotated

from pydantic import Field

from pipeline.contract.record import Count, Record

Seconds = Annotated[float, Field(ge=0)]


class StageSeconds(Record):
    """What a stage took: seconds on the clock, and seconds of CPU of all threads of its process.

    ``waited`` is how long the unit was at hand before the stage began, since the one before it; by
    two clocks where these are on two machines.
    """

    wall: Seconds
    cpu: Seconds
    waited: Seconds = 0

    def __add__(self, other: "StageSeconds") -> "StageSeconds":
        return StageSeconds(
            wall=self.wall + other.wall,
            cpu=self.cpu + other.cpu,
            waited=self.waited + other.waited,
        )


class MicroBatches(Record):
    """``number`` of what goes through a model at once, its ``tokens``, and the ``room`` it had."""

    number: Count = 0
    tokens: Count = 0
    room: Count = 0

    def __add__(self, other: "MicroBatches") -> "MicroBatches":
        return MicroBatches(
            number=self.number + other.number,
            tokens=self.tokens + other.tokens,
            room=self.room + other.room,
        )

    @property
    def fill(self) -> float | None:
        """The share of the room that tokens took; None of no batch."""
        return self.tokens / self.room if self.room else None
