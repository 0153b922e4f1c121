"""Sides against the clock, in turns.

Enters: named callables without arguments. Leaves: ``Rounds``, the seconds of each side in each
round. What holds: each side runs once before it is timed; a round runs all sides, every other round
backwards, so that none always runs after the same other; a speed-up compares sides of one round
only, because a busy machine slows neighbours in time alike.

    rounds = take_turns({"before": before, "after": after}, rounds=15)
    f"{rounds.spread('after'):.3f} s, {rounds.speed_up('after', over='before'):.2f}×"
"""

import timeit
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of samples, the least and the greatest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> "Spread":
        """What ``samples`` spread over; at least one."""
        held = list(samples)
        return cls(median(held), min(held), max(held))

    def __format__(self, spec: str) -> str:
        """``spec`` is a number's: ``1.93 (1.88–1.97)`` by ``.2f``, ``1.93`` if all are one."""
        if self.low == self.high:
            return format(self.median, spec)
        middle, low, high = (format(one, spec) for one in (self.median, self.low, self.high))
        return f"{middle} ({low}–{high})"


@dataclass(frozen=True)
class Rounds:
    """Of each side the seconds of a call; the same place is the same round."""

    seconds: dict[str, list[float]]

    def spread(self, name: str) -> Spread:
        """Seconds of a call of the side ``name``."""
        return Spread.of(self.seconds[name])

    def rate(self, name: str, amount: float) -> Spread:
        """What the side ``name`` does in a second, if a call does ``amount``."""
        return Spread.of(amount / one for one in self.seconds[name])

    def speed_up(self, name: str, *, over: str) -> Spread:
        """How many times as fast ``name`` is, round by round; above 1 is faster than ``over``."""
        pairs = zip(self.seconds[over], self.seconds[name], strict=True)
        return Spread.of(slow / fast for slow, fast in pairs)


@dataclass(frozen=True)
class Rates:
    """Of sides that do different ``amounts`` in a call what they do in a second."""

    rounds: Rounds
    amounts: Mapping[str, float]

    def rate(self, name: str) -> Spread:
        """Of the side ``name``."""
        return self.rounds.rate(name, self.amounts[name])

    def ratio(self, name: str, over: str) -> Spread:
        """How many times the rate of ``over``, round by round."""
        worth = self.amounts[name] / self.amounts[over]
        pairs = zip(self.rounds.seconds[over], self.rounds.seconds[name], strict=True)
        return Spread.of(worth * other / own for other, own in pairs)


def take_turns(
    sides: Mapping[str, Callable[[], object]], rounds: int, calls: Mapping[str, int] | None = None
) -> Rounds:
    """Time all ``sides`` ``rounds`` times.

    A sample is the mean of ``calls`` calls in a row, one where it does not name the side: short
    ones need more.
    """
    numbers = {name: (calls or {}).get(name, 1) for name in sides}
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: -1 if turn % 2 else 1]:
            # timeit keeps the collector of garbage out of the sample.
            total = timeit.timeit(sides[name], number=numbers[name])
            seconds[name].append(total / numbers[name])
    return Rounds(seconds)
