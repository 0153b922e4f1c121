"""The heads that can be trained, one file each, and their table."""

from pipeline.training.heads.causal_lm import CAUSAL_LM
from pipeline.training.heads.classification import CLASSIFICATION
from pipeline.training.heads.embeddings import EMBEDDINGS
from pipeline.training.heads.head import Figures, Head
from pipeline.training.heads.masked_lm import MASKED_LM
from pipeline.training.heads.multiple_choice import MULTIPLE_CHOICE
from pipeline.training.heads.ner import NER
from pipeline.training.heads.question_answering import QUESTION_ANSWERING
from pipeline.training.settings import Task

HEADS: dict[Task, Head] = {
    Task.NER: NER,
    Task.CLASSIFICATION: CLASSIFICATION,
    Task.QUESTION_ANSWERING: QUESTION_ANSWERING,
    Task.MULTIPLE_CHOICE: MULTIPLE_CHOICE,
    Task.MASKED_LM: MASKED_LM,
    Task.CAUSAL_LM: CAUSAL_LM,
    Task.EMBEDDINGS: EMBEDDINGS,
}

__all__ = ["HEADS", "Figures", "Head"]
