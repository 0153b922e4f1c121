"""transformers' Trainer with batches that come ready, and a wall-time budget.

Enters: a model, examples, a batch order. Leaves: the model, trained in place.
Holds: every batch carries `lang_ids`; training ends when steps or minutes are spent.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
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

from pipeline.training.batches import Batches
from pipeline.training.config import Optimisation
from pipeline.training.present_adapters import use_present_adapters
from pipeline.training.schedule import Budget, StopWhenSpent, linear_schedule

logger = logging.getLogger(__name__)

Example = dict[str, Any]
Batch = dict[str, Tensor]


def by_language(rows: Sequence[Example]) -> list[Example]:
    """The rows with those of one language beside each other, in the order of `lang_id`."""
    return sorted(rows, key=lambda row: int(row["lang_id"]))


class Examples(Dataset[Example]):
    """Encoded examples in memory."""

    def __init__(self, rows: Sequence[Example]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Example:
        return self._rows[index]


class ModularTrainer(Trainer):
    """A Trainer whose batches come ready."""

    def __init__(
        self,
        model: PreTrainedModel,
        examples: Sequence[Example],
        batches: Batches,
        collate: Callable[[list[Example]], Batch],
        *,
        optimisation: Optimisation,
        max_steps: int,
        out: Path,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        prepare_torch(optimisation)
        use_present_adapters(model)
        self._batches = batches
        self._collate = collate
        self._warmup_share = optimisation.warmup_share
        self._budget = Budget(max_steps=max_steps, max_minutes=optimisation.max_minutes)
        super().__init__(
            model=model,
            args=_arguments(optimisation, max_steps, out),
            train_dataset=Examples(examples),
            callbacks=[StopWhenSpent(self._budget), LogProgress(), *callbacks],
        )
        self.remove_callback(PrinterCallback)
        # X-MOD's own losses are means over their batch, whatever the step accumulates.
        self.model_accepts_loss_kwargs = False

    def get_train_dataloader(self) -> DataLoader[Example]:
        """The batches in their order; none is re-sampled by accelerate."""
        assert self.train_dataset is not None
        return DataLoader(self.train_dataset, batch_sampler=self._batches, collate_fn=self._collate)

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
        logger.info("step %d of %d: %s", state.global_step, state.max_steps, figures)


def prepare_torch(optimisation: Optimisation) -> None:
    """Set the threads, and flush denormals, which slow small models down as they converge."""
    torch.set_num_threads(optimisation.threads)
    torch.set_flush_denormal(True)


def _arguments(optimisation: Optimisation, max_steps: int, out: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(out),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        max_steps=max_steps,
        per_device_train_batch_size=optimisation.batch_size,
        gradient_accumulation_steps=optimisation.accumulation,
        learning_rate=optimisation.learning_rate,
        weight_decay=optimisation.weight_decay,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        logging_steps=50,
        seed=optimisation.seed,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
