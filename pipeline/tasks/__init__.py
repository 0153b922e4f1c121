"""The tasks, one file each; a new task is a file here and a line in ``_TASKS``."""

from collections.abc import Callable
from typing import Any

from pipeline.config import ClassificationSettings, Pair, RegressionSettings, TaskSettings
from pipeline.tasks.causal_lm import CausalLmTask
from pipeline.tasks.classification import ClassificationTask
from pipeline.tasks.embeddings import EmbeddingsTask, embeddings_input
from pipeline.tasks.fill_mask import FillMaskTask
from pipeline.tasks.generation import GenerationTask
from pipeline.tasks.masked_lm import MaskedLmTask
from pipeline.tasks.model_inputs import Beside, ModelInput
from pipeline.tasks.multiple_choice import MultipleChoiceTask
from pipeline.tasks.ner import NerTask
from pipeline.tasks.question_answering import QuestionAnsweringTask
from pipeline.tasks.regression import RegressionTask
from pipeline.tasks.task import Task
from pipeline.tasks.token_vectors import TokenVectorsTask
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import WindowTokenizer

_TASKS: dict[str, Callable[[Any, Checkpoint], Task]] = {
    "ner": NerTask,
    "classification": ClassificationTask,
    "regression": RegressionTask,
    "embeddings": EmbeddingsTask,
    "token_vectors": TokenVectorsTask,
    "question_answering": QuestionAnsweringTask,
    "multiple_choice": MultipleChoiceTask,
    "masked_lm": MaskedLmTask,
    "fill_mask": FillMaskTask,
    "causal_lm": CausalLmTask,
    "generation": GenerationTask,
}

_ORDERS = {
    None: Beside.SECOND_AFTER,
    Pair.TEXT_FIRST: Beside.SECOND_AFTER,
    Pair.SECOND_FIRST: Beside.SECOND_BEFORE,
}


def make_task(settings: TaskSettings, checkpoint: Checkpoint) -> Task:
    """The task of ``settings``; raises CheckpointError where the checkpoint does not fit it."""
    return _TASKS[settings.type](settings, checkpoint)


def task_name(settings: TaskSettings) -> str:
    """The task's name in logs and reports."""
    return str(getattr(settings, "name", settings.type))


def reading_of(
    settings: TaskSettings, checkpoint: Checkpoint, max_length: int, *, second_texts: bool = False
) -> ModelInput:
    """What the task's model reads of a record, in windows of at most ``max_length`` tokens."""
    if settings.type == "embeddings":
        return embeddings_input(settings, checkpoint, max_length)
    tokenizer = checkpoint.window_tokenizer(max_length)
    return model_input_of(settings, tokenizer, second_texts=second_texts)


def model_input_of(
    settings: TaskSettings, tokenizer: WindowTokenizer, *, second_texts: bool = False
) -> ModelInput:
    """What any other model reads of a record; with ``second_texts`` each record has one."""
    if settings.type == "question_answering":
        asked = (settings.question,) if settings.question else ()
        return ModelInput(tokenizer, Beside.QUESTION, asked)
    if settings.type == "multiple_choice":
        return ModelInput(tokenizer, Beside.CHOICES, settings.choices)
    if isinstance(settings, ClassificationSettings | RegressionSettings):
        asked = (settings.second_text,) if settings.second_text else ()
        pairs = settings.pair is not Pair.NONE and (asked or second_texts)
        return (
            ModelInput(tokenizer, _ORDERS[settings.pair], asked) if pairs else ModelInput(tokenizer)
        )
    return ModelInput(tokenizer, masks=settings.type == "fill_mask")
