"""Checks a checkpoint before anything is built from it.

Enters: a checkpoint's folder. Leaves: its ``XmodConfig``, or a CheckpointError. What holds: weights
are complete safetensors files; no file names code to run; each size in the config is that of the
weights, so that a number in a text file cannot fill the memory.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open

from pipeline.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import XmodConfig

_MAX_JSON_BYTES = 64 << 20
"""A tokenizer of 250,000 pieces takes 17 million bytes, a config some thousands."""
_MAX_LABELS = 100_000
_LAYER = re.compile(r"(?:^|\.)encoder\.layer\.(\d+)\.")
_SIZES = {
    "vocab_size": ("embeddings.word_embeddings.weight", 0),
    "hidden_size": ("embeddings.word_embeddings.weight", 1),
    "max_position_embeddings": ("embeddings.position_embeddings.weight", 0),
    "intermediate_size": ("intermediate.dense.weight", 0),
}
"""Size in the config → the matrix that has it, by the end of its name, and the axis."""
_CODE = ("auto_map", "custom_pipelines")
"""Keys by which transformers finds Python files of a checkpoint."""

Shapes = dict[str, tuple[int, ...]]
"""Name of a weight → its shape."""


def vetted_config(folder: Path) -> "XmodConfig":
    """The config in ``folder``; raises CheckpointError where a file fails a check."""
    shapes = weight_shapes(folder)
    if not shapes:
        raise CheckpointError(
            f"{folder} has no *.safetensors; no other format is read, because others can run "
            "code. Convert the weights with save_pretrained(safe_serialization=True)."
        )
    for path in sorted(folder.glob("*.json")):
        _require_no_code(path)
    config = _read_config(folder)
    _require_sizes(folder, config, shapes)
    return config


def weight_shapes(folder: Path) -> Shapes:
    """The shapes of all weights, from the headers of the files; empty where there are no files.

    Raises CheckpointError where a file is incomplete.
    """
    shapes: Shapes = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="np") as file:
                shapes |= {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{path} is not a complete safetensors file: {error}. Copy the checkpoint again."
            ) from error
    return shapes


def _require_no_code(path: Path) -> None:
    size = path.stat().st_size
    if size > _MAX_JSON_BYTES:
        raise CheckpointError(
            f"{path} has {size} bytes; expected at most {_MAX_JSON_BYTES}. Check that it belongs "
            "to the checkpoint."
        )
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not readable JSON: {type(error).__name__}. Copy the checkpoint again."
        ) from error
    named = [key for key in _CODE if isinstance(values, dict) and values.get(key)]
    if named:
        raise CheckpointError(
            f"{path} names code of its own ({named[0]}: {values[named[0]]!r:.200}), which is never "
            "run. X-MOD needs none: if you trust the rest of the checkpoint, remove the key."
        )


def _read_config(folder: Path) -> "XmodConfig":
    from transformers import XmodConfig  # imports torch

    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} has no config.json; save it there with the weights.")
    values: dict[str, Any] = json.loads(path.read_bytes())
    if values.get("model_type") != "xmod":
        raise CheckpointError(
            f"{folder} is a checkpoint of type {values.get('model_type')!r}; expected 'xmod'."
        )
    labels = values.get("num_labels", 0)  # transformers makes as many names
    if not isinstance(labels, int) or not 0 <= labels <= _MAX_LABELS:
        raise CheckpointError(
            f"{path} has num_labels {labels!r:.50}; expected an integer from 0 to {_MAX_LABELS}."
        )
    try:
        return XmodConfig.from_dict(values)
    except (StrictDataclassError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is not a valid X-MOD config: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}. Save the model's own config there."
        ) from error


def _require_sizes(folder: Path, config: "XmodConfig", shapes: Shapes) -> None:
    """Raise CheckpointError where a size in the config differs from that of the weights."""
    sizes = {name: _size(folder, *where, shapes) for name, where in _SIZES.items()}
    layers = {found[1] for name in shapes if (found := _LAYER.search(name))}
    for name, size in {**sizes, "num_hidden_layers": len(layers)}.items():
        if getattr(config, name) != size:
            raise CheckpointError(
                f"{folder}/config.json has {name} {getattr(config, name)!r:.50}; its weights have "
                f"{size}. They belong to different checkpoints; copy this one again."
            )


def _size(folder: Path, ending: str, axis: int, shapes: Shapes) -> int:
    shape = next((shape for name, shape in shapes.items() if name.endswith(ending)), ())
    if len(shape) != 2:
        raise CheckpointError(
            f"{folder} has no matrix …{ending} among its {len(shapes)} weights: they are not an "
            "X-MOD's, or the checkpoint is incomplete. Copy it again."
        )
    return shape[axis]
