"""Generation: the continuation of a text by a model that reads from left to right."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import GenerationSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.causal_lm import require_decoder
from pipeline.tasks.task import Document, Encoder, Model, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window


class GenerationTask(Task):
    """Up to ``max_new_tokens`` tokens by transformers' ``XmodForCausalLM``.

    The likeliest token is taken each time. Of a long text the last tokens are read that leave room
    for the new ones, after ``<s>``.
    """

    architecture = "XmodForCausalLM"
    fields = (pa.field("continuation", pa.string()),)
    by_token = False
    generates = True

    def __init__(self, settings: GenerationSettings, checkpoint: Checkpoint) -> None:
        require_decoder(checkpoint)
        self._new_tokens = settings.max_new_tokens
        self._tokenizer = checkpoint.tokenizer
        self._end = int(checkpoint.tokenizer.eos_token_id or 0)
        window = checkpoint.window_length(checkpoint.config.max_position_embeddings)
        self._prompt_tokens = window - settings.max_new_tokens
        if self._prompt_tokens < window // 2:
            raise CheckpointError(
                f"max_new_tokens is {settings.max_new_tokens}, and {checkpoint.folder} has windows "
                f"of {window} tokens; expected at most {window // 2}, so that half of a window is "
                "left to the text. Set max_new_tokens lower."
            )

    def prompt(self, document: Document) -> Window:
        """``<s>`` and the text's last tokens, as many as leave room."""
        first, room = document.windows[0], self._prompt_tokens - 1
        columns = zip((first.ids, first.starts, first.ends), document.tokens, strict=True)
        ids, starts, ends = (np.concatenate([own[:1], rest[-room:]]) for own, rest in columns)
        return Window(ids, starts, ends)

    def generate(
        self,
        encoder: Encoder,
        model: Model,
        prompts: Sequence[NDArray[np.int32]],
        adapter_indices: Sequence[int],
    ) -> list[Scores]:
        """The ids that follow each prompt."""
        limits = {"new_tokens": self._new_tokens, "end": self._end}
        found = greedy(encoder, model.lm_head, prompts, adapter_indices, **limits)
        return [np.array(ids, dtype=np.float32) for ids in found]  # exact up to 16 million

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The continuation as text."""
        (found,) = scores
        return (self._tokenizer.decode(found.astype(np.int64), skip_special_tokens=True),)


def greedy(
    encoder: Encoder,
    head: Callable[[Tensor], Tensor],
    prompts: Sequence[NDArray[np.int32]],
    adapter_indices: Sequence[int],
    *,
    new_tokens: int,
    end: int,
) -> list[list[int]]:
    """The ids that follow each of ``prompts``: up to ``new_tokens``, without the ``end`` token.

    This is transformers' ``generate`` without sampling. A text that has ended takes part in no
    further forward.
    """
    texts = [prompt.tolist() for prompt in prompts]
    unfinished = list(range(len(texts)))
    for _ in range(new_tokens):
        rows = [texts[row] for row in unfinished]
        packed = encoder.pack(rows, [adapter_indices[row] for row in unfinished])
        lasts = encoder(packed).index_select(0, packed.bounds[1:] - 1)
        for row, token in zip(unfinished, head(lasts).argmax(-1).tolist(), strict=True):
            texts[row].append(token)
        unfinished = [row for row in unfinished if texts[row][-1] != end]
        if not unfinished:
            break
    return [
        [token for token in text[len(prompt) :] if token != end]
        for text, prompt in zip(texts, prompts, strict=True)
    ]
