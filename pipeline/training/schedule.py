"""Learning rate by whichever of steps and wall time is further on, and the end of training.

Enters: the budget. Leaves: a scheduler and the callback that stops the Trainer.
Holds: the rate warms up linearly, then falls linearly and is 0 when the budget is spent; the first
worker's clock counts for all, so that all stop at one step; a training that resumes has spent what
it had spent before.
"""

import json
import time
from pathlib import Path

import torch
from torch import distributed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

SPENT = "spent.json"
"""In a checkpoint of the Trainer's: the seconds that were trained before it."""


class Budget:
    """How much of the training is done, in [0, 1]; the clock starts at the first question."""

    def __init__(self, *, max_steps: int, max_minutes: float) -> None:
        self._max_steps = max_steps
        self._max_seconds = 60 * max_minutes
        self._before = 0.0
        self._started: float | None = None

    def share_done(self, step: int) -> float:
        """The larger of the share of steps and the share of wall time."""
        return min(1.0, max(step / self._max_steps, _of_first(self.spent()) / self._max_seconds))

    def spent(self) -> float:
        """Seconds trained, those before the training was resumed among them."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        return self._before + now - self._started

    def save(self, folder: Path) -> None:
        """Leave in `folder` what was spent."""
        (folder / SPENT).write_text(json.dumps({"seconds": self.spent()}), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Begin with what was spent when `folder` was saved."""
        self._before = json.loads((folder / SPENT).read_text(encoding="utf-8"))["seconds"]


def _of_first(seconds: float) -> float:
    """The first worker's `seconds`."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return seconds
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    clock = torch.tensor([seconds], dtype=torch.float64, device=device)
    distributed.broadcast(clock, src=0)
    return float(clock)


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
    """Ends training once the budget is spent; keeps what was spent beside each checkpoint."""

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

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Note what was spent."""
        if state.is_world_process_zero:
            self._budget.save(saved_at(args, state))


def saved_at(args: TrainingArguments, state: TrainerState) -> Path:
    """The folder of the checkpoint that the Trainer has just saved."""
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
