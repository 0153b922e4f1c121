"""A checkpoint: what it is, without its weights.

Enters: a local folder or a hub name with a pinned revision. Leaves: ``Checkpoint``, with its
config, digest, tokenizer and limits. What holds: a checkpoint is vetted before it is used and no
code of it runs; nothing depends on a particular checkpoint's language order, label set or size.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.files import Stamp, digest_of, locate, stamp_of
from pipeline.xmod.vetting import vetted_config
from pipeline.xmod.windows import WindowTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, XmodConfig


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's folder and what follows from its files, without its weights.

    ``digest`` is over the names and contents of all files that loading reads; ``stamp`` is what a
    machine knows them by.
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

        Raises CheckpointError where it can give ids that the model has no embedding for.
        """
        tokenizer = _tokenizer(self.folder)
        if len(tokenizer) > self.config.vocab_size:
            raise CheckpointError(
                f"{self.folder} has a tokenizer of {len(tokenizer)} tokens and a model of "
                f"vocab_size {self.config.vocab_size}; they belong to different checkpoints. "
                "Save the tokenizer that the model was trained with there."
            )
        return tokenizer

    @property
    def mask_id(self) -> int:
        """The tokenizer's mask; raises CheckpointError where it has none."""
        mask: int | None = self.tokenizer.mask_token_id
        if mask is None:
            raise CheckpointError(
                f"{self.folder} has a tokenizer without a mask token; tasks masked_lm and "
                "fill_mask need one, XLM-R's is <mask>. Set mask_token in its "
                "tokenizer_config.json."
            )
        return mask

    def window_tokenizer(self, max_length: int) -> WindowTokenizer:
        """What cuts texts into windows of at most ``max_length`` tokens, without the model."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        return WindowTokenizer(backend.to_str(), self.window_length(max_length))

    def window_length(self, max_length: int) -> int:
        """Tokens a window may hold, special ones included: ``max_length`` where the model can.

        XLM-R style position ids begin after the padding id, so that many positions are unused.
        """
        positions = self.config.max_position_embeddings - (self.config.pad_token_id or 0) - 1
        return min(max_length, positions, self.tokenizer.model_max_length)


def open_checkpoint(settings: ModelSettings) -> Checkpoint:
    """The checkpoint that ``settings`` names; raises CheckpointError where it is not there."""
    folder = locate(settings)
    config = vetted_config(folder)
    stamp, digest = stamp_of(folder), digest_of(folder)
    if settings.sha256 is not None and settings.sha256 != digest:
        raise CheckpointError(
            f"{folder} has sha256 {digest}; expected {settings.sha256} as model.sha256 in the "
            "config says. The files are not those that were pinned."
        )
    return Checkpoint(folder, config, digest, stamp)


def reopen_checkpoint(checkpoint: Checkpoint, settings: ModelSettings) -> Checkpoint:
    """``checkpoint`` as this machine has it; raises CheckpointError where it has other files.

    A worker may be on another node than the one that planned: it fetches a hub name itself, and
    finds a folder at the same path. Where the files are those that were planned with, gigabytes
    need not be read again to know it.
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


@cache
def _tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer  # imports torch

    tokenizer = AutoTokenizer.from_pretrained(
        folder, truncation_side="right", trust_remote_code=False, local_files_only=True
    )
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"{folder} has no fast tokenizer, and only that kind knows where in the text a token "
            "stands. Save one there (tokenizer.json)."
        )
    # Where there are no tokenizer files, transformers makes a tokenizer that knows no word.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise CheckpointError(
            f"{folder} has no tokenizer files. Save the tokenizer that the model was trained with "
            "there (tokenizer.json); for facebook/xmod-base it is that of XLM-R."
        )
    mask = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
    if not mask[0] == mask[-1] == 1 or sum(mask) != 2:
        raise CheckpointError(
            f"{folder} has a tokenizer that adds {sum(mask)} special tokens; expected one before "
            "a text and one after it, as XLM-R's does. Check its post_processor."
        )
    return tokenizer
