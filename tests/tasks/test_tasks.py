"""The table of tasks."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.config import TaskSettings
from pipeline.tasks import _TASKS, make_task, model_input_of, task_name
from pipeline.tasks.model_inputs import Beside
from pipeline.xmod.heads import HEADS, require_head

MODEL = {"path": "."}
TYPES = {
    "ner": ("ner", "ner", ["entities"]),
    "classification": ("topic", "mood", ["mood_label", "mood_score"]),
    "regression": ("grades", "mood", ["mood_valence", "mood_arousal"]),
    "embeddings": ("ner", "embeddings", ["embedding"]),
    "token_vectors": ("ner", "token_vectors", ["token_vectors", "token_starts", "token_ends"]),
    "question_answering": ("answerer", "mood", ["mood_answers"]),
    "multiple_choice": ("chooser", "mood", ["mood_choice", "mood_score"]),
    "masked_lm": ("masked", "masked_lm", ["pseudo_log_likelihood", "pseudo_perplexity"]),
    "fill_mask": ("masked", "fill_mask", ["mask_predictions"]),
    "causal_lm": ("decoder", "causal_lm", ["log_likelihood", "perplexity"]),
    "generation": ("decoder", "generation", ["continuation"]),
}
"""Type → a checkpoint of its kind, the task's name, and its columns."""

BESIDE = {"question_answering": Beside.QUESTION, "multiple_choice": Beside.CHOICES}


SETTINGS = TypeAdapter(TaskSettings)


def settings_of(kind: str) -> TaskSettings:
    """The defaults, with a name where the type has one."""
    try:
        return SETTINGS.validate_python({"type": kind, "model": MODEL})
    except ValidationError:
        return SETTINGS.validate_python({"type": kind, "model": MODEL, "name": "mood"})


def test_types_are_those_of_the_settings_and_of_the_table():
    settings = get_args(get_args(TaskSettings)[0])
    types = [get_args(one.model_fields["type"].annotation) for one in settings]
    assert types == [(kind,) for kind in TYPES]
    assert list(_TASKS) == list(TYPES)


@pytest.mark.parametrize("kind", TYPES)
def test_make_task_every_type_has_a_task_a_name_columns_and_a_head(kind, request):
    fixture, name, columns = TYPES[kind]
    settings, checkpoint = settings_of(kind), request.getfixturevalue(fixture)
    task = make_task(settings, checkpoint)
    assert [field.name for field in task.fields] == columns
    assert task_name(settings) == name
    assert task.architecture in HEADS
    require_head(checkpoint, task.architecture)


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize(
    ("values", "second_texts", "beside", "asked"),
    [
        ({}, True, Beside.SECOND_AFTER, ()),
        ({"pair": "second_first"}, True, Beside.SECOND_BEFORE, ()),
        ({"pair": "none"}, True, Beside.NOTHING, ()),
        ({"second_text": "a"}, False, Beside.SECOND_AFTER, ("a",)),
        ({"second_text": "a", "pair": "second_first"}, True, Beside.SECOND_BEFORE, ("a",)),
    ],
)
def test_model_input_of_a_pair_has_its_order(kind, values, second_texts, beside, asked, ner):
    given = {"type": kind, "model": MODEL, "name": "mood", **values}
    settings, tokenizer = SETTINGS.validate_python(given), ner.window_tokenizer(64)
    found = model_input_of(settings, tokenizer, second_texts=second_texts)
    assert (found.beside, found.asked) == (beside, asked)


@pytest.mark.parametrize("kind", TYPES)
def test_model_input_of_every_type_says_what_is_beside_the_text(kind, ner):
    tokenizer = ner.window_tokenizer(64)
    found = model_input_of(settings_of(kind), tokenizer)
    assert (found.tokenizer, found.beside) == (tokenizer, BESIDE.get(kind, Beside.NOTHING))
