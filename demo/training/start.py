"""How a narrow new model begins, and the watch for its collapse.

As transformers draws it, an encoder of 192 features that is trained for an hour on two cores learns
slowly, or collapses: all tokens get one hidden state, from which training does not come back.
"""

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from transformers import (
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    XmodForMaskedLM,
)

from pipeline.errors import CheckpointError
from pipeline.training.collate import Example
from pipeline.training.learning import agreed

logger = logging.getLogger(__name__)

WORD_SIZE = 0.25
"""Size of new word embeddings beside other new weights."""
POSITION_SIZE = 3.0
"""Size of new position embeddings beside new word embeddings."""
LEAST_SPREAD = 0.01
"""Layer norm sets states to about 1; deviating less between tokens, they tell nothing."""


def start_from_content(model: XmodForMaskedLM) -> None:
    """Let a new model's embeddings tell words apart, and neighbours from what is far away.

    As drawn, the one token type has the same share in a token's vector as its word, so that texts'
    means are nearly one vector; and positions that are drawn at random tell nothing of distance,
    which attention needs to find a token's neighbours. So the type starts at 0, and positions as
    sinusoids (Vaswani et al., "Attention Is All You Need", NeurIPS 2017) around 0, three times
    as large as words. Words start at a quarter of `initializer_range`: the smaller they are, the
    more one step of Adam tells of them, and a rare word gets few steps.
    """
    embeddings = model.roberta.embeddings
    words = embeddings.word_embeddings.weight
    with torch.no_grad():
        words.mul_(WORD_SIZE)
        embeddings.token_type_embeddings.weight.zero_()
        places = sinusoids(*embeddings.position_embeddings.weight.shape)
        places -= places.mean(dim=0)
        size = POSITION_SIZE * words.std() / places.std()
        embeddings.position_embeddings.weight.copy_(size * places)


def sinusoids(positions: int, features: int) -> Tensor:
    """float32 [positions, features]: sines, then cosines, of falling frequency."""
    frequencies = 10_000 ** (-torch.arange(0, features, 2) / features)
    angles = torch.arange(positions).unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :features]


def start_from_frequencies(model: XmodForMaskedLM, windows: Sequence[Example]) -> None:
    """Set the output bias to the tokens' log frequencies.

    A model without it first learns them, by driving all hidden states to one constant vector.
    """
    ids = np.concatenate([window["input_ids"] for window in windows])
    counts = np.bincount(ids, minlength=model.config.vocab_size) + 0.5
    with torch.no_grad():
        model.lm_head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))


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
    """Ends training with a CheckpointError once the encoder has collapsed.

    Too high a learning rate brings it about; the loss alone looks like a long plateau.
    """

    def __init__(self, model: XmodForMaskedLM, window: Example) -> None:
        self._model = model
        self._window = window

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
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
