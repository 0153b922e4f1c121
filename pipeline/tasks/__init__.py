"""The tasks, one file each, and their table: a new task is a file here and a line in ``_TASKS``."""

from collections.abc import Callable
from typing import Any

from pipeline.settings import TaskSettings
from pipeline.tasks.classification import ClassificationTask
from pipeline.tasks.embeddings import EmbeddingsTask
from pipeline.tasks.ner import NerTask
from pipeline.tasks.task import Task
from pipeline.xmod.checkpoint import Checkpoint

_TASKS: dict[str, Callable[[Any, Checkpoint], Task]] = {
    "ner": NerTask,
    "classification": ClassificationTask,
    "embeddings": EmbeddingsTask,
}


def make_task(settings: TaskSettings, checkpoint: Checkpoint) -> Task:
    """The task that ``settings`` describes; raises CheckpointError where that is unfit."""
    return _TASKS[settings.type](settings, checkpoint)


def task_name(settings: TaskSettings) -> str:
    """How logs and reports call the task."""
    return settings.name if settings.type == "classification" else settings.type
