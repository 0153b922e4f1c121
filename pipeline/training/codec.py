"""What text becomes before a model sees it: a checkpoint's tokenizer, window, labels and lang_ids.

Enters: a checkpoint folder. Leaves: token ids, as the annotating pipeline would give them.
Holds: a sequence fits the model; nothing depends on a particular checkpoint's language order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from transformers import AutoTokenizer, PreTrainedTokenizerBase, XmodConfig

from pipeline.errors import CheckpointError
from pipeline.tasks.model_inputs import Asked, Beside, ModelInput, Read, read
from pipeline.training.collate import Collator, Targets, Unfold
from pipeline.xmod.windows import WindowTokenizer


@dataclass(frozen=True)
class Codec:
    """A tokenizer with what examples need beside it; `window` counts special tokens too."""

    tokenizer: PreTrainedTokenizerBase
    window: int
    languages: tuple[str, ...]
    """In the order of their `lang_id`."""
    labels: tuple[str, ...] = ()
    """In the order of their ids; of tasks that have labels."""

    @classmethod
    def of(cls, folder: Path, labels: Sequence[str] = ()) -> "Codec":
        """That of the checkpoint in `folder`; raises CheckpointError where there is none."""
        if not (folder / "config.json").exists():
            raise CheckpointError(
                f"No checkpoint in {folder}: it has no config.json. Train it first."
            )
        config: Any = XmodConfig.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        window = min(tokenizer.model_max_length, positions(config))
        return cls(tokenizer, window, tuple(config.languages), tuple(labels))

    @cached_property
    def lang_ids(self) -> dict[str, int]:
        """The `lang_id` of each language."""
        return {language: position for position, language in enumerate(self.languages)}

    @property
    def padding(self) -> int:
        """The id of the padding token."""
        return cast(int, self.tokenizer.pad_token_id)

    def encoded(self, texts: Sequence[str], **options: bool) -> Any:  # noqa: ANN401
        """Transformers' encoding of `texts`, cut off at the window."""
        return self.tokenizer(list(texts), truncation=True, max_length=self.window, **options)

    def read(self, beside: Beside, texts: Sequence[str], asked: Sequence[Asked]) -> list[Read]:
        """Windows of `texts` beside what is asked, which overlap by `stride` tokens."""
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        reading = ModelInput(WindowTokenizer(backend.to_str(), self.window), beside)
        return list(read(reading, texts, asked, self.stride))

    @property
    def stride(self) -> int:
        """Tokens by which the windows of a long text overlap."""
        return self.window // 8

    def collator(self, targets: Targets, unfold: Unfold = lambda rows: rows) -> Collator:
        """What pads examples of this codec."""
        return Collator(self.window, self.padding, targets, unfold)


def positions(config: XmodConfig) -> int:
    """Tokens that the model has positions for: they begin after the padding id, as in RoBERTa."""
    return int(config.max_position_embeddings) - int(config.pad_token_id or 0) - 1
