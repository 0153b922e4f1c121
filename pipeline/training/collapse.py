"""Watches for the encoder's collapse, from which training does not come back.

Enters: the model while it trains, and one window. Leaves: a log line at each of the Trainer's.
Holds: where all tokens get one hidden state, which too high a learning rate brings about in
post-norm encoders, training stops with an error; the loss alone looks like a long plateau.
"""

import logging
from functools import partial

import torch
from transformers import (
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    XmodForMaskedLM,
)

from pipeline.errors import CheckpointError
from pipeline.training.agreement import agreed
from pipeline.training.collate import Example

logger = logging.getLogger(__name__)

LEAST_SPREAD = 0.01
"""Layer norm sets states to about 1; deviating less between tokens, they tell nothing."""


def spread(model: XmodForMaskedLM, window: Example) -> float:
    """Standard deviation of the last hidden states over a window's tokens, mean over features."""
    training = model.training
    model.train(False)  # or dropout would tell tokens apart
    with torch.inference_mode():
        hidden = model.roberta(
            input_ids=torch.tensor([window["input_ids"].tolist()], device=model.device),
            lang_ids=torch.tensor([window["lang_id"]], device=model.device),
        ).last_hidden_state[0]
    model.train(training)
    return float(hidden.std(dim=0).mean())


class RefuseCollapse(TrainerCallback):
    """Ends training with a CheckpointError once the encoder has collapsed."""

    def __init__(self, model: XmodForMaskedLM, window: Example) -> None:
        self._model = model
        self._window = window

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Log the spread, or stop."""
        now = agreed(partial(spread, self._model, self._window))
        if state.is_world_process_zero:
            logger.info("step %d: spread of hidden states %.4f", state.global_step, now)
        if now < LEAST_SPREAD:
            raise CheckpointError(
                f"The encoder collapsed by step {state.global_step}: hidden states differ by "
                f"{now:.1e} between tokens, at least {LEAST_SPREAD} was expected. "
                "Lower optimisation.learning_rate or lengthen the warm-up."
            )
