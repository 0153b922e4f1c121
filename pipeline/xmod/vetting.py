"""Checks a checkpoint before anything is built from it.

Enters: a checkpoint's folder. Leaves: its ``XmodConfig``, or a CheckpointError. What holds: weights
are complete safetensors files; no file names code to run; each size in the config is that of the
weights, so that a number in a text file cannot fill the memory; transformers can build the model.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import CheckpointError, on_one_line
from pipeline.xmod.files import CONFIG, head_file, read_json
from pipeline.xmod.importable import import_advice, import_command, is_importable
from pipeline.xmod.model_config import (
    encoder_shapes,
    read_config,
    read_head_config,
    require_kind,
)
from pipeline.xmod.shapes import ADAPTER, Shapes, adapters_of, weight_shapes, without_prefix

if TYPE_CHECKING:
    from transformers import XmodConfig

_LAYER = re.compile(r"(?:^|\.)encoder\.layer\.(\d+)\.")
_LANGUAGE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SIZES = {
    "vocab_size": ("embeddings.word_embeddings.weight", 0),
    "hidden_size": ("embeddings.word_embeddings.weight", 1),
    "max_position_embeddings": ("embeddings.position_embeddings.weight", 0),
    "type_vocab_size": ("embeddings.token_type_embeddings.weight", 0),
    "intermediate_size": ("intermediate.dense.weight", 0),
}
"""Size in the config → the matrix that has it, by the end of its name, and the axis."""
_CODE = ("auto_map", "custom_pipelines", "quantization_config", "attn_implementation")
"""Keys by which transformers finds Python files of a checkpoint, or code elsewhere."""


def vetted_config(folder: Path, given: Sequence[str] = (), head: str | None = None) -> "XmodConfig":
    """The config in ``folder``, or of its ``head``; CheckpointError where a file fails a check.

    With ``given``, languages, it may be an XLM-R's, which has no adapters and gets those.
    """
    require_kind(folder, given)
    shapes = weight_shapes(folder)
    if not shapes:
        raise CheckpointError(
            f"{folder} has no *.safetensors weights (model.safetensors, or several with "
            "model.safetensors.index.json); no other format is read, because others can run "
            f"code. {_conversion(folder)}"
        )
    for path in sorted(folder.glob("*.json")):
        require_no_code(path, folder)
    config = read_config(folder, given)
    _require_sizes(folder, config, shapes)
    _require_values(folder / CONFIG, config)
    if not given or any(map(ADAPTER.search, shapes)):
        _require_languages(folder, config, shapes)
    _require_weights(folder, config, shapes)
    if head is not None:
        config = read_head_config(folder, head, config)
        _require_values(folder / head_file(head), config)
    return config


def require_adapters(folder: Path, config: "XmodConfig", languages: Collection[str]) -> None:
    """Raise CheckpointError where the adapter of one of ``languages`` lacks a weight."""
    found = without_prefix(weight_shapes(folder))
    for name in encoder_shapes(folder, config):
        adapter = ADAPTER.search(name)
        if adapter and adapter[1] in languages and name not in found:
            raise _incomplete(folder, name, "no weight of this name")


def _conversion(folder: Path) -> str:
    """How to get safetensors of what is in ``folder``."""
    if is_importable(folder):
        return import_advice(folder)
    return "Convert the weights with save_pretrained(safe_serialization=True)."


def require_no_code(path: Path, model: Path | None = None) -> None:
    """Raise CheckpointError where the JSON file at ``path``, of ``model``, names code to run."""
    values = read_json(path)
    named = [key for key in _CODE if isinstance(values, dict) and values.get(key)]
    if isinstance(values, dict) and named:
        raise CheckpointError(
            f"{path} names code of its own ({named[0]}: {values[named[0]]!r:.200}), which is never "
            "run. X-MOD needs none: if you trust the rest of the checkpoint, remove the key."
            + (f" {import_advice(model)}" if model else "")
        )


def _require_sizes(folder: Path, config: "XmodConfig", shapes: Shapes) -> None:
    """Raise CheckpointError where a size in the config differs from that of the weights."""
    sizes = {name: _size(folder, *where, shapes) for name, where in _SIZES.items()}
    layers = {found[1] for name in shapes if (found := _LAYER.search(name))}
    for name, size in {**sizes, "num_hidden_layers": len(layers)}.items():
        if getattr(config, name) != size or size < 1:
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


def _require_values(path: Path, config: "XmodConfig") -> None:
    """Raise CheckpointError for values that transformers takes and a model cannot work with."""
    padding, positions = config.pad_token_id or 0, config.max_position_embeddings
    labels, languages = config.id2label or {}, list(config.languages)
    wrong = {
        "num_attention_heads": config.num_attention_heads < 1,
        "pad_token_id": not 0 <= padding < config.vocab_size,
        "max_position_embeddings": positions < padding + 4,  # unused ones, <s>, a token, </s>
        "layer_norm_eps": not 0 < config.layer_norm_eps < 1,
        "languages": not languages
        or len(set(languages)) != len(languages)
        or not all(map(_LANGUAGE.fullmatch, languages)),
        "id2label": set(labels) != set(range(len(labels))),
    }
    for name in (name for name, is_wrong in wrong.items() if is_wrong):
        raise CheckpointError(
            f"{path} has {name} {getattr(config, name)!a:.200}, which no X-MOD can "
            "work with. Save the model's own config there."
        )
    if odd := [label for label in labels.values() if not _is_label(label)]:
        raise CheckpointError(
            f"{path} has the label {odd[0]!a:.200} in id2label; expected text "
            "without control characters. Correct it there."
        )


def _is_label(label: object) -> bool:
    """Whether ``label`` is text without control characters."""
    return (
        isinstance(label, str) and label != "" and "\t" not in label and on_one_line(label) == label
    )


def _require_weights(folder: Path, config: "XmodConfig", shapes: Shapes) -> None:
    """Raise CheckpointError where the encoder that transformers builds has other weights.

    An adapter may be incomplete where no record needs it.
    """
    found = without_prefix(shapes)
    for name, shape in encoder_shapes(folder, config).items():
        seen = found.get(name)
        if seen != shape and (seen is not None or not ADAPTER.search(name)):
            if seen is None and _is_renamed(shapes, name):
                raise _other_names(folder, name)
            raise _incomplete(folder, name, f"expected shape {list(shape)}, seen {seen}")


def _require_languages(folder: Path, config: "XmodConfig", shapes: Shapes) -> None:
    """Raise CheckpointError where a language of the config has no adapter."""
    present = adapters_of(folder)
    absent = [language for language in config.languages if language not in present]
    if absent:
        kept = [language for language in config.languages if language in present]
        raise CheckpointError(
            f"{folder}/config.json has the languages {', '.join(absent[:8])}, for which its "
            "weights have no adapters. They belong to different checkpoints; copy this one again, "
            "or import the languages that it has. "
            f"Run: {import_command(folder)} --languages {','.join(kept)}"
        )


def _is_renamed(shapes: Shapes, name: str) -> bool:
    """Whether the encoder's ``name`` is there within another model, or as it once was spelled."""
    old = re.sub(r"(LayerNorm)\.weight$", r"\1.gamma", re.sub(r"\.bias$", ".beta", name))
    return any(one.endswith((name, old)) for one in shapes)


def _incomplete(folder: Path, name: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"{folder} has weights that are incomplete or not those of its config.json: {name}: {why}. "
        "Copy the checkpoint again."
    )


def _other_names(folder: Path, name: str) -> CheckpointError:
    return CheckpointError(
        f"{folder} has {name} under another name, as of an old release or within a larger model; "
        f"expected the names of transformers today. {import_advice(folder)}"
    )
