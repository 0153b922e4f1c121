"""Weights where they lie: bytes of a file, of which one tensor is in memory at a time.

Enters: safetensors files. Leaves: `Weights`, from which any later step reads, renames or changes a
tensor without a look at the others.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from pipeline.errors import CheckpointError

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
"""Types of weights, by their names in safetensors."""
_FLOAT8 = "F8_E4M3"
"""Is read as bfloat16, which has all its values."""

BUFFERS = ("position_ids", "token_type_ids", "sentence_encoder.version", "num_batches_tracked")
"""Ends of the names of what libraries save beside weights, and make by themselves."""


@dataclass(frozen=True)
class Weight:
    """A tensor that is not in memory; equal ones are the same bytes of the same file."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    read: Callable[[], torch.Tensor] = field(compare=False, repr=False)
    place: tuple[str, int] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def digest(self) -> str:
        """The sha256 of its values, for comparing two without having both in memory."""
        values = self.read().reshape(-1).view(torch.uint8).numpy()
        return hashlib.sha256(values.data).hexdigest()


Weights = dict[str, Weight]
"""By name."""


@dataclass(frozen=True)
class Place:
    """Where a tensor lies in a file; `strides` count elements, as torch's do."""

    path: Path
    offset: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def weight(self) -> Weight:
        """The tensor as a `Weight`; CheckpointError where it has more values than bytes."""
        if math.prod(self.shape) > self._extent:
            raise CheckpointError(
                f"{self.path} has a tensor of shape {list(self.shape)} over {self._extent} stored "
                "values; expected as many values as it has places. Save its weights again."
            )
        return Weight(self.dtype, self.shape, self._read, (str(self.path), self.offset))

    @property
    def _extent(self) -> int:
        """Stored values from the first to the last one of the tensor."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))

    def _read(self) -> torch.Tensor:
        if 0 in self.shape:
            return torch.zeros(self.shape, dtype=self.dtype)
        count = self._extent * self.dtype.itemsize
        values = np.fromfile(self.path, np.uint8, count=count, offset=self.offset)
        if len(values) != count:
            raise CheckpointError(f"{self.path} was cut short while it was read. Copy it again.")
        flat = torch.from_numpy(values).view(self.dtype)
        return flat.as_strided(self.shape, self.strides).contiguous()


def safetensors_weights(path: Path) -> Weights:
    """The weights in `path`; raises CheckpointError where it is not a complete file."""
    start, header = _header(path)
    weights: Weights = {}
    for name, entry in header.items():
        if name.endswith(BUFFERS):
            continue
        shape = tuple(entry["shape"])
        offset, strides = start + entry["data_offsets"][0], contiguous_strides(shape)
        if entry["dtype"] == _FLOAT8:
            stored = Place(path, offset, torch.float8_e4m3fn, shape, strides).weight()
            weights[name] = _widened(stored)
        else:
            dtype = require_dtype(path, name, DTYPES.get(entry["dtype"], entry["dtype"]))
            weights[name] = Place(path, offset, dtype, shape, strides).weight()
    return weights


def _widened(weight: Weight) -> Weight:
    return replace(weight, dtype=torch.bfloat16, read=lambda: weight.read().bfloat16())


def require_dtype(path: Path, name: str, dtype: object) -> torch.dtype:
    """`dtype`, if it is one of weights; otherwise raises CheckpointError."""
    if isinstance(dtype, torch.dtype) and dtype in DTYPES.values():
        return dtype
    raise CheckpointError(
        f"{path} has {name} of type {dtype}; expected {', '.join(DTYPES)}: quantized weights are "
        "not read. Save the model in one of these types."
    )


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor of `shape` whose values lie in order."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the values begin, and what the header says of each tensor.

    The library has checked that the header's places fill the file.
    """
    try:
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a complete safetensors file: {error}. Copy the checkpoint again."
        ) from error
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return 8 + length, header
