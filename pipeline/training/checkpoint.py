"""Checkpoint folders that plain transformers loads, each whole: copied or moved, it works."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
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
from pipeline.xmod.files import CONFIG, FETCHED, WEIGHTS, weight_files
from pipeline.xmod.importable import import_advice

_FROZEN_PARTS = ("roberta.embeddings.", ".adapter_modules.", ".adapter_layer_norm.")

Weights = dict[str, torch.Tensor]


@contextmanager
def new_checkpoint(out: Path) -> Iterator[Path]:
    """A folder to write a checkpoint to, whose files move to `out` once the block has ended well.

    They take the place of a checkpoint there. `config.json`, without which nothing loads, moves
    last. No file is written to in place: it may be a link to another checkpoint's, or weights may
    be mapped from it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".new-", dir=out) as scratch:
        folder = Path(scratch)
        yield folder
        for pattern in FETCHED:  # config.json is the first
            for old in out.glob(pattern):
                old.unlink()
        for path in sorted(folder.iterdir(), key=lambda path: path.name == CONFIG):
            path.replace(out / path.name)


def write_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, dtype: torch.dtype
) -> None:
    """Write weights as `dtype`, `config.json` and the tokenizer to `folder`."""
    # named_parameters() gives a tied weight once, under its first name.
    weights = {
        name: parameter.detach().to("cpu", dtype).contiguous()
        for name, parameter in model.named_parameters()
    }
    _write(weights, _config_of(model), tokenizer, folder)


def write_extended(
    task: Path, extended: Path, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """Write to `folder` the checkpoint `task`, with the languages and vocabulary of `extended`.

    `extended` is the task's base with languages and vocabulary rows more.
    """
    weights, more = stored_weights(task), stored_weights(extended)
    for name in (name for name in weights if name in more and not is_frozen(name)):
        if len(weights[name]) < len(more[name]):  # a vocabulary's output bias
            weights[name] = torch.cat([weights[name], more[name][len(weights[name]) :]])
    config: Any = XmodConfig.from_pretrained(task)
    larger: Any = XmodConfig.from_pretrained(extended)
    config.languages, config.vocab_size = larger.languages, larger.vocab_size
    _write(weights | _frozen(more), config, tokenizer, folder)


def require_shared(task: Path, base: Path) -> None:
    """Raise CheckpointError where the task's embeddings or adapters are not those of `base`."""
    frozen, stored = _frozen(stored_weights(task)), stored_weights(base)
    changed = [
        name
        for name, weight in frozen.items()
        if name not in stored or not torch.equal(weight.float(), stored[name].float())
    ]
    if changed:
        raise CheckpointError(
            f"{len(changed)} embeddings or adapters of {task} differ from those in {base}, first "
            f"{changed[0]!r}. A language can be added to a head only if it was fine-tuned on that "
            "base, frozen."
        )


def stored_weights(folder: Path) -> Weights:
    """All weights in `folder`, by name; raises CheckpointError where it has no safetensors."""
    stored_dtype(folder)
    weights: Weights = {}
    for path in weight_files(folder):
        weights |= load_file(path)
    return weights


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


def _frozen(weights: Weights) -> Weights:
    return {name: weight for name, weight in weights.items() if is_frozen(name)}


def _write(
    weights: Weights, config: XmodConfig, tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    write_weights(weights, folder / WEIGHTS)
    # A tokenizer remembers its last call's truncation and padding; a saved one must have none.
    if isinstance(tokenizer, PreTrainedTokenizerFast):
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(folder)
    config.save_pretrained(folder)


def write_weights(weights: Weights, path: Path) -> None:
    """Write safetensors to the new file `path`, readable as the umask says."""
    path.touch()
    mode = path.stat().st_mode  # save_file() would leave the file readable to its owner alone
    save_file(weights, path, metadata={"format": "pt"})
    path.chmod(mode)


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
