"""What a training is to whoever runs it: examples in, weights out.

The function that learns knows nothing of Ray, and its runner nothing of what it learns: a training
is the same in this process (`alone`) and on a cluster (`cluster.on_ray`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeVar, cast

import pyarrow as pa
from torch import Tensor, distributed, nn
from transformers import TrainerCallback

from pipeline.errors import InputError
from pipeline.training.calibration import Calibration
from pipeline.training.collate import Example
from pipeline.training.heads.head import Figures

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Source:
    """Rows, and what makes examples of some of them."""

    rows: pa.Table
    encode: Callable[[pa.Table], list[Example]]


@dataclass(frozen=True)
class Worker:
    """One of the processes that train, and what it was told by whoever started it."""

    rank: int = 0
    gpu: bool = False
    """Whether it has a GPU of its own to train on."""
    scratch: Path = Path(gettempdir())
    """Where the Trainer writes its checkpoints, if it does."""
    resume: Path | None = None
    """A checkpoint of the Trainer's to go on from."""
    save_steps: int | None = None
    """Steps between checkpoints; None where nobody would resume."""
    callbacks: tuple[TrainerCallback, ...] = ()


@dataclass(frozen=True)
class Learnt:
    """Weights by name, dev figures if there are any, and the Trainer's log."""

    weights: dict[str, Tensor]
    figures: Figures
    history: list[dict[str, Any]]
    calibration: Calibration | None = None
    """Of a head with labels."""


Learn = Callable[[Mapping[str, Sequence[Example]], Worker], Learnt]
"""Trains on one worker, on its examples by source."""
Run = Callable[[Learn, Mapping[str, Source]], AbstractContextManager[Learnt]]
"""What was learnt may be forgotten by its runner once the block has ended well."""


@contextmanager
def alone(learn: Learn, sources: Mapping[str, Source]) -> Iterator[Learnt]:
    """Learn in this process, from all examples."""
    examples = {name: source.encode(source.rows) for name, source in sources.items()}
    require_examples(examples)
    yield learn(examples, Worker())


def require_examples(examples: Mapping[str, Sequence[Example]]) -> None:
    """Raise InputError where a source has none."""
    empty = [name for name, some in examples.items() if not some]
    if empty:
        raise InputError(
            f"No row of {', '.join(empty)} makes an example: each question or choice is longer "
            "than a window leaves room for. Shorten them."
        )


def trained(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the weights that are not frozen."""
    return {
        name: parameter.detach().cpu().clone().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def agreed(ask: Callable[[], Answer]) -> Answer:
    """What `ask` gives the first worker, on every worker."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return ask()
    told = [ask() if distributed.get_rank() == 0 else None]
    distributed.broadcast_object_list(told, src=0)
    return cast(Answer, told[0])
