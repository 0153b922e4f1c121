"""Learning rate by whichever of steps and wall time is further on, and the end of training.

Enters: the budget. Leaves: a scheduler and the callback that stops the Trainer.
Holds: the rate warms up linearly, then falls linearly and is 0 when the budget is spent.
"""

import time

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Budget:
    """How much of the training is done, in [0, 1]; the clock starts at the first question."""

    def __init__(self, *, max_steps: int, max_minutes: float) -> None:
        self._max_steps = max_steps
        self._max_seconds = 60 * max_minutes
        self._started: float | None = None

    def share_done(self, step: int) -> float:
        """The larger of the share of steps and the share of wall time."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        elapsed = now - self._started
        return min(1.0, max(step / self._max_steps, elapsed / self._max_seconds))


def linear_schedule(optimizer: Optimizer, budget: Budget, warmup_share: float) -> LambdaLR:
    """Linear warm-up over `warmup_share` of the budget, then linear decay to 0."""

    def factor(step: int) -> float:
        return rate_factor(budget.share_done(step), warmup_share)

    return LambdaLR(optimizer, factor)


def rate_factor(share_done: float, warmup_share: float) -> float:
    """The factor on the peak learning rate at `share_done` of the training."""
    if share_done < warmup_share:
        # Not 0 at the first step: it would be a step for nothing.
        return max(share_done / warmup_share, 0.01)
    return (1.0 - share_done) / (1.0 - warmup_share)


class StopWhenSpent(TrainerCallback):
    """Ends training once the budget is spent."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Ask the Trainer to stop."""
        if self._budget.share_done(state.global_step) >= 1.0:
            control.should_training_stop = True
