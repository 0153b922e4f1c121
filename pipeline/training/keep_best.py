"""The weights of the best epoch, kept through whatever becomes of the training.

Enters: the Trainer's dev figures after each epoch. Leaves: the trained weights of the best one.
Holds: the best weights are written beside each checkpoint, so that a training that resumes still
has them; only weights that are trained are kept.
"""

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipeline.training.schedule import saved_at

BEST = "best.safetensors"
"""In a checkpoint of the Trainer's: the best weights so far."""


class KeepBest(TrainerCallback):
    """Copies the trained weights of `model` when the figure that the Trainer selects by is best.

    `metrics` are those of the best epoch. Begins with what the checkpoint in `resume` kept.
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
        now = (metrics or {})[figure]
        best = self.metrics.get(figure)
        if best is None or (now > best if args.greater_is_better else now < best):
            self.metrics = dict(metrics or {})
            self.weights = trained(self._model)

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Write them beside the checkpoint."""
        if state.is_world_process_zero and self.weights:
            metadata = {"metrics": json.dumps(self.metrics)}
            save_file(self.weights, saved_at(args, state) / BEST, metadata=metadata)


def trained(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the weights that are not frozen."""
    return {
        name: parameter.detach().cpu().clone().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
