"""The table of tasks."""

import pytest

from pipeline.config import ClassificationSettings, EmbeddingsSettings, ModelSettings, NerSettings
from pipeline.tasks import make_task, task_name

MODEL = ModelSettings(path=".")
SETTINGS = (
    (NerSettings(type="ner", model=MODEL), "ner", "entities"),
    (EmbeddingsSettings(type="embeddings", model=MODEL), "embeddings", "embedding"),
    (ClassificationSettings(type="classification", name="mood", model=MODEL), "mood", "mood_label"),
)


@pytest.mark.parametrize(
    ("settings", "name", "column"), SETTINGS, ids=lambda value: str(value)[:12]
)
def test_make_task_every_type_has_a_task_a_name_and_columns(ner, settings, name, column):
    assert make_task(settings, ner).fields[0].name == column
    assert task_name(settings) == name
