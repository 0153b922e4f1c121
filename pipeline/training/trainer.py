"""transformers' Trainer with batches that come ready, a wall-time budget, and a way to resume.

Enters: a model, examples, a batch order, a loss. Leaves: the model, trained in place.
Holds: every batch carries `lang_ids`; training ends when steps or minutes are spent, which all
workers learn from the first of them; a training that resumes goes on with the batch that it would
have come to.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME

from pipeline.training.batches import Batches
from pipeline.training.collate import Batch, Example
from pipeline.training.heads.head import Loss
from pipeline.training.present_adapters import use_present_adapters
from pipeline.training.schedule import Budget, StopWhenSpent, linear_schedule
from pipeline.training.settings import Optimisation, Precision

logger = logging.getLogger(__name__)

LOGGING_STEPS = 50


@dataclass(frozen=True)
class Worker:
    """One of the processes that train, and what it was told by whoever started it."""

    rank: int = 0
    size: int = 1
    gpu: bool = False
    """Whether it has a GPU of its own to train on."""
    scratch: Path = Path(gettempdir())
    """Where the Trainer writes its checkpoints, if it does."""
    resume: Path | None = None
    """A checkpoint of the Trainer's to go on from."""
    save_steps: int | None = None
    """Steps between checkpoints; None where nobody would resume."""
    callbacks: tuple[TrainerCallback, ...] = ()

    @property
    def first(self) -> bool:
        """Whether this is the one that scores, logs and saves."""
        return self.rank == 0


class Examples(Dataset[Example]):
    """Encoded examples in memory."""

    def __init__(self, rows: Sequence[Example]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Example:
        return self._rows[index]


class ReadyBatches(DataLoader[Example]):
    """Batches in an order of their own, which knows its epoch."""

    def set_epoch(self, epoch: int) -> None:
        """The Trainer says which epoch begins."""
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


class ModularTrainer(Trainer):
    """A Trainer whose batches come ready, and whose loss is given."""

    def __init__(
        self,
        model: PreTrainedModel,
        examples: Sequence[Example],
        batches: Batches,
        collate: Callable[[list[Example]], Batch],
        loss: Loss,
        *,
        optimisation: Optimisation,
        max_steps: int,
        worker: Worker,
        callbacks: Sequence[TrainerCallback] = (),
        **arguments: Any,  # noqa: ANN401
    ) -> None:
        """`arguments` are of TrainingArguments, beyond those that every training has."""
        prepare_torch(optimisation)
        use_present_adapters(model)
        self._batches = batches
        self._collate = collate
        self._loss = loss
        self._resume = worker.resume
        self._seed = 1_000_003 * optimisation.seed + 7919 * worker.rank
        self._batch_number = 0
        self._warmup_share = optimisation.warmup_share
        self._budget = Budget(max_steps=max_steps, max_minutes=optimisation.max_minutes)
        super().__init__(
            model=model,
            args=TrainingArguments(**(_arguments(optimisation, max_steps, worker) | arguments)),
            train_dataset=Examples(examples),
            # The Trainer asks for rows to evaluate on, though `evaluate` brings its own.
            eval_dataset=Examples(()),
            callbacks=[StopWhenSpent(self._budget), LogProgress(), *callbacks, *worker.callbacks],
        )
        self.remove_callback(PrinterCallback)
        # Losses are means over their batch, whatever the step accumulates.
        self.model_accepts_loss_kwargs = False

    def learn(self) -> None:
        """Train, from where the worker was told to resume."""
        if self._resume:
            self._budget.restore(self._resume)
            self._batch_number = self._batches_before(self._resume)
        self.train(resume_from_checkpoint=str(self._resume) if self._resume else None)

    def get_train_dataloader(self) -> DataLoader[Example]:
        """The batches in their order; none is re-sampled by accelerate."""
        assert self.train_dataset is not None
        return ReadyBatches(self.train_dataset, batch_sampler=self._batches, collate_fn=self._drawn)

    def _drawn(self, rows: list[Example]) -> Batch:
        """The batch of `rows`; what chance does to it depends on its number alone.

        A training that resumes draws what it would have drawn.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed + self._batch_number)
            self._batch_number += 1
            return self._collate(rows)

    def _batches_before(self, checkpoint: Path) -> int:
        """How many batches the steps before `checkpoint` took."""
        state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
        accumulation = self.args.gradient_accumulation_steps
        epochs, steps = divmod(int(state.global_step), -(-len(self._batches) // accumulation))
        return epochs * len(self._batches) + steps * accumulation

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Mean loss of the batch; scalar."""
        return self._loss(model, inputs)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Warm-up and linear decay over the budget."""
        stepped = optimizer or self.optimizer
        assert stepped is not None  # the Trainer makes the optimizer first
        schedule = linear_schedule(stepped, self._budget, self._warmup_share)
        self.lr_scheduler = schedule
        return schedule


class LogProgress(TrainerCallback):
    """Sends the Trainer's figures to logging."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Log the step and its figures."""
        figures = {name: value for name, value in (logs or {}).items() if name != "epoch"}
        if state.is_world_process_zero:
            logger.info("step %d of %d: %s", state.global_step, state.max_steps, figures)


def prepare_torch(optimisation: Optimisation) -> None:
    """Set the threads, and flush denormals, which slow small models down as they converge."""
    torch.set_num_threads(optimisation.threads)
    torch.set_flush_denormal(True)


def _arguments(optimisation: Optimisation, max_steps: int, worker: Worker) -> dict[str, Any]:
    return {
        "output_dir": str(worker.scratch),
        "save_strategy": "no" if worker.save_steps is None else "steps",
        "save_steps": worker.save_steps or 1,
        "save_total_limit": 1,
        "restore_callback_states_from_checkpoint": True,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not worker.gpu,
        "bf16": optimisation.precision is Precision.BFLOAT16,
        "max_steps": max_steps,
        "per_device_train_batch_size": optimisation.batch_size,
        "gradient_accumulation_steps": optimisation.accumulation,
        "learning_rate": optimisation.learning_rate,
        "weight_decay": optimisation.weight_decay,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "logging_steps": LOGGING_STEPS,
        "seed": optimisation.seed,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }
