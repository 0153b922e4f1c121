"""Imports a checkpoint: from any format to a folder that ``annotate`` and transformers load.

Enters: an `Import`. Leaves: a folder with ``model.safetensors``, ``config.json``, a fast tokenizer
and a card. What holds: no more than one weight is in memory at a time; nothing is left out in
silence; what is written has passed the checks of ``annotate``.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError, ConfigError
from pipeline.training.importing.card import Origin, card_of
from pipeline.training.importing.formats import Found, find, of_head, unknown_encoder_weights
from pipeline.training.importing.head import ARCHITECTURES, Claims, Headed, with_head
from pipeline.training.importing.names import EMBEDDINGS, without_decoder_copies
from pipeline.training.importing.new_folder import in_terms_of, new_folder, require_free
from pipeline.training.importing.sentence_files import copy_sentence_files
from pipeline.training.importing.shards import write_shards
from pipeline.training.importing.source import Source, checkpoint_source, file_digests
from pipeline.training.importing.tokenizer import tokenizer_of, write_tokenizer
from pipeline.training.importing.weights import Weights
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint
from pipeline.xmod.files import stamp_of
from pipeline.xmod.heads import require_head
from pipeline.xmod.model_config import encoder_shapes
from pipeline.xmod.shapes import ADAPTER

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

Wrote = Callable[[int, int], None]
"""Is called with the bytes that were just written, and those of all weights."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """What to import, and to which folder; None leaves a choice to the checkpoint."""

    source: str
    out: Path
    tokenizer: str | None = None
    languages: tuple[str, ...] | None = None
    dtype: str | None = None
    architecture: str | None = None
    head: str | None = None
    base: str | None = None


@dataclass(frozen=True)
class Imported:
    """What was written, and what to tell the user of it."""

    architecture: str
    languages: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...]


def import_checkpoint(wanted: Import, wrote: Wrote = lambda some, total: None) -> Imported:
    """Write `wanted.source` to `wanted.out`.

    Raises CheckpointError where it cannot be read or is no X-MOD, ConfigError for options that do
    not fit it, OutputError where the folder cannot be written.
    """
    _require_options(wanted)
    source = checkpoint_source(wanted.source)
    with new_folder(wanted.out) as folder, tempfile.TemporaryDirectory(dir=folder) as scratch:
        found = find(source, Path(scratch), wanted.base)
        if wanted.head is not None:
            found = of_head(found, source.path, wanted.head)
        headed, notes = _chosen(found, source, wanted)
        tokenizer = _write_tokenizer(found, wanted, folder, source)
        notes += copy_sentence_files(found.folders, folder)
        _write_model(headed, found, wanted.dtype, folder, wrote)
        checkpoint = _checked(folder, source, headed.architecture)
        digests = tuple(file_digests(found.files))
        origin = Origin(source.name, source.on_hub, tokenizer, digests, notes)
        card = card_of(origin, headed.architecture, checkpoint.languages, checkpoint.digest)
        (folder / "README.md").write_text(card, encoding="utf-8")
    return Imported(headed.architecture, checkpoint.languages, checkpoint.digest, tuple(notes))


def _require_options(wanted: Import) -> None:
    for option, value, known in (
        ("--dtype", wanted.dtype, tuple(DTYPES)),
        ("--architecture", wanted.architecture, ARCHITECTURES),
    ):
        if value is not None and value not in known:
            raise ConfigError(f"{option} is {value!a:.100}; expected one of {', '.join(known)}.")
    require_free(wanted.out)


def _chosen(found: Found, source: Source, wanted: Import) -> tuple[Headed, list[str]]:
    """The weights to write, with `found.config` made theirs, and what to tell of them."""
    config = found.config
    weights, notes = _of_languages(found, wanted.languages)
    weights, tied = without_decoder_copies(weights)
    said = tuple(str(name) for name in config.architectures or ())
    asked = wanted.architecture or found.architecture
    headed = with_head(weights, Claims(source.name, asked, said, bool(config.is_decoder)))
    if "lm_head.bias" in headed.weights:
        config.tie_word_embeddings = tied
        if not tied:
            notes.append("Its decoder's weights are not its embeddings; they are kept apart.")
    config.architectures = [headed.architecture]
    _require_known(headed, found, source)
    return headed, [*found.notes, *notes, *headed.notes]


def _of_languages(found: Found, kept: tuple[str, ...] | None) -> tuple[Weights, list[str]]:
    """The weights without the adapters of other languages than `kept`, and what to tell."""
    config, notes = found.config, list[str]()
    known = tuple(config.languages)
    absent = [name for name in kept or () if name not in known]
    if absent or kept == ():
        raise ConfigError(
            f"--languages has {', '.join(absent) or 'no language'}; expected some of the "
            f"checkpoint's: {', '.join(known)}."
        )
    config.languages = [name for name in known if kept is None or name in kept]
    if config.default_language not in (None, *config.languages):
        notes.append(f"Its default language, {config.default_language}, is not among those kept.")
        config.default_language = None
    adapters = {name: one[1] for name in found.weights if (one := ADAPTER.search(name))}
    dropped = sorted(set(adapters.values()) - set(config.languages))
    if dropped:
        notes.append(f"Adapters left out: {', '.join(dropped)}; every lang_id is counted anew.")
    if lacking := [name for name in config.languages if name not in adapters.values()]:
        have = [name for name in config.languages if name not in lacking]
        raise ConfigError(
            f"The checkpoint has no adapters for {', '.join(lacking)}, which its config names. "
            f"Give --languages with those that it has: {','.join(have) or 'none'}."
        )
    weights = {n: one for n, one in found.weights.items() if adapters.get(n) not in dropped}
    return weights, notes


def _require_known(headed: Headed, found: Found, source: Source) -> None:
    """Raise CheckpointError where the encoder has weights for which its config has no place."""
    expected = set(encoder_shapes(source.path, found.config))
    if unknown := unknown_encoder_weights(headed.weights, expected):
        raise CheckpointError(
            f"{source.name} has weights of its encoder that no X-MOD of its config has: "
            f"{', '.join(unknown[:6])}. Correct its config.json, or save the X-MOD alone."
        )


def _write_tokenizer(found: Found, wanted: Import, folder: Path, source: Source) -> str:
    """Write the tokenizer to `folder`, if it is the model's; where it came from."""
    path, name = tokenizer_of(wanted.tokenizer, source, found.folders)
    write_tokenizer(path, folder, found.dictionary)
    checkpoint = Checkpoint(folder, folder, found.config, digest="", stamp=stamp_of(folder))
    with in_terms_of(folder, str(path)):
        checkpoint.tokenizer  # noqa: B018 - raises where it is not the model's
    return name


def _write_model(
    headed: Headed, found: Found, dtype: str | None, folder: Path, wrote: Wrote
) -> None:
    weights, cast = headed.weights, DTYPES[dtype] if dtype else None
    total = sum(weight.nbytes for weight in weights.values())
    found.config.dtype = cast or weights[EMBEDDINGS].dtype
    found.config.save_pretrained(folder)
    write_shards(weights, folder, cast, wrote=lambda some: wrote(some, total))


def _checked(folder: Path, source: Source, architecture: str) -> Checkpoint:
    """The written checkpoint, as ``annotate`` opens it."""
    with in_terms_of(folder, source.name):
        checkpoint = open_checkpoint(ModelSettings(path=str(folder)))
        require_head(checkpoint, architecture)
        checkpoint.tokenizer  # noqa: B018 - raises where it is not the model's
    return checkpoint
