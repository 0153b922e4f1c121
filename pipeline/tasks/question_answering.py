"""Question answering: the stretches of a text that answer a question.

Enters: hidden states of windows that hold the question and a piece of the text. Leaves:
``<name>_answers``, as ``schema.ANSWER`` has them, the best first; empty where there is none. What
holds: offsets are code points and ``text == document[start:end]``; no answer begins or ends inside
a character that people see as one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from pipeline.config import QuestionAnsweringSettings
from pipeline.contract import schema
from pipeline.errors import CheckpointError
from pipeline.tasks.answers import Extraction
from pipeline.tasks.task import Document, Scores, Task
from pipeline.xmod.checkpoint import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor

    from pipeline.xmod.packed import Packed


class QuestionAnsweringTask(Task):
    """Extraction with transformers' ``XmodForQuestionAnswering``."""

    architecture = "XmodForQuestionAnswering"
    by_token: ClassVar[bool] = True

    def __init__(self, settings: QuestionAnsweringSettings, checkpoint: Checkpoint) -> None:
        if checkpoint.config.num_labels != 2:
            raise CheckpointError(
                f"{checkpoint.folder} has {checkpoint.config.num_labels} labels; task "
                f"{settings.name!r} needs two, an answer's start and its end. Check model.path."
            )
        self._settings = settings
        self._extraction = Extraction(
            n_best=settings.n_best,
            max_answer_tokens=settings.max_answer_tokens,
            no_answer=settings.no_answer,
            min_score=settings.min_score,
        )

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The list of answers."""
        return (pa.field(f"{self._settings.name}_answers", pa.list_(schema.ANSWER)),)

    def score(self, model: Any, hidden: "Tensor", packed: "Packed") -> "Tensor":  # noqa: ANN401
        """[tokens, 2]: how well an answer starts, and ends, at each token."""
        logits: Tensor = model.qa_outputs(hidden).float()
        return logits

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The record's best answers."""
        found = self._extraction.answers(document, scores)
        return (
            [
                {
                    "text": document.text[answer.start : answer.end],
                    "start": answer.start,
                    "end": answer.end,
                    "score": answer.score,
                }
                for answer in found
            ],
        )
