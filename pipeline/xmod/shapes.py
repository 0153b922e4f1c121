"""Names and shapes of a checkpoint's weights, from the headers of its files; no weight is read."""

import re
from pathlib import Path

from safetensors import SafetensorError, safe_open

from pipeline.errors import CheckpointError
from pipeline.xmod.files import weight_files

ADAPTER = re.compile(r"\.adapter_modules\.([^.]+)\.")
"""The language of an adapter's weight, in its name."""
_DTYPES = {"F64", "F32", "F16", "BF16", "F8_E4M3"}
"""Those that transformers casts to the type of a run: no scales are read beside them."""
_BUFFERS = (".position_ids", ".token_type_ids")
"""Integers that transformers once saved with the weights, and makes by itself."""

Shapes = dict[str, tuple[int, ...]]
"""Name of a weight → its shape."""


def weight_shapes(folder: Path) -> Shapes:
    """The shapes of all weights, from the headers of the files; empty where there are no files.

    Raises CheckpointError where a file is incomplete, or where two have the same weight.
    """
    shapes: Shapes = {}
    for path in weight_files(folder):
        found = _header(path)
        if doubled := sorted(shapes.keys() & found.keys()):
            raise CheckpointError(
                f"{path} has {doubled[0]}, which another file of the checkpoint has too; expected "
                "each weight once. Copy the checkpoint again."
            )
        shapes |= found
    return shapes


def adapters_of(folder: Path) -> tuple[str, ...]:
    """The languages that have weights of an adapter in ``folder``, sorted."""
    found = map(ADAPTER.search, weight_shapes(folder))
    return tuple(sorted({adapter[1] for adapter in found if adapter}))


def without_prefix(shapes: Shapes) -> Shapes:
    """``shapes`` by the names in a bare encoder; in a model with a head they have a prefix."""
    return {name.removeprefix("roberta."): shape for name, shape in shapes.items()}


def _header(path: Path) -> Shapes:
    try:
        with safe_open(path, framework="np") as file:
            names = [key for key in file.keys() if not key.endswith(_BUFFERS)]
            slices = {key: file.get_slice(key) for key in names}
            strange = {one.get_dtype() for one in slices.values()} - _DTYPES
            shapes = {key: tuple(one.get_shape()) for key, one in slices.items()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a complete safetensors file: {error}. Copy the checkpoint again."
        ) from error
    if strange:
        raise CheckpointError(
            f"{path} has weights of type {', '.join(sorted(strange))}; expected "
            f"{', '.join(sorted(_DTYPES))}. Convert them to one of these."
        )
    return shapes
