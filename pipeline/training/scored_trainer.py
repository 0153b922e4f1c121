"""A trainer that scores the dev rows after every epoch, and keeps the weights of the best."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipeline.training.heads import Figures, Head
from pipeline.training.learning import agreed, trained
from pipeline.training.schedule import saved_at
from pipeline.training.trainer import ModularTrainer

BEST = "best.safetensors"
"""In a checkpoint of the Trainer's: the best weights so far."""


class ScoredTrainer(ModularTrainer):
    """Takes the arguments of ModularTrainer, and what scores the dev rows of the first worker."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401
        head: Head,
        score: Callable[[], Figures],
        **named: Any,  # noqa: ANN401
    ) -> None:
        self._score = score
        self.best = KeepBest(self, named["worker"].resume)
        super().__init__(
            *arguments,
            **{**named, "callbacks": [self.best, *named["callbacks"]]},
            # Not "epoch", which scores after the last step was saved.
            eval_strategy="steps",
            metric_for_best_model=head.selects,
            greater_is_better=not head.falls,
        )

    def evaluate(self, *_: object, **__: object) -> dict[str, float]:
        """Dev figures: each language's, and their mean under the figure's own name."""
        self.figures = agreed(self._score)
        metrics: dict[str, float] = {}
        for name, scores in self.figures.items():
            metrics[f"eval_{name}"] = mean(scores)
            metrics |= {f"eval_{name}/{language}": score for language, score in scores.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics


class KeepBest(TrainerCallback):
    """Copies the trained weights when the figure that the Trainer selects by is best.

    `figures` are those of the best epoch. The best weights are written beside each checkpoint, and
    a training that resumes begins with what the checkpoint in `resume` kept.
    """

    def __init__(self, trainer: ScoredTrainer, resume: Path | None) -> None:
        self.figures: Figures = {}
        self.weights: dict[str, Tensor] = {}
        self._trainer = trainer
        if resume and (resume / BEST).exists():
            with safe_open(resume / BEST, framework="pt") as stored:
                self.figures = json.loads(stored.metadata()["figures"])
                self.weights = {name: stored.get_tensor(name) for name in stored.keys()}

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Copy the weights if they are the best so far."""
        figures, selects = self._trainer.figures, str(args.metric_for_best_model)
        now, best = (mean(one.get(selects, {})) for one in (figures, self.figures))
        if not self.figures or (now > best if args.greater_is_better else now < best):
            self.figures = figures
            self.weights = trained(cast(nn.Module, self._trainer.model))

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Write them beside the checkpoint."""
        if state.is_world_process_zero and self.weights:
            metadata = {"figures": json.dumps(self.figures)}
            save_file(self.weights, saved_at(args, state) / BEST, metadata=metadata)


def mean(scores: Mapping[str, float]) -> float:
    """Over languages; NaN without any."""
    return sum(scores.values()) / len(scores) if scores else math.nan
