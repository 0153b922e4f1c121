"""transformers' Trainer with batches that come ready, a wall-time budget, and a way to resume."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from pipeline.training.batches import Batches, SmoothedBatches
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, MaskedCollator
from pipeline.training.heads.head import Loss, own_loss
from pipeline.training.learning import Worker
from pipeline.training.present_adapters import use_present_adapters
from pipeline.training.run_settings import Optimisation, Precision
from pipeline.training.schedule import Budget, Progress
from pipeline.training.settings import AddLanguageConfig, PretrainConfig

logger = logging.getLogger(__name__)

LOGGING_STEPS = 50


class ReadyBatches(DataLoader[Example]):
    """Batches in an order of their own, which knows its epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer when an epoch begins."""
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]


class ModularTrainer(Trainer):
    """A Trainer whose batches come ready, and whose loss is given.

    A training that resumes goes on with the batch that it would have come to.
    """

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
        prepare_torch(optimisation.threads)
        use_present_adapters(model)
        self._batches = batches
        self._collate = collate
        self._loss = loss
        self._resume = worker.resume
        self._seed = 1_000_003 * optimisation.seed + 7919 * worker.rank
        self._warmup_share = optimisation.warmup_share
        self._budget = Budget(max_steps=max_steps, max_minutes=optimisation.max_minutes)
        rows: Any = examples
        super().__init__(
            model=model,
            args=TrainingArguments(**(_arguments(optimisation, max_steps, worker) | arguments)),
            train_dataset=rows,
            # The Trainer asks for rows to evaluate on, though `evaluate` brings its own.
            eval_dataset=rows[:0],
            callbacks=[self._budget, Progress(), *callbacks, *worker.callbacks],
        )
        self.remove_callback(PrinterCallback)
        # Losses are means over their batch, whatever the step accumulates.
        self.model_accepts_loss_kwargs = False

    def learn(self) -> None:
        """Train, from where the worker was told to resume."""
        if self._resume:
            self._budget.restore(self._resume)
        self.train(resume_from_checkpoint=str(self._resume) if self._resume else None)

    def get_train_dataloader(self) -> DataLoader[Example]:
        """The batches in their order; none is re-sampled by accelerate."""
        assert self.train_dataset is not None
        return ReadyBatches(self.train_dataset, batch_sampler=self._batches, collate_fn=self._drawn)

    def _drawn(self, rows: list[Example]) -> Batch:
        """The batch of `rows`; what chance does to it depends on its step and its rows alone.

        The Trainer restores the generators' states after the first batch that follows a resume.
        """
        with torch.random.fork_rng(devices=[]):
            own = sum(int(np.sum(row["input_ids"])) for row in rows)
            torch.manual_seed(self._seed + self.state.global_step + own)
            return self._collate(rows)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Send the figures to logging, and to what else the Trainer tells."""
        super().log(logs, start_time)
        if self.is_world_process_zero():
            figures = {name: value for name, value in logs.items() if name != "epoch"}
            logger.info("step %d of %d: %s", self.state.global_step, self.state.max_steps, figures)

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
        schedule = self._budget.schedule(stepped, self._warmup_share)
        self.lr_scheduler = schedule
        return schedule


class MaskedTrainer(ModularTrainer):
    """Masked LM on windows, languages drawn by smoothing."""

    def __init__(
        self,
        config: PretrainConfig | AddLanguageConfig,
        codec: Codec,
        model: PreTrainedModel,
        windows: Sequence[Example],
        worker: Worker,
        smoothing: float = 1.0,
    ) -> None:
        optimisation = config.optimisation
        batches = SmoothedBatches(
            windows,
            batch_size=optimisation.batch_size,
            count=config.max_steps * optimisation.accumulation,
            smoothing=smoothing,
            seed=(optimisation.seed, worker.rank),
        )
        super().__init__(
            model,
            windows,
            batches,
            MaskedCollator(codec, config.mask_share),
            own_loss,
            optimisation=optimisation,
            max_steps=config.max_steps,
            worker=worker,
        )


def prepare_torch(threads: int) -> None:
    """Set the threads, and flush denormals, which slow small models down as they converge."""
    torch.set_num_threads(threads)
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
        "logging_first_step": True,
        "seed": optimisation.seed,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }
