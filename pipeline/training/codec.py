"""What text becomes before a model sees it: by a checkpoint's tokenizer, window and lang_ids."""

import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from transformers import PreTrainedTokenizerBase

from pipeline.tasks.model_inputs import Asked, Beside, ModelInput, Piece, Unreadable, read
from pipeline.training.base import opened
from pipeline.training.settings import Base
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window, WindowTokenizer


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
    def of(cls, base: Base | Checkpoint, labels: Sequence[str] = ()) -> "Codec":
        """That of a checkpoint; raises CheckpointError where that fails a check."""
        found = base if isinstance(base, Checkpoint) else opened(base)
        window = found.window_length(sys.maxsize)
        # A copy: one that grows must not be that of the checkpoint.
        return cls(deepcopy(found.tokenizer), window, found.languages, tuple(labels))

    @cached_property
    def lang_ids(self) -> dict[str, int]:
        """The `lang_id` of each language."""
        return {language: position for position, language in enumerate(self.languages)}

    @property
    def padding(self) -> int:
        """The id of the padding token."""
        return cast(int, self.tokenizer.pad_token_id)

    @property
    def stride(self) -> int:
        """Tokens by which the windows of a long text overlap."""
        return self.window // 8

    def encoded(self, texts: Sequence[str], **options: bool) -> Any:  # noqa: ANN401
        """Transformers' encoding of `texts`, cut off at the window."""
        return self.tokenizer(list(texts), truncation=True, max_length=self.window, **options)

    def pieces(
        self, beside: Beside, texts: Sequence[str], asked: Sequence[Asked]
    ) -> list[list[Piece]]:
        """Windows of `texts` beside what is asked; none where that leaves the text no room.

        They are those of the annotating pipeline, and overlap by `stride` tokens.
        """
        backend = self.tokenizer.backend_tokenizer
        backend.no_truncation()
        backend.no_padding()
        reading = ModelInput(WindowTokenizer(backend.to_str(), self.window), beside)
        found = read(reading, texts, asked, self.stride)
        return [[] if isinstance(pieces, Unreadable) else pieces for pieces in found]


def window_of(piece: Piece) -> Window:
    """The piece as the annotating pipeline's tasks take it."""
    starts, ends = np.array(piece.spans, dtype=np.int32).T
    return Window(np.array(piece.encoding.ids, dtype=np.int32), starts, ends, piece.choice)
