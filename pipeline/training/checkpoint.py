"""Checkpoint folders that plain transformers loads, with the frozen part in a file of its own.

Enters: a trained model and its tokenizer. Leaves: config, tokenizer and two weight shards:
`frozen.safetensors` (embeddings and language adapters) and `shared.safetensors` (the rest).
Holds: fine-tuning leaves the frozen part as it was, so a task folder links to its base's
`frozen.safetensors` and tokenizer instead of storing them again.
"""

import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from pipeline.errors import CheckpointError

FROZEN_SHARD = "frozen.safetensors"
SHARED_SHARD = "shared.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_FROZEN_PARTS = ("roberta.embeddings.", ".adapter_modules.", ".adapter_layer_norm.")


def save_base(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write a base checkpoint to the folder `out`; weights as float16."""
    out.mkdir(parents=True, exist_ok=True)
    # A tokenizer remembers its last call's truncation and padding; a saved one must have none.
    if isinstance(tokenizer, PreTrainedTokenizerFast):
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(out)
    frozen, shared = _halves(model)
    _write(frozen, out / FROZEN_SHARD)
    _save_shared(model, frozen, shared, out)


def save_task(model: PreTrainedModel, base: Path, out: Path) -> None:
    """Write a task checkpoint to `out`, with relative links to what it shares with `base`.

    Raises CheckpointError where a frozen weight is not the one that `base` stores.
    """
    out.mkdir(parents=True, exist_ok=True)
    frozen, shared = _halves(model)
    _refuse_changed(frozen, load_file(base / FROZEN_SHARD), base)
    for name in (FROZEN_SHARD, *TOKENIZER_FILES):
        link = out / name
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath((base / name).resolve(), out.resolve()))
    _save_shared(model, frozen, shared, out)


def is_frozen(parameter: str) -> bool:
    """Whether a parameter of this name stays as pre-training left it."""
    return any(part in parameter for part in _FROZEN_PARTS)


def _halves(model: PreTrainedModel) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    # named_parameters() gives a tied weight once, under its first name.
    weights = {
        name: parameter.detach().to("cpu", torch.float16).contiguous()
        for name, parameter in model.named_parameters()
    }
    frozen = {name: weight for name, weight in weights.items() if is_frozen(name)}
    return frozen, {name: weight for name, weight in weights.items() if name not in frozen}


def _save_shared(
    model: PreTrainedModel,
    frozen: dict[str, torch.Tensor],
    shared: dict[str, torch.Tensor],
    out: Path,
) -> None:
    _write(shared, out / SHARED_SHARD)
    places = dict.fromkeys(frozen, FROZEN_SHARD) | dict.fromkeys(shared, SHARED_SHARD)
    size = sum(weight.nbytes for weight in [*frozen.values(), *shared.values()])
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
    (out / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    # Float16 is only how the weights are stored; they are meant to compute in float32.
    model.config.dtype = torch.float32
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(out)


def _refuse_changed(
    frozen: dict[str, torch.Tensor], stored: dict[str, torch.Tensor], base: Path
) -> None:
    changed = [
        name
        for name, weight in frozen.items()
        if name not in stored or not torch.equal(weight, stored[name])
    ]
    if changed:
        raise CheckpointError(
            f"{len(changed)} frozen weights differ from {base / FROZEN_SHARD}, first "
            f"{changed[0]!r}. Freeze embeddings and adapters before fine-tuning."
        )


def _write(weights: dict[str, torch.Tensor], path: Path) -> None:
    # save_file() would leave the file readable to its owner alone.
    path.write_bytes(save(weights, metadata={"format": "pt"}))
