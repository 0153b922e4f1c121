"""Checkpoint folders that plain transformers loads, with the frozen part in a file of its own.

`frozen.safetensors` has embeddings and language adapters, `shared.safetensors` the rest. A task
folder links to its base's frozen part and tokenizer, where the base has such a file.
"""

import json
import os
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    XmodConfig,
)

from pipeline.errors import CheckpointError
from pipeline.xmod.files import weight_files
from pipeline.xmod.importable import import_advice

FROZEN_SHARD = "frozen.safetensors"
SHARED_SHARD = "shared.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_FROZEN_PARTS = ("roberta.embeddings.", ".adapter_modules.", ".adapter_layer_norm.")

Weights = dict[str, torch.Tensor]


def save_whole(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path, dtype: torch.dtype
) -> None:
    """Write a checkpoint that needs no other to the folder `out`; weights as `dtype`."""
    out.mkdir(parents=True, exist_ok=True)
    # A tokenizer remembers its last call's truncation and padding; a saved one must have none.
    if isinstance(tokenizer, PreTrainedTokenizerFast):
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    for name in (FROZEN_SHARD, *TOKENIZER_FILES):
        (out / name).unlink(missing_ok=True)  # never write through a link into another checkpoint
    tokenizer.save_pretrained(out)
    frozen, shared = _halves(_weights_of(model, dtype))
    _write(frozen, out / FROZEN_SHARD)
    _write_shared(_config_of(model), frozen, shared, out)


def save_task(model: PreTrainedModel, base: Path, out: Path) -> None:
    """Write a task checkpoint to `out`, with relative links to what it shares with `base`.

    Raises CheckpointError where a frozen weight is not the one that `base` stores.
    """
    frozen, shared = _halves(_weights_of(model, stored_dtype(base)))
    stored = load_file(base / FROZEN_SHARD)
    _refuse_changed(frozen, stored, base)
    _write_linked(_config_of(model), stored, shared, base, out)


def extend_task(task: Path, base: Path, extended: Path, out: Path) -> None:
    """Write to `out` the checkpoint `task` of `base`, as one of `extended`, which has more.

    `extended` has languages and vocabulary rows that `base` has not. Raises CheckpointError where
    the task's embeddings or adapters are not those of `base`.
    """
    require_shared(task, base)
    _, shared = _halves(stored_weights(task))
    more = stored_weights(extended)
    for name in (name for name in shared if name in more):
        if len(shared[name]) < len(more[name]):  # a vocabulary's output bias
            shared[name] = torch.cat([shared[name], more[name][len(shared[name]) :]])
    config: Any = XmodConfig.from_pretrained(task)
    larger: Any = XmodConfig.from_pretrained(extended)
    config.languages, config.vocab_size = larger.languages, larger.vocab_size
    _write_linked(config, load_file(extended / FROZEN_SHARD), shared, extended, out)


def require_shared(task: Path, base: Path) -> None:
    """Raise CheckpointError where the task's embeddings or adapters are not those of `base`."""
    frozen, _ = _halves(stored_weights(task))
    _refuse_changed(frozen, stored_weights(base), base)


def stored_weights(folder: Path) -> Weights:
    """All weights in `folder`, by name; raises CheckpointError where it has no safetensors."""
    stored_dtype(folder)
    weights: Weights = {}
    for path in weight_files(folder):
        weights |= load_file(path)
    return weights


def has_frozen_shard(folder: Path) -> bool:
    """Whether the checkpoint in `folder` keeps its frozen part in a file of its own."""
    return (folder / FROZEN_SHARD).exists()


def stored_dtype(folder: Path) -> torch.dtype:
    """The type of the weights in `folder`; raises CheckpointError where it has no safetensors.

    A trained weight is never stored in 8 bits: where all weights are, the type is float32.
    """
    files = weight_files(folder)
    for path in files:
        with safe_open(path, framework="pt") as weights:
            for name in weights.keys():
                found: torch.dtype = weights.get_tensor(name).dtype
                if found.itemsize > 1:
                    return found
    if files:
        return torch.float32
    raise CheckpointError(
        f"{folder} holds no *.safetensors; only that format is read, because others can run "
        f"code. {import_advice(folder)}"
    )


def is_frozen(parameter: str) -> bool:
    """Whether a parameter of this name stays as pre-training left it."""
    return any(part in parameter for part in _FROZEN_PARTS)


def _weights_of(model: PreTrainedModel, dtype: torch.dtype) -> Weights:
    """By name; named_parameters() gives a tied weight once, under its first name."""
    return {
        name: parameter.detach().to("cpu", dtype).contiguous()
        for name, parameter in model.named_parameters()
    }


def _halves(weights: Weights) -> tuple[Weights, Weights]:
    """The frozen ones, and the others."""
    frozen = {name: weight for name, weight in weights.items() if is_frozen(name)}
    return frozen, {name: weight for name, weight in weights.items() if name not in frozen}


def _write_linked(
    config: XmodConfig, frozen: Weights, shared: Weights, base: Path, out: Path
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name in (FROZEN_SHARD, *TOKENIZER_FILES):
        link = out / name
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath((base / name).resolve(), out.resolve()))
    _write_shared(config, frozen, shared, out)


def _write_shared(config: XmodConfig, frozen: Weights, shared: Weights, out: Path) -> None:
    _write(shared, out / SHARED_SHARD)
    places = dict.fromkeys(frozen, FROZEN_SHARD) | dict.fromkeys(shared, SHARED_SHARD)
    size = sum(weight.nbytes for weight in [*frozen.values(), *shared.values()])
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
    (out / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    config.save_pretrained(out)


def _config_of(model: PreTrainedModel) -> XmodConfig:
    # How weights are stored is not how they compute.
    model.config.dtype = torch.float32
    bare = getattr(model, "lm_head", model) is None
    model.config.architectures = ["XmodModel" if bare else architecture(type(model))]
    return cast(XmodConfig, model.config)


def architecture(kind: type[PreTrainedModel]) -> str:
    """The transformers class that `kind` is, or that it builds upon."""
    classes = kind.__mro__
    return next(one.__name__ for one in classes if one.__module__.startswith("transformers."))


def _refuse_changed(frozen: Weights, stored: Weights, base: Path) -> None:
    changed = [
        name
        for name, weight in frozen.items()
        if name not in stored or not torch.equal(weight.float(), stored[name].float())
    ]
    if changed:
        raise CheckpointError(
            f"{len(changed)} embeddings or adapters differ from those in {base}, first "
            f"{changed[0]!r}. A head shares them with its base only if it was fine-tuned on that "
            "base, frozen."
        )


def _write(weights: Weights, path: Path) -> None:
    path.unlink(missing_ok=True)  # weights may be mapped from it
    path.touch()
    mode = path.stat().st_mode  # save_file() would leave the file readable to its owner alone
    save_file(weights, path, metadata={"format": "pt"})
    path.chmod(mode)
