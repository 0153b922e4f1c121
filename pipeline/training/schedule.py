"""Learning rate by whichever of steps and wall time is further on, and the end of training."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, IntervalStrategy

from pipeline.training.learning import agreed

SPENT = "spent.json"
"""In a checkpoint of the Trainer's: the seconds that were trained before it."""


@dataclass
class Budget(TrainerCallback):
    """How much of the training is done, in [0, 1]; ends training once that is all of it.

    The clock starts at the first question. The first worker's counts for all, so that all stop at
    one step.
    """

    max_steps: int
    max_minutes: float
    _before: float = 0.0
    _started: float | None = None

    def share_done(self, step: int) -> float:
        """The larger of the share of steps and the share of wall time."""
        minutes = agreed(self._spent) / 60
        return min(1.0, max(step / self.max_steps, minutes / self.max_minutes))

    def save(self, folder: Path) -> None:
        """Leave in `folder` what was spent."""
        (folder / SPENT).write_text(json.dumps({"seconds": self._spent()}), encoding="utf-8")

    def restore(self, folder: Path) -> None:
        """Begin with what was spent when `folder` was saved."""
        self._before = json.loads((folder / SPENT).read_text(encoding="utf-8"))["seconds"]

    def schedule(self, optimizer: Optimizer, warmup_share: float) -> LambdaLR:
        """Linear warm-up over `warmup_share` of the budget, then linear decay to 0."""
        return LambdaLR(optimizer, lambda step: rate_factor(self.share_done(step), warmup_share))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Ask the Trainer to stop once the budget is spent, and to score what it has come to."""
        if self.share_done(state.global_step) >= 1.0:
            control.should_training_stop = True
            control.should_evaluate = args.eval_strategy != IntervalStrategy.NO

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Note beside the checkpoint what was spent."""
        if state.is_world_process_zero:
            self.save(saved_at(args, state))

    def _spent(self) -> float:
        """Seconds trained, those before the training was resumed among them."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        return self._before + now - self._started


class Progress(TrainerCallback):
    """Has the figures logged after `seconds` without any, however long a step takes."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Ask the Trainer to log, on all workers alike, as they average the loss for it."""
        if agreed(lambda: time.monotonic() - self._last >= self._seconds):
            control.should_log = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Begin to count anew."""
        self._last = time.monotonic()


def rate_factor(share_done: float, warmup_share: float) -> float:
    """The factor on the peak learning rate at `share_done` of the training."""
    if share_done < warmup_share:
        # Not 0 at the first step: it would be a step for nothing.
        return max(share_done / warmup_share, 0.01)
    return (1.0 - share_done) / (1.0 - warmup_share)


def saved_at(args: TrainingArguments, state: TrainerState) -> Path:
    """The folder of the checkpoint that the Trainer has just saved."""
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
