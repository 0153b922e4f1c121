"""How far a side is from float32, and whether a row's result depends on the rows beside it.

Enters: a side, the float32 side, hidden states. Leaves: ``Checks``. What holds: of the layer's
outputs the worst one counts; changes are in units of an output's root mean square, so that outputs
of different size compare.

The project wants a record's annotation to be the same in whatever batch it is computed, so that a
job that was resumed writes what it would have written. One scale for a whole tensor breaks that.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.int8.in_graphs import Run

_LOUDER = 100.0
"""How many times as large the one neighbour becomes."""
_ROUNDING = 1e-4
"""What float32 sums in another order may differ by."""


@dataclass(frozen=True)
class Checks:
    """``cosine`` is the mean over rows; ``error`` the relative L2 distance; both from float32.

    ``beside_outlier``: the most that a value changes when one other row is ``_LOUDER`` times as
    large; ``in_smaller_batch``: the same when a third of the rows is computed by itself.
    """

    cosine: float
    error: float
    beside_outlier: float
    in_smaller_batch: float

    @property
    def stands_alone(self) -> bool:
        """Whether rows do not depend on one another, but for rounding."""
        return max(self.beside_outlier, self.in_smaller_batch) <= _ROUNDING


def checks(side: Run, base: Run, hidden: Tensor) -> Checks:
    """Of ``side`` on ``hidden`` [tokens, hidden]."""
    exact, found = _kept(base, hidden), _kept(side, hidden)
    some = len(hidden) // 3
    louder = hidden.clone()
    louder[-1] *= _LOUDER
    beside, alone = _kept(side, louder), _kept(side, hidden[:some].contiguous())
    return Checks(
        cosine=min(map(_cosine, found, exact)),
        error=max(map(_distance, found, exact)),
        beside_outlier=max(map(_change, [one[:-1] for one in beside], found)),
        in_smaller_batch=max(map(_change, alone, found)),
    )


def _kept(run: Run, hidden: Tensor) -> list[Tensor]:
    """Copies: some runtimes write the next results where these are."""
    return [one.clone() for one in run(hidden)]


def _cosine(found: Tensor, exact: Tensor) -> float:
    return torch.cosine_similarity(found.double(), exact.double(), dim=1).mean().item()


def _distance(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


def _change(again: Tensor, before: Tensor) -> float:
    """The most that the rows of ``again`` differ from the same rows of ``before``."""
    scale = before.pow(2).mean().sqrt()
    return float((again - before[: len(again)]).abs().max() / scale)
