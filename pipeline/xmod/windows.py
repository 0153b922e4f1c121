"""Windows of a text, and how results of its windows become one.

Enters: token ids and spans of each window of a text. Leaves: token results in text order without
doubles; means weighted by tokens. What holds: neighbouring windows share exactly ``stride`` tokens,
apart from one special token at each end of a window (XLM-R's ``<s>`` and ``</s>``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class WindowTokenizer:
    """A fast tokenizer as its ``tokenizer.json``, and how many tokens a window may hold."""

    definition: str
    length: int


@dataclass(frozen=True)
class Window:
    """Token ids [tokens] and code-point spans [tokens] in the text, special tokens included.

    ``choice`` is which of a record's choices it is about, where it has some.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    choice: int = 0

    def __len__(self) -> int:
        return len(self.ids)


def text_tokens(windows: Sequence[int], stride: int) -> int:
    """Tokens of a text whose windows have these lengths: specials and overlaps not counted."""
    return sum(length - 2 for length in windows) - stride * (len(windows) - 1)


def stitched(
    columns: Sequence[NDArray[Number]], stride: int, *, from_first: int | None = None
) -> NDArray[Number]:
    """One value a token of the text, from one array [tokens, …] a window.

    Where two windows overlap by ``stride`` tokens, the first gives ``from_first`` of them; by
    default half, so that each gives those nearer to its middle, where a token has more context.
    """
    taken = stride // 2 if from_first is None else from_first
    last = len(columns) - 1
    parts = [
        column[1 + (taken if index else 0) : len(column) - 1 - (stride - taken) * (index < last)]
        for index, column in enumerate(columns)
    ]
    return np.concatenate(parts)


def weighted_mean(
    values: Sequence[NDArray[np.float32]], windows: Sequence[Window]
) -> NDArray[np.float32]:
    """The mean of the windows' vectors, weighted by the tokens of each."""
    weights = np.array([len(window) for window in windows], dtype=np.float64)
    mean = np.average(np.stack(values), axis=0, weights=weights)
    return np.asarray(mean, dtype=np.float32)
