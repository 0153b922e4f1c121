"""A trainer that scores the dev rows after every epoch.

Enters: dev rows, and the head that scores them. Leaves: figures in the Trainer's log.
Holds: the first worker scores for all; an epoch whose scoring a restart cut off is scored before
training goes on, so that each epoch may be the best.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipeline.training.agreement import agreed
from pipeline.training.heads import Figures, Head
from pipeline.training.inference import Reader
from pipeline.training.trainer import ModularTrainer


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
    """Takes the arguments of ModularTrainer, and `dev`."""

    def __init__(self, *arguments: Any, dev: Dev, **named: Any) -> None:  # noqa: ANN401
        self._dev = dev
        super().__init__(
            *arguments,
            **named,
            eval_strategy="epoch",
            metric_for_best_model=dev.head.selects,
            greater_is_better=not dev.head.falls,
        )
        self.add_callback(ScoreWhatWasMissed(self))

    def evaluate(self, *_: object, **__: object) -> dict[str, float]:
        """Dev figures: each language's, and their mean under the figure's own name."""
        figures = agreed(self._dev.score)
        metrics = {f"eval_{name}": mean(scores) for name, scores in figures.items()} | {
            f"eval_{name}/{language}": score
            for name, scores in figures.items()
            for language, score in scores.items()
        }
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


class ScoreWhatWasMissed(TrainerCallback):
    """When a training resumes at the end of an epoch that was saved and not scored."""

    def __init__(self, trainer: ScoredTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """The weights are those of the checkpoint by now."""
        self._trainer.score_missed()


def mean(scores: dict[str, float]) -> float:
    """Over languages."""
    return float(np.mean(list(scores.values())))


def figures_of(metrics: Mapping[str, float]) -> Figures:
    """The figures that `evaluate` put under names such as `eval_accuracy/de_DE`."""
    figures: Figures = {}
    for key, value in metrics.items():
        name, _, language = key.removeprefix("eval_").partition("/")
        if language:
            figures.setdefault(name, {})[language] = value
    return figures
