"""Actors beside one another, and one after the other.

Enters: orders. Leaves: pairs, steps round by round, random numbers. What holds: an actor of a pair
is still there when the other is measured; those that are compared take turns, every other round
backwards, and have the machine to themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.footprints.actor import Actor, Step
from benchmarks.footprints.kernel import Held
from benchmarks.footprints.order import Order
from benchmarks.harness.rounds import Spread


@dataclass(frozen=True)
class Pair:
    """What the first of two actors held ``alone``, and what each held beside the other.

    ``steps`` are the second's.
    """

    alone: Held
    first: Held
    second: Held
    steps: list[Step]

    @property
    def both(self) -> float:
        """Megabytes that the two hold together."""
        return self.first.proportional + self.second.proportional

    @property
    def addition(self) -> float:
        """Megabytes that came with the second."""
        return self.both - self.alone.proportional


@dataclass(frozen=True)
class Starts:
    """The steps of all starts of one order."""

    rounds: list[list[Step]]

    def seconds(self, *names: str) -> Spread:
        """What the steps ``names`` took together."""
        return Spread.of(
            sum(step.seconds for step in steps if step.name in names) for steps in self.rounds
        )

    def resident(self) -> list[float]:
        """Megabytes that came in with the model, round by round, once all of it had been read."""
        return [_resident(steps, "read") - _resident(steps, "opened") for steps in self.rounds]


def pair(order: Order) -> Pair:
    """Two actors of the same ``order``."""
    with Actor(order) as first:
        alone = first.steps()[-1].held
        with Actor(order) as second:
            steps = second.steps()
            return Pair(alone, first.held(), second.held(), steps)


def starts(orders: Mapping[str, Order], rounds: int) -> dict[str, Starts]:
    """Actors of all ``orders``, ``rounds`` times."""
    found: dict[str, Starts] = {name: Starts([]) for name in orders}
    for turn in range(rounds):
        for name in list(orders)[:: -1 if turn % 2 else 1]:
            with Actor(orders[name]) as actor:
                found[name].rounds.append(actor.steps())
    return found


def drawn(order: Order) -> int:
    """Random numbers that loading writes into memory."""
    with Actor(order) as actor:
        return sum(step.drawn for step in actor.steps(until="loaded"))


def _resident(steps: list[Step], name: str) -> float:
    return next(step.held.resident for step in steps if step.name == name)
