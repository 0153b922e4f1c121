"""The checkpoint that a training goes on from, or that is scored.

Enters: a folder, or a hub's name with its commit. Leaves: a checkpoint that passed the checks of
annotating, and a model of plain transformers. What holds: only vetted files are read, no tokenizer
is made up, and a head of another task is left out aloud.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from transformers import PreTrainedModel, XmodConfig

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError
from pipeline.training.settings import Base
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint, reopen_checkpoint
from pipeline.xmod.heads import HEADS
from pipeline.xmod.loading import weights_of
from pipeline.xmod.model_config import CALIBRATION
from pipeline.xmod.shapes import Shapes, adapters_of, weight_shapes
from pipeline.xmod.transformers_logging import silence_transformers
from pipeline.xmod.vetting import require_adapters

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=PreTrainedModel)

_ENCODER = ("roberta", "embeddings", "encoder", "pooler")
"""How the names of weights begin that are no head's."""


def opened(base: Base, key: str = "base", given: Sequence[str] = ()) -> Checkpoint:
    """The checkpoint, with a tokenizer that fits; raises CheckpointError where it is unfit.

    ``key`` is what the config calls it; with ``given`` languages it may be an XLM-R.
    """
    checkpoint = open_checkpoint(settings_of(base), key, given)
    _ = checkpoint.tokenizer  # is checked when it is first read
    # An adapter that lacks a weight would get a random one.
    require_adapters(checkpoint.folder, checkpoint.config, adapters_of(checkpoint.folder))
    return checkpoint


def reopened(checkpoint: Checkpoint, base: Base) -> Checkpoint:
    """What ``opened`` gave the command, as the machine of a worker has it."""
    return reopen_checkpoint(checkpoint, settings_of(base))


def settings_of(base: Base) -> ModelSettings:
    """A path alone is that of a folder, or a hub's name without its commit."""
    return base if isinstance(base, ModelSettings) else ModelSettings(path=str(base))


def load(
    checkpoint: Checkpoint, kind: type[ModelT], changes: Mapping[str, object], *without: str
) -> tuple[ModelT, list[str]]:
    """The model of the class ``kind`` in float32, and the names of weights that are new in it.

    ``changes`` are to its config; weights whose names begin with one of ``without`` are left out.
    So is a temperature, which was learnt for these weights alone. float32 weights are mapped from
    their files until they are trained.
    """
    values = {**checkpoint.config.to_dict(), **changes}
    values.pop(CALIBRATION, None)
    config = XmodConfig.from_dict(values)
    silence_transformers()
    loaded: Any = kind.from_pretrained(
        None,  # no folder: transformers looks for no files
        config=config,
        state_dict=weights_of(checkpoint, lambda name: name.partition(".")[0] not in without),
        dtype=torch.float32,
        output_loading_info=True,
    )
    model, info = loaded
    return model, sorted(info["missing_keys"])


def foreign_head(checkpoint: Checkpoint, architecture: str, labels: Sequence[str]) -> list[str]:
    """The parts of the checkpoint's head that a model of ``architecture`` cannot go on with.

    It can where all weights are there in the same shapes, for the same labels in the same order.
    """
    config = checkpoint.config
    wanted = HEADS[architecture](config.hidden_size, config.vocab_size, len(labels) or 2)
    found = _head(weight_shapes(checkpoint.folder))
    own = {name.partition(".")[0] for name in _head(wanted)}
    fits = all(found.get(name) == shape for name, shape in _head(wanted).items())
    kept = own if fits and (not labels or tuple(labels) == checkpoint.labels) else set()
    return sorted({name.partition(".")[0] for name in found} - kept)


def tell_of_head(checkpoint: Checkpoint, parts: Sequence[str]) -> None:
    """Log which head is left out, unless it is that of masked-LM pre-training."""
    if own := [part for part in parts if part != "lm_head"]:
        logger.info(
            "%s is a %s: its head (%s) is left out, and a new one is trained",
            checkpoint.folder,
            ", ".join(checkpoint.config.architectures or ["checkpoint of another task"]),
            ", ".join(own),
        )


def require_whole(checkpoint: Checkpoint, missing: Sequence[str], task: str) -> None:
    """Raise CheckpointError where a model that is used as it is lacks weights of its head."""
    if missing:
        raise CheckpointError(
            f"{checkpoint.folder} has no head for task {task}: weights {missing[0]!r} are missing. "
            f"Its architecture is {checkpoint.config.architectures}."
        )


def _head(shapes: Shapes) -> Shapes:
    return {name: s for name, s in shapes.items() if name.partition(".")[0] not in _ENCODER}
