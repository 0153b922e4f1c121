"""What a checkpoint says of itself, looked at before anything is built of it.

Enters: a checkpoint's folder. Leaves: its ``XmodConfig``, or a CheckpointError. What holds: weights
are whole safetensors files; nothing names code to run; each size that the config claims is the one
that the weights have, so that a number in a text file cannot fill the memory.
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

_MOST_BYTES = 64 << 20
"""Of a JSON file. A tokenizer of 250,000 pieces has 17 million; configs have thousands."""
_MOST_LABELS = 100_000
_LAYER = re.compile(r"(?:^|\.)encoder\.layer\.(\d+)\.")
_CODE = ("auto_map", "custom_pipelines")
"""Keys by which transformers finds Python files of a checkpoint."""

Shapes = dict[str, tuple[int, ...]]


def vetted_config(folder: Path) -> "XmodConfig":
    """The config in ``folder``; raises CheckpointError where anything in it cannot be trusted."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise CheckpointError(
            f"{folder} holds no *.safetensors; only that format is read, because others can run "
            "code. Convert the weights with save_pretrained(safe_serialization=True)."
        )
    shapes = {name: shape for path in weights for name, shape in _shapes(path).items()}
    for path in sorted(folder.glob("*.json")):
        _require_no_code(path)
    config = _read_config(folder)
    _require_sizes(folder, config, shapes)
    return config


def _shapes(path: Path) -> Shapes:
    """The shapes of a file's tensors, from its header."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is no complete safetensors file: {error}. Copy the checkpoint again."
        ) from error


def _require_no_code(path: Path) -> None:
    if path.stat().st_size > _MOST_BYTES:
        raise CheckpointError(
            f"{path} has {path.stat().st_size} bytes; expected at most {_MOST_BYTES}. Is it a "
            "checkpoint's file at all?"
        )
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no JSON that can be read: {type(error).__name__}. Copy the checkpoint "
            "again."
        ) from error
    named = [key for key in _CODE if isinstance(values, dict) and values.get(key)]
    if named:
        raise CheckpointError(
            f"{path} names code of its own ({named[0]}: {values[named[0]]!r:.200}), which is never "
            "run. X-MOD needs none: take the key out, if you trust the rest of the checkpoint."
        )


def _read_config(folder: Path) -> "XmodConfig":
    from transformers import XmodConfig  # imports torch

    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} has no config.json; save it there with the weights.")
    values: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    if values.get("model_type") != "xmod":
        raise CheckpointError(
            f"{folder} is a checkpoint of type {values.get('model_type')!r}; expected 'xmod'."
        )
    labels = values.get("num_labels", 0)  # transformers makes as many names
    if not isinstance(labels, int) or not 0 <= labels <= _MOST_LABELS:
        raise CheckpointError(
            f"{folder}/config.json has num_labels {labels!r:.50}; expected a number up to "
            f"{_MOST_LABELS}."
        )
    try:
        return XmodConfig.from_dict(values)
    except (StrictDataclassError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{folder}/config.json is no config of an X-MOD: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}. Save the model's own there."
        ) from error


def _require_sizes(folder: Path, config: "XmodConfig", shapes: Shapes) -> None:
    """Compare what the config claims with what the weights are."""
    layers = {int(found[1]) for name in shapes if (found := _LAYER.search(name))}
    words = _shape_of(folder, "embeddings.word_embeddings.weight", shapes)
    positions = _shape_of(folder, "embeddings.position_embeddings.weight", shapes)
    inner = _shape_of(folder, ".intermediate.dense.weight", shapes)
    claimed = {
        "vocab_size": words[0],
        "hidden_size": words[1],
        "max_position_embeddings": positions[0],
        "intermediate_size": inner[0],
        "num_hidden_layers": len(layers),
    }
    for name, size in claimed.items():
        if getattr(config, name) != size:
            raise CheckpointError(
                f"{folder}/config.json has {name} {getattr(config, name)!r:.50}; its weights have "
                f"{size}. They belong to different checkpoints; copy this one again."
            )


def _shape_of(folder: Path, ending: str, shapes: Shapes) -> tuple[int, ...]:
    found = next((shape for name, shape in shapes.items() if name.endswith(ending)), None)
    if found is None or len(found) != 2:
        raise CheckpointError(
            f"{folder} has no matrix …{ending.lstrip('.')} in its weights, but {len(shapes)} "
            "others: they are not an X-MOD's, or the checkpoint is incomplete. Copy it again."
        )
    return found
