"""A worker's share of the examples, out of the blocks of a Ray Dataset.

Enters: Arrow blocks of examples, in their order. Leaves: every n-th example, as a list of dicts.
Holds: all workers have as many, and the same ones after a restart; token ids are int32 arrays of
their own, 4 bytes a token, so that a share does not keep the blocks it came from.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.training.collate import Example


def share(blocks: Iterable[pa.Table], rank: int, size: int) -> list[Example]:
    """Every `size`-th example from that at `rank`; as many for each rank.

    Where they do not come out even, the last ranks get one of the first examples once more.
    """
    firsts: list[Example] = []
    own: list[Example] = []
    total = 0
    for block in blocks:
        for example in rows_of(block):
            if total < size:
                firsts.append(example)
            if total % size == rank:
                own.append(_kept(example))
            total += 1
    if len(own) * size < total:
        own.append(_kept(firsts[(len(own) * size + rank) % total]))
    return own


def rows_of(block: pa.Table) -> Iterator[Example]:
    """The rows of `block`; lists of numbers are views of its columns."""
    columns = [_values(block[name].combine_chunks()) for name in block.column_names]
    return (dict(zip(block.column_names, row, strict=True)) for row in zip(*columns, strict=True))


def _values(column: pa.Array) -> Sequence[Any]:
    if pa.types.is_list(column.type) and pa.types.is_integer(column.type.value_type):
        numbers = column.flatten().to_numpy()
        bounds = np.cumsum([0, *column.value_lengths().to_pylist()])
        return [numbers[first:last] for first, last in pairwise(bounds)]
    values: list[Any] = column.to_pylist()
    return values


def _kept(example: Example) -> Example:
    return {
        name: value.astype(np.int32) if isinstance(value, np.ndarray) else value
        for name, value in example.items()
    }
