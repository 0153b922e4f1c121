"""What a training is to whoever runs it: examples in, weights out.

Enters: sources of rows and a function that learns from their examples. Leaves: what was learnt.
Holds: the function knows nothing of Ray, and whoever runs it knows nothing of what it learns; so a
training is the same in this process (`alone`) and on a cluster (`cluster.on_ray`). What was learnt
is forgotten by its runner only once the block that it was given to has ended well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from torch import Tensor

from pipeline.errors import InputError
from pipeline.training.collate import Example
from pipeline.training.heads.head import Figures
from pipeline.training.trainer import Worker


@dataclass(frozen=True)
class Source:
    """Rows, and what makes examples of some of them."""

    rows: pa.Table
    encode: Callable[[pa.Table], list[Example]]


@dataclass(frozen=True)
class Learnt:
    """Weights by name, dev figures if there are any, and the Trainer's log."""

    weights: dict[str, Tensor]
    figures: Figures
    history: list[dict[str, Any]]


Learn = Callable[[Mapping[str, Sequence[Example]], Worker], Learnt]
"""Of examples by source, on one worker."""
Run = Callable[[Learn, Mapping[str, Source]], AbstractContextManager[Learnt]]


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
