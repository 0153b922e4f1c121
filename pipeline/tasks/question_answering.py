"""Question answering: the spans of a text that answer a question."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline.config import QuestionAnsweringSettings
from pipeline.contract import schema
from pipeline.errors import CheckpointError
from pipeline.tasks.answers import Extraction
from pipeline.tasks.task import Document, Model, Packed, Scores, Task, Tensor
from pipeline.xmod.checkpoint import Checkpoint


class QuestionAnsweringTask(Task):
    """The best answers by transformers' ``XmodForQuestionAnswering``, with code-point offsets."""

    architecture = "XmodForQuestionAnswering"

    def __init__(self, settings: QuestionAnsweringSettings, checkpoint: Checkpoint) -> None:
        if checkpoint.config.num_labels != 2:
            raise CheckpointError(
                f"{checkpoint.folder} has {checkpoint.config.num_labels} labels; task "
                f"{settings.name!r} needs two, an answer's start and its end. Check model.path."
            )
        self.fields = (pa.field(f"{settings.name}_answers", pa.list_(schema.ANSWER)),)
        self._extraction = Extraction(
            settings.n_best, settings.max_answer_tokens, settings.no_answer, settings.min_score
        )

    def score(self, model: Model, hidden: Tensor, packed: Packed) -> Tensor:
        """Logits [tokens, 2] of an answer's start and end at each token."""
        logits: Tensor = model.qa_outputs(hidden).float()
        return logits

    def decode(self, document: Document, scores: Sequence[Scores]) -> tuple[object, ...]:
        """The best answers, as ``schema.ANSWER``; an empty list where there is none."""
        found = self._extraction.answers(document, scores)
        return ([{"text": document.text[one.start : one.end], **one._asdict()} for one in found],)
