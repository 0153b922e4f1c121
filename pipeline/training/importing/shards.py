"""Writes safetensors files tensor by tensor, with no more than one in memory.

The library's own writer takes a file's tensors all at once. The layout is the published one: the
length of a JSON header, the header, then the values in its order.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from pipeline.errors import CheckpointError
from pipeline.training.importing.weights import DTYPES, Weight, Weights
from pipeline.xmod.files import INDEX, WEIGHTS

SHARD_BYTES = 5_000_000_000
"""Largest file, unless a single weight is larger."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_ALIGNMENT = 8
_VALUES = 1 << 22
"""Values that are cast at a time, so that a weight is not in memory twice."""


def write_shards(
    weights: Weights,
    out: Path,
    dtype: torch.dtype | None,
    most: int = SHARD_BYTES,
    wrote: Callable[[int], None] = lambda count: None,
) -> None:
    """Write `weights` to `out`, as `dtype` where it is given; `wrote` is called with bytes.

    Raises CheckpointError for values that `dtype` cannot hold.
    """
    shards = list(_shards(weights, dtype, most))
    names = [WEIGHTS] if len(shards) == 1 else _numbered(len(shards))
    for name, shard in zip(names, shards, strict=True):
        _write(shard, out / name, dtype, wrote)
    if len(shards) > 1:
        places = {key: name for name, shard in zip(names, shards, strict=True) for key in shard}
        size = sum(_bytes(weight, dtype) for weight in weights.values())
        index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
        (out / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _numbered(count: int) -> list[str]:
    return [f"model-{number:05}-of-{count:05}.safetensors" for number in range(1, count + 1)]


def _shards(weights: Weights, dtype: torch.dtype | None, most: int) -> Iterator[Weights]:
    """`weights` in files of at most `most` bytes, those of the widest types first."""
    shard, held = Weights(), 0
    ordered = sorted(weights.items(), key=lambda one: (-(dtype or one[1].dtype).itemsize, one[0]))
    for name, weight in ordered:
        if shard and held + _bytes(weight, dtype) > most:
            yield shard
            shard, held = Weights(), 0
        shard[name] = weight
        held += _bytes(weight, dtype)
    yield shard


def _bytes(weight: Weight, dtype: torch.dtype | None) -> int:
    return weight.nbytes // weight.dtype.itemsize * (dtype or weight.dtype).itemsize


def _write(
    shard: Weights, path: Path, dtype: torch.dtype | None, wrote: Callable[[int], None]
) -> None:
    with path.open("wb") as file:
        header = _header(shard, dtype)
        file.write(len(header).to_bytes(8, "little") + header)
        for name, weight in shard.items():
            for values in torch.split(weight.read().reshape(-1), _VALUES):
                cast = _cast(name, values, dtype)
                file.write(cast.view(torch.uint8).numpy().data)
                wrote(values.nbytes)


def _header(shard: Weights, dtype: torch.dtype | None) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, weight in shard.items():
        start, end = end, end + _bytes(weight, dtype)
        header[name] = {
            "dtype": _NAMES[dtype or weight.dtype],
            "shape": list(weight.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % _ALIGNMENT)


def _cast(name: str, values: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    if dtype is None or values.dtype == dtype:
        return values
    cast = values.to(dtype)
    if not bool(cast.isfinite().all()) and bool(values.isfinite().all()):
        raise CheckpointError(
            f"The weight {name:.100} has the value {float(values.abs().max()):g}, which is more "
            f"than {dtype} can hold. Give --dtype bfloat16 or float32."
        )
    return cast
