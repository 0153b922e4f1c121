"""Generation: how a text goes on, by a model that reads from left to right.

Enters: windows of a decoder. Leaves: ``continuation``, the text that follows the record's, of at
most ``max_new_tokens`` tokens. What holds: the likeliest token is taken each time; of a long text
the last tokens that leave room are read, after ``<s>``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import GenerationSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.causal_lm import require_decoder
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window, stitched

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.encoder import PackedEncoder
    from pipeline.xmod.packed import Packed


class GenerationTask(Task):
    """Continuation by transformers' ``XmodForCausalLM``."""

    architecture = "XmodForCausalLM"
    by_token: ClassVar[bool] = False
    generates: ClassVar[bool] = True

    def __init__(self, settings: GenerationSettings, checkpoint: Checkpoint) -> None:
        require_decoder(checkpoint)
        self._new_tokens = settings.max_new_tokens
        self._tokenizer = checkpoint.tokenizer
        self._end = int(checkpoint.tokenizer.eos_token_id or 0)
        window = checkpoint.window_length(checkpoint.config.max_position_embeddings)
        self._room = window - settings.max_new_tokens
        if self._room < window // 2:
            raise CheckpointError(
                f"max_new_tokens is {settings.max_new_tokens}, and {checkpoint.folder} has windows "
                f"of {window} tokens; expected at most {window // 2}, so that half of a window is "
                "left to the text. Set max_new_tokens lower."
            )

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The text that follows."""
        return (pa.field("continuation", pa.string()),)

    def prompt(self, document: Document) -> Window:
        """``<s>`` and the text's last tokens, as many as leave room."""
        windows, room = document.windows, self._room - 1
        ids, starts, ends = (
            np.concatenate(
                [
                    getattr(windows[0], name)[:1],
                    stitched([getattr(one, name) for one in windows], document.stride)[-room:],
                ]
            )
            for name in ("ids", "starts", "ends")
        )
        return Window(ids, starts, ends)

    def generate(
        self,
        encoder: "PackedEncoder",
        model: Any,  # noqa: ANN401
        prompts: Sequence[NDArray[np.int32]],
        lang_ids: Sequence[int],
    ) -> list[Scores]:
        """Ids that follow each prompt."""
        from pipeline.xmod.generation import greedy

        found = greedy(
            encoder,
            model.lm_head,
            [ids.astype(np.int64) for ids in prompts],
            lang_ids,
            new_tokens=self._new_tokens,
            end=self._end,
        )
        return [ids.astype(np.float32) for ids in found]  # floats count to 16 million

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """Nothing is kept of a forward by itself: it is ``generate`` that is asked."""
        raise NotImplementedError

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """What follows the prompt, as text."""
        (found,) = scores
        ids = found.astype(np.int64).tolist()
        return (self._tokenizer.decode(ids, skip_special_tokens=True),)
