"""Weights that are pages of a file, and copies of them in another number format.

A copy is made when it is first needed, weight by weight, and the pages that it was made of are
given back: an actor holds the copy alone, and only of what its texts need.
"""

import copy
import ctypes
import mmap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

_DROP = getattr(mmap, "MADV_DONTNEED", None)
_AROUND = 2 << 20
"""Bytes that a kernel may map at once around a page that is read."""
_ROWS = 32
"""Rows of an embedding that are cast together."""


class Pages:
    """The pages of ``files`` that ``weights`` are mapped from, as Linux tells; nowhere else any."""

    def __init__(self, files: Sequence[Path] = (), weights: Collection[Tensor] = ()) -> None:
        self._mapped = list(_ranges(files))
        self._weights = tuple(weights)  # as long as they live, their addresses are of the files

    def release(self, weight: Tensor) -> None:
        """Give back the pages of ``weight``, if it is mapped; later reads map them again.

        Does nothing to a weight that is in the process's own memory.
        """
        start, stop = weight.data_ptr(), weight.data_ptr() + weight.nbytes
        found = next((one for one in self._mapped if one[0] <= start and stop <= one[1]), None)
        if found is not None:
            first = max(found[0], start // _AROUND * _AROUND)
            _drop(first, min(found[1], -(-stop // _AROUND) * _AROUND))

    def release_all(self) -> None:
        """Give back all pages; loading reads around the beginning of each weight."""
        for first, last in self._mapped:
            _drop(first, last)


def _drop(first: int, last: int) -> None:
    if _DROP is not None:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _DROP)


def _ranges(files: Sequence[Path]) -> Iterator[tuple[int, int]]:
    """The addresses at which ``files`` are mapped."""
    maps = Path("/proc/self/maps")
    names = {str(file.resolve()) for file in files}
    for line in maps.read_text().splitlines() if names and maps.exists() else ():
        addresses, *_, name = line.split(maxsplit=5)
        if name in names:
            first, last = (int(address, 16) for address in addresses.split("-"))
            yield first, last


@dataclass(frozen=True)
class Conversion:
    """The ``dtype`` to cast weights to; ``pages`` are those that they are mapped from, if any."""

    dtype: torch.dtype
    pages: Pages = field(default_factory=Pages)


def cast(linear: nn.Linear, dtype: torch.dtype) -> nn.Linear:
    """``linear`` in ``dtype``: itself, if it is, else a copy."""
    if all(weight.dtype == dtype for weight in linear.parameters()):
        return linear
    copied = copy.copy(linear)
    copied._parameters = {
        name: nn.Parameter(weight.detach().to(dtype), requires_grad=False)
        for name, weight in linear.named_parameters()
    }
    return copied


class CastEmbedding(nn.Module):
    """An embedding by ``conversion``, whose rows are cast when a token of theirs first comes.

    Two lanes may cast the same rows at once; both write the same values.
    """

    def __init__(self, source: nn.Embedding, conversion: Conversion) -> None:
        super().__init__()
        self._pages = conversion.pages
        self._source = source.weight.detach()
        # Takes no memory until it is written to.
        self._rows = torch.empty(self._source.shape, dtype=conversion.dtype)
        self._ready = torch.zeros(-(-len(self._source) // _ROWS), dtype=torch.bool)

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids of any shape [...] → [..., hidden]."""
        needed = torch.unique(ids // _ROWS)
        if missing := needed[~self._ready[needed]].tolist():
            for block in missing:
                rows = slice(block * _ROWS, (block + 1) * _ROWS)
                self._rows[rows] = self._source[rows]
                self._ready[block] = True
            self._pages.release(self._source)
        return embedding(ids, self._rows)
