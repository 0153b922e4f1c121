"""A trainer that scores the dev rows after every epoch, and keeps the weights of the best."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipeline.training.heads import Figures, Head
from pipeline.training.inference import Reader
from pipeline.training.learning import agreed, trained
from pipeline.training.schedule import saved_at
from pipeline.training.trainer import ModularTrainer

BEST = "best.safetensors"
"""In a checkpoint of the Trainer's: the best weights so far."""


@dataclass(frozen=True)
class Dev:
    """Rows that an epoch is scored on."""

    head: Head
    reader: Reader
    rows: pa.Table

    def score(self) -> Figures:
        """The head's figures of the model as it is."""
        return self.head.score(self.reader, self.rows)


class ScoredTrainer(ModularTrainer):
    """Takes the arguments of ModularTrainer, and `dev`, which the first worker scores for all."""

    def __init__(self, *arguments: Any, dev: Dev, **named: Any) -> None:  # noqa: ANN401
        self._dev = dev
        super().__init__(
            *arguments,
            **named,
            eval_strategy="epoch",
            metric_for_best_model=dev.head.selects,
            greater_is_better=not dev.head.falls,
        )
        self.add_callback(ScoreMissedEpoch(self))

    def evaluate(self, *_: object, **__: object) -> dict[str, float]:
        """Dev figures: each language's, and their mean under the figure's own name."""
        metrics: dict[str, float] = {}
        for name, scores in agreed(self._dev.score).items():
            metrics[f"eval_{name}"] = float(np.mean(list(scores.values())))
            metrics |= {f"eval_{name}/{language}": score for language, score in scores.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def score_missed(self) -> None:
        """Score the epoch that has just ended, if it was not."""
        steps = -(-len(self._batches) // self.args.gradient_accumulation_steps)
        step = self.state.global_step
        scored = {
            entry["step"]
            for entry in self.state.log_history
            if f"eval_{self._dev.head.selects}" in entry
        }
        if step and step % steps == 0 and step not in scored:
            self._determine_best_metric(self.evaluate(), None)


class ScoreMissedEpoch(TrainerCallback):
    """When a training resumes at the end of an epoch that was saved and not scored."""

    def __init__(self, trainer: ScoredTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """The weights are those of the checkpoint by now."""
        self._trainer.score_missed()


class KeepBest(TrainerCallback):
    """Copies the trained weights of `model` when the figure that the Trainer selects by is best.

    `metrics` are those of the best epoch. The best weights are written beside each checkpoint, and
    a training that resumes begins with what the checkpoint in `resume` kept.
    """

    def __init__(self, model: nn.Module, resume: Path | None) -> None:
        self.metrics: dict[str, float] = {}
        self.weights: dict[str, Tensor] = {}
        self._model = model
        if resume and (resume / BEST).exists():
            with safe_open(resume / BEST, framework="pt") as stored:
                self.metrics = json.loads(stored.metadata()["metrics"])
                self.weights = {name: stored.get_tensor(name) for name in stored.keys()}

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Copy the weights if they are the best so far."""
        figure = f"eval_{args.metric_for_best_model}"
        metrics = metrics or {}
        now, best = metrics[figure], self.metrics.get(figure)
        if best is None or (now > best if args.greater_is_better else now < best):
            self.metrics = dict(metrics)
            self.weights = trained(self._model)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Write them beside the checkpoint."""
        if state.is_world_process_zero and self.weights:
            metadata = {"metrics": json.dumps(self.metrics)}
            save_file(self.weights, saved_at(args, state) / BEST, metadata=metadata)


def figures_of(metrics: Mapping[str, float]) -> Figures:
    """The figures that `evaluate` put under names such as `eval_accuracy/de_DE`."""
    figures: Figures = {}
    for key, value in metrics.items():
        name, _, language = key.removeprefix("eval_").partition("/")
        if language:
            figures.setdefault(name, {})[language] = value
    return figures
