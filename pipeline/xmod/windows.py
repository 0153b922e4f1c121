"""Windows of a text, and how the results of its windows become one.

Neighbouring windows share exactly ``stride`` tokens, besides one special token at each end of a
window (XLM-R's ``<s>`` and ``</s>``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class WindowTokenizer:
    """A fast tokenizer as its ``tokenizer.json``, and the number of tokens a window may have.

    ``mask`` is its mask token as a text spells it.
    """

    definition: str
    length: int
    mask: str | None = None


@dataclass(frozen=True)
class Window:
    """Token ids and code-point spans in the text, [tokens] each, special tokens included.

    ``choice`` is the position of the record's choice that is in the window.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    choice: int = 0

    def __len__(self) -> int:
        return len(self.ids)


def text_tokens(windows: Sequence[int], stride: int) -> int:
    """Tokens of a text with windows of these lengths, without special tokens and overlaps."""
    return sum(length - 2 for length in windows) - stride * (len(windows) - 1)


def stitched(
    columns: Sequence[NDArray[Number]], stride: int, *, from_first: int | None = None
) -> NDArray[Number]:
    """One value for each token of a text, from an array [tokens, …] for each of its windows.

    Of the ``stride`` tokens that two windows share, the first window gives ``from_first``; by
    default half, so that a token's value is from the window that has more context for it.
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
    """The mean of the windows' vectors, weighted by their numbers of tokens."""
    weights = np.array([len(window) for window in windows], dtype=np.float64)
    mean = np.average(np.stack(values), axis=0, weights=weights)
    return np.asarray(mean, dtype=np.float32)
