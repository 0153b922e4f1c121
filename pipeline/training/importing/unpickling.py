"""A script that finds where the tensors of a pickled checkpoint lie, and prints it as JSON.

It runs in a process of its own with a limit on its memory, and imports nothing of this package.
Enters: the path of a file that ``torch.save`` wrote, and one for a copy. Leaves: a line of JSON
with ``path``, ``tensors`` and ``settings``, or with ``error``. What holds: torch's restricted
unpickler reads the file, which calls no code that the file names; no tensor is loaded from a zip
archive, whose data the importing process then reads by offset.
"""

import json
import os
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import torch

_HEADROOM = 1 << 30
"""Bytes of address space beyond those of torch: names and shapes take some millions."""
_DEPTH = 6
_NAMED = re.compile(r"GLOBAL (?:<class ')?([\w.]+)|unrecognized function (?:<.*? )?(\S+)")
"""The name that torch's message is about."""
_WRAPPERS = ("model", "state_dict", "model_state_dict", "module")
"""Keys under which trainers save a state dict beside other things."""
_INERT = (
    "argparse.Namespace",
    *(f"omegaconf.{name}" for name in ("dictconfig.DictConfig", "listconfig.ListConfig")),
    *(f"omegaconf.base.{name}" for name in ("ContainerMetadata", "Metadata", "SCMode")),
    *(f"omegaconf.nodes.{kind}Node" for kind in ("Any", "String", "Integer", "Float", "Boolean")),
    *("typing.Any", "typing.Union", "typing.Optional", "collections.defaultdict"),
    *(f"builtins.{name}" for name in ("dict", "list", "tuple", "int", "float", "str", "bool")),
)
"""Names in fairseq's checkpoints. None of them is imported: a `_Record` stands for each."""


class _Record:
    """Keeps the attributes that a pickle sets, and does nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass


def main(path: str, copy: str) -> None:
    """Print what is in `path`; a file that is no archive is saved as one in `copy`."""
    try:
        found = _found(path, copy)
    except MemoryError:
        found = {"error": "it needs more memory than its size accounts for"}
    except Exception as error:  # whatever a file makes of torch's loader
        found = {"error": _reason(error)}
    sys.stdout.write(json.dumps(found) + "\n")


def _found(path: str, copy: str) -> dict[str, Any]:
    _limit(_HEADROOM)
    torch.serialization.add_safe_globals([(_Record, name) for name in _INERT])
    if zipfile.is_zipfile(path) and (found := _index(path)) is not None:
        return found
    # Written by torch before 1.6, or with compressed data: loaded as a whole, within its size.
    _limit(_HEADROOM + 2 * os.path.getsize(path))
    torch.save(torch.load(path, map_location="cpu", weights_only=True), copy)
    return _index(copy) or {"error": "its tensors are not where its index says"}


def _limit(more: int) -> None:
    """Let this process have `more` bytes of address space than it has now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = now + more
    resource.setrlimit(
        resource.RLIMIT_AS, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
    )


def _index(path: str) -> dict[str, Any] | None:
    """Names and places of all tensors in the archive `path`; None where they are not plain."""
    records = dict(_records(path))
    loaded = torch.load(path, map_location="meta", weights_only=True)
    tensors = {}
    for name, tensor in _state_dict(loaded).items():
        if isinstance(tensor, torch.Tensor):
            place = _place(tensor, records)
            if place is None:
                return None
            tensors[str(name)] = place
    settings = {key: _plain(loaded[key], 0) for key in ("cfg", "args") if key in loaded}
    return {"path": path, "tensors": tensors, "settings": settings}


def _records(path: str) -> Iterator[tuple[int, int]]:
    """Offset and size of each member of the archive that is not compressed."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for member in archive.infolist():
            file.seek(member.header_offset + 26)
            lengths = file.read(4)
            names = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
            if member.compress_type == zipfile.ZIP_STORED:
                yield member.header_offset + 30 + names, member.file_size


def _place(tensor: torch.Tensor, records: dict[int, int]) -> dict[str, Any] | None:
    storage = tensor.untyped_storage()
    offset = storage._checkpoint_offset
    if offset is None:
        return None
    shape, strides = list(tensor.shape), list(tensor.stride())
    start = tensor.storage_offset()
    last = start + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    size = tensor.element_size()
    if tensor.layout != torch.strided or (last + 1) * size > records.get(offset, 0):
        return None
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"offset": offset + start * size, "dtype": dtype, "shape": shape, "strides": strides}


def _state_dict(loaded: object) -> dict[Any, Any]:
    if not isinstance(loaded, dict):
        raise TypeError(f"it holds a {type(loaded).__name__}, not tensors by name")
    inner = (loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), dict))
    return next(inner, loaded)


def _plain(value: object, depth: int) -> Any:  # noqa: ANN401 - JSON
    """The scalars, lists and mappings in `value`; omegaconf's nodes as what they hold."""
    if isinstance(value, _Record):
        held = vars(value)
        inner = [held[key] for key in ("_content", "_val") if key in held]
        return _plain(inner[0] if inner else held, depth)
    if depth < _DEPTH and isinstance(value, dict):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    if depth < _DEPTH and isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    return value if isinstance(value, str | int | float | bool) else None


def _reason(error: Exception) -> str:
    """One line; torch's own runs over many and suggests to load the file unsafely."""
    text = str(error)
    if named := _NAMED.search(text):
        return f"its pickle names {named[1] or named[2]}, which is code; only tensors are read"
    if "memory" in text:
        return "it needs more memory than its size accounts for"
    return f"{type(error).__name__}: {' '.join(text.split())[:200]}"


if __name__ == "__main__":
    main(*sys.argv[1:])
