"""A checkpoint: its files, config, digest, tokenizer and limits, without its weights.

A checkpoint is vetted before it is used, none of its code is run, and nothing depends on the
language order, labels or sizes of a particular one.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import snapshot_download

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.files import FETCHED, Stamp, digest_of, stamp_of
from pipeline.xmod.importable import import_advice
from pipeline.xmod.tokenizer import load_tokenizer
from pipeline.xmod.vetting import vetted_config
from pipeline.xmod.windows import WindowTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, XmodConfig

_COMMIT = re.compile("[0-9a-f]{40}")
"""A revision that cannot move, as a branch or a tag may."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder and what its files say; ``digest`` covers names and contents of all that is read.

    An equal ``stamp`` tells that the files on a machine are unchanged.
    """

    folder: Path
    config: "XmodConfig" = field(compare=False, repr=False)
    digest: str
    stamp: Stamp = field(compare=False, repr=False)

    @property
    def languages(self) -> tuple[str, ...]:
        """The X-MOD languages in the order of their ``lang_id``."""
        return tuple(self.config.languages)

    @property
    def labels(self) -> tuple[str, ...]:
        """The head's labels in the order of its outputs."""
        names = {int(index): label for index, label in (self.config.id2label or {}).items()}
        return tuple(names[index] for index in sorted(names))

    @property
    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """The fast tokenizer, loaded once in a process.

        Raises CheckpointError where it is not the model's, or its files have changed.
        """
        return _tokenizer(self)

    @property
    def mask_id(self) -> int:
        """The id of the tokenizer's mask token; raises CheckpointError where it has none."""
        mask: int | None = self.tokenizer.mask_token_id
        if mask is None:
            raise CheckpointError(
                f"{self.folder} has a tokenizer without a mask token; tasks masked_lm and "
                "fill_mask need one, such as XLM-R's <mask>. Set mask_token in its "
                "tokenizer_config.json."
            )
        return mask

    def window_tokenizer(self, max_length: int) -> WindowTokenizer:
        """What cuts texts into windows of at most ``max_length`` tokens, without the model."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        mask: str | None = self.tokenizer.mask_token
        return WindowTokenizer(backend.to_str(), self.window_length(max_length), mask)

    def window_length(self, max_length: int) -> int:
        """Tokens of a window, special ones included: ``max_length``, or what the model can read.

        Positions begin after the padding id, as in XLM-R; those up to it are unused.
        """
        positions = self.config.max_position_embeddings - (self.config.pad_token_id or 0) - 1
        return min(max_length, positions, self.tokenizer.model_max_length)


def open_checkpoint(settings: ModelSettings) -> Checkpoint:
    """The checkpoint of ``settings``; raises CheckpointError where it is missing or unfit."""
    folder = _locate(settings)
    stamp = stamp_of(folder)  # first, so that it tells of a change after any later step
    config = vetted_config(folder)
    digest = digest_of(folder)
    if settings.sha256 is not None and settings.sha256 != digest:
        raise CheckpointError(
            f"{folder} has sha256 {digest}; expected {settings.sha256}, the model.sha256 of the "
            "config. The files are not the pinned ones."
        )
    return Checkpoint(folder, config, digest, stamp)


def reopen_checkpoint(checkpoint: Checkpoint, settings: ModelSettings) -> Checkpoint:
    """``checkpoint`` as this machine has it; raises CheckpointError where the files differ.

    A worker may be on another node than the planner: it fetches a hub name itself, and expects a
    folder at the same path. Files with the planned stamp are not read again.
    """
    if checkpoint.folder.is_dir():
        if stamp_of(checkpoint.folder) == checkpoint.stamp:
            return checkpoint
        settings = settings.model_copy(update={"path": str(checkpoint.folder)})
    found = open_checkpoint(settings)
    if found.digest != checkpoint.digest:
        raise CheckpointError(
            f"{found.folder} has sha256 {found.digest} on this node; the job was planned with "
            f"{checkpoint.digest}. Put the same files on every node."
        )
    return found


def _locate(settings: ModelSettings) -> Path:
    """The local folder of the checkpoint, fetched where ``settings`` name one of the hub."""
    path, revision = settings.path, settings.revision
    if Path(path).is_dir():
        return Path(path).resolve()
    if Path(path).is_absolute() or path.startswith(".") or path.count("/") != 1:
        raise CheckpointError(
            f"No model folder at {path!r}, and it is not a hub name (owner/name). "
            "Set model.path of the task in the config."
        )
    if _COMMIT.fullmatch(revision or "") is None:
        raise CheckpointError(
            f"{path!r} is a hub name with revision {revision!r}: its files could change between "
            "two runs. Set model.revision to a commit of 40 hexadecimal digits, or model.path to "
            "an existing folder."
        )
    try:
        return Path(snapshot_download(path, revision=revision, allow_patterns=list(FETCHED)))
    except Exception as error:  # the hub's client raises many unrelated types
        raise CheckpointError(
            f"Cannot fetch {path!r} at revision {revision!r}: {type(error).__name__}. Check the "
            "name, the revision and the network, or set model.path to a local folder."
        ) from error


@cache
def _tokenizer(checkpoint: Checkpoint) -> "PreTrainedTokenizerBase":
    folder, config = checkpoint.folder, checkpoint.config
    tokenizer = load_tokenizer(folder, checkpoint.stamp)
    size = max(len(tokenizer), 1 + max(tokenizer.get_vocab().values()))
    if size > config.vocab_size:
        raise CheckpointError(
            f"{folder} has a tokenizer of {size} tokens and a model of "
            f"vocab_size {config.vocab_size}; they belong to different checkpoints. "
            "Save the tokenizer that the model was trained with there. "
            f"{import_advice(folder, tokenizer=True)}"
        )
    for name in ("bos_token_id", "pad_token_id", "eos_token_id"):
        own, expected = getattr(tokenizer, name), getattr(config, name)
        several = expected if isinstance(expected, list) else [expected]  # as eos_token_id may be
        if None not in (own, expected) and own not in several:
            raise CheckpointError(
                f"{folder} has a tokenizer with {name} {own} and a model with {expected}; "
                "they belong to different checkpoints. Save the tokenizer that the model was "
                f"trained with there. {import_advice(folder, tokenizer=True)}"
            )
    return tokenizer
