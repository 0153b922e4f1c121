"""A checkpoint: its files, config, digest, tokenizer and limits, without its weights.

A checkpoint is vetted before it is used, none of its code is run, and nothing depends on the
language order, labels or sizes of a particular one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.files import (
    CONFIGS,
    FETCHED,
    SENTENCEPIECE,
    TOKENIZER,
    TOKENIZER_CONFIG,
    TOKENIZER_FETCHED,
    Stamp,
    digest_of,
    head_file,
    require_unchanged,
    stamp_of,
    tokenizer_file,
)
from pipeline.xmod.hub import fetched, is_commit
from pipeline.xmod.importable import import_advice
from pipeline.xmod.round_trip import require_round_trip
from pipeline.xmod.tokenizer import load_tokenizer
from pipeline.xmod.vetting import require_no_code, vetted_config
from pipeline.xmod.windows import WindowTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, XmodConfig

_LEAST_TOKENS = 0.25
"""Minimum size of a tokenizer, as a share of the model's: some models have spare rows."""


@dataclass(frozen=True)
class EncoderFiles:
    """What the heads of a folder share, as it is on one machine."""

    folder: Path
    tokenizer_folder: Path
    stamp: Stamp


@dataclass(frozen=True)
class Checkpoint:
    """A folder and what its files say; ``digest`` covers names and contents of all that is read.

    The tokenizer may be in a folder of its own. Of several heads that share the folder's encoder
    it has one, ``head``, and that one's ``config``. An equal ``stamp`` tells that the files on a
    machine are unchanged.
    """

    folder: Path
    tokenizer_folder: Path
    config: "XmodConfig" = field(compare=False, repr=False)
    digest: str
    stamp: Stamp = field(compare=False, repr=False)
    head: str | None = None

    @property
    def encoder(self) -> EncoderFiles:
        """The files without the head's config: equal for heads that can share a forward."""
        own = head_file(self.head) if self.head else None
        shared = tuple(one for one in self.stamp if one[0] != own)
        return EncoderFiles(self.folder, self.tokenizer_folder, shared)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folder, and the tokenizer's where it is another."""
        return tuple(dict.fromkeys((self.folder, self.tokenizer_folder)))

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
        """The fast tokenizer, loaded once in a process, whatever the head.

        Raises CheckpointError where it is not the model's, or its files have changed.
        """
        if self.encoder not in _TOKENIZERS:
            _TOKENIZERS[self.encoder] = _tokenizer(self)
        return _TOKENIZERS[self.encoder]

    @property
    def mask_id(self) -> int:
        """The id of the tokenizer's mask token; raises CheckpointError where it has none."""
        mask: int | None = self.tokenizer.mask_token_id
        if mask is None:
            raise CheckpointError(
                f"{self.tokenizer_folder} has a tokenizer without a mask token; tasks masked_lm "
                "and fill_mask need one, such as XLM-R's <mask>. Set mask_token in its "
                "tokenizer_config.json."
            )
        return mask

    def require_unchanged(self) -> None:
        """Raise CheckpointError where its files are no longer those that were checked."""
        require_unchanged(self.folder, self.stamp, self.tokenizer_folder, self.head)

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


def open_checkpoint(
    settings: ModelSettings, key: str = "model", given: Sequence[str] = ()
) -> Checkpoint:
    """The checkpoint of ``settings``; raises CheckpointError where it is missing or unfit.

    ``key`` is what the config calls the settings. With ``given``, languages, it may be an XLM-R,
    whose config becomes that of an X-MOD with adapters for them.
    """
    head = settings.head
    wanted = FETCHED if head is None else (*FETCHED, CONFIGS)
    folder = _located(settings.path, settings.revision, key, wanted)
    tokenizer, other = folder, settings.tokenizer
    if other.path is not None:
        tokenizer = _located(other.path, other.revision, f"{key}.tokenizer", TOKENIZER_FETCHED)
        _require_tokenizer_folder(tokenizer)
    # First, so that it tells of a change after any later step.
    stamp = stamp_of(folder, tokenizer, head)
    config = vetted_config(folder, given, head)
    digest = digest_of(folder, tokenizer, head)
    if settings.sha256 is not None and settings.sha256 != digest:
        raise CheckpointError(
            f"{folder} has sha256 {digest}; expected {settings.sha256}, the {key}.sha256 of the "
            "config. The files are not the pinned ones."
        )
    return Checkpoint(folder, tokenizer, config, digest, stamp, head)


def reopen_checkpoint(checkpoint: Checkpoint, settings: ModelSettings) -> Checkpoint:
    """``checkpoint`` as this machine has it; raises CheckpointError where the files differ.

    A worker may be on another node than the planner: it fetches a hub name itself, and expects a
    folder at the same path. Files with the planned stamp are not read again.
    """
    folder, tokenizer, head = checkpoint.folder, checkpoint.tokenizer_folder, checkpoint.head
    there = folder.is_dir() and tokenizer.is_dir()
    if there and stamp_of(folder, tokenizer, head) == checkpoint.stamp:
        return checkpoint
    found = open_checkpoint(_as_planned(settings, folder, tokenizer))
    if found.digest != checkpoint.digest:
        raise CheckpointError(
            f"{found.folder} has sha256 {found.digest} on this node; the job was planned with "
            f"{checkpoint.digest}. Put the same files on every node."
        )
    return found


def _as_planned(settings: ModelSettings, folder: Path, tokenizer: Path) -> ModelSettings:
    """``settings`` with the planner's folders, where they are not the hub's.

    A repository in this machine's cache may lack files, as where only its tokenizer was fetched.
    """
    other = settings.tokenizer
    changes: dict[str, object] = {} if settings.revision else {"path": str(folder)}
    if other.path is not None and other.revision is None:
        changes["tokenizer"] = other.model_copy(update={"path": str(tokenizer)})
    return settings.model_copy(update=changes)


def _located(path: str, revision: str | None, key: str, wanted: tuple[str, ...]) -> Path:
    """The local folder of what ``key`` names; ``wanted`` files are fetched where it is a hub's."""
    if Path(path).is_dir():
        return Path(path).resolve()
    if Path(path).is_absolute() or path.startswith(".") or path.count("/") != 1:
        raise CheckpointError(
            f"No {key} folder at {path!r}, and it is not a hub name (owner/name). "
            f"Set {key}.path in the config."
        )
    if revision is None or not is_commit(revision):
        raise CheckpointError(
            f"{path!r} is a hub name with revision {revision!r}: its files could change between "
            f"two runs. Set {key}.revision to a commit of 40 hexadecimal digits, or {key}.path to "
            "an existing folder."
        )
    return fetched(path, revision, wanted, f"{key}.path")


def _require_tokenizer_folder(folder: Path) -> None:
    """Raise CheckpointError where ``folder``, named as a tokenizer's, has none or names code."""
    if not tokenizer_file(folder).exists():
        raise CheckpointError(
            f"{folder} has no tokenizer files ({TOKENIZER} or {SENTENCEPIECE}), and the config "
            "names it as a tokenizer. Set path to the folder or repository that has them."
        )
    if (folder / TOKENIZER_CONFIG).exists():
        require_no_code(folder / TOKENIZER_CONFIG)


_TOKENIZERS: dict[EncoderFiles, "PreTrainedTokenizerBase"] = {}
"""Those that were loaded in this process."""


def _tokenizer(checkpoint: Checkpoint) -> "PreTrainedTokenizerBase":
    folder, config = checkpoint.tokenizer_folder, checkpoint.config
    tokenizer = load_tokenizer(folder, checkpoint.encoder.stamp, checkpoint.folder)
    size = max(len(tokenizer), 1 + max(tokenizer.get_vocab().values()))
    if not config.vocab_size * _LEAST_TOKENS <= size <= config.vocab_size:
        whose = "" if folder == checkpoint.folder else f"{checkpoint.folder} has "
        raise CheckpointError(
            f"{folder} has a tokenizer of {size} tokens and {whose}a model of vocab_size "
            f"{config.vocab_size}; they belong to different checkpoints. Give the tokenizer that "
            "the model was trained with: model.tokenizer in the config, or --tokenizer of import. "
            f"{import_advice(checkpoint.folder, tokenizer=True)}"
        )
    for name in ("bos_token_id", "pad_token_id", "eos_token_id"):
        own, expected = getattr(tokenizer, name), getattr(config, name)
        several = expected if isinstance(expected, list) else [expected]  # as eos_token_id may be
        if None not in (own, expected) and own not in several:
            raise CheckpointError(
                f"{folder} has a tokenizer with {name} {own} and a model with {expected}; "
                "they belong to different checkpoints. Save the tokenizer that the model was "
                f"trained with there. {import_advice(checkpoint.folder, tokenizer=True)}"
            )
    require_round_trip(folder, tokenizer.backend_tokenizer)
    return tokenizer
