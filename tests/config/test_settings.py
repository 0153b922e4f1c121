"""Values that settings take, refuse, and check against each other."""

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from pipeline.config import (
    Aggregation,
    ClassificationSettings,
    EmbeddingsSettings,
    Fallback,
    InputSettings,
    JobSettings,
    LanguageSettings,
    NerSettings,
    RuntimeSettings,
    load,
)

MODEL = {"path": "model"}
NER: dict[str, Any] = {"type": "ner", "model": MODEL}
EMBEDDINGS: dict[str, Any] = {"type": "embeddings", "model": MODEL}


def topic(name: str) -> dict[str, Any]:
    return {"type": "classification", "name": name, "model": MODEL}


def job(*tasks: dict[str, Any], **sections: object) -> JobSettings:
    return JobSettings.model_validate(
        {"input": {"uri": "in"}, "output": {"uri": "out"}, "tasks": tasks, **sections}
    )


def test_job_settings_smallest_has_the_documented_defaults():
    settings = job(NER)
    assert settings.input.text_column == "text"
    assert settings.input.keep_columns == "all"
    assert settings.language.fallback is Fallback.QUARANTINE
    assert settings.runtime.max_windows is None
    assert settings.tasks[0].type == "ner"


def test_task_settings_type_chooses_the_model():
    tasks = job(NER, topic("topic"), EMBEDDINGS).tasks
    assert [type(task) for task in tasks] == [
        NerSettings,
        ClassificationSettings,
        EmbeddingsSettings,
    ]
    assert tasks[0].type == "ner"
    assert tasks[0].aggregation is Aggregation.WORDS
    assert tasks[2].type == "embeddings"
    assert (tasks[2].pooling, tasks[2].normalize, tasks[2].prefix) == (None, None, None)


def test_job_settings_without_tasks_is_refused():
    with pytest.raises(ValidationError, match="at least 1 item"):
        job()


@pytest.mark.parametrize(
    "tasks",
    [(NER, NER), (EMBEDDINGS, EMBEDDINGS), (topic("a"), topic("a")), (NER, topic("b"), topic("b"))],
)
def test_job_settings_tasks_of_one_name_are_refused(tasks: tuple[dict[str, Any], ...]):
    with pytest.raises(ValidationError, match="tasks write the same columns: "):
        job(*tasks)


def test_job_settings_classifications_of_two_names_are_taken():
    assert len(job(topic("a"), topic("b")).tasks) == 2


ANSWER: dict[str, Any] = {"type": "question_answering", "name": "qa", "model": MODEL}
RANK: dict[str, Any] = {"type": "regression", "name": "rank", "model": MODEL}
CHOOSE: dict[str, Any] = {"type": "multiple_choice", "name": "best", "model": MODEL}


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (ANSWER, "task 'qa' has no question; set its question, or input.question_column"),
        (CHOOSE, "task 'best' has no choices; set its choices, or input.choices_column"),
        ({**CHOOSE, "choices": ["a"]}, "there is one choice, 'a'; expected two or more"),
        ({**ANSWER, "question": ""}, "at least 1 character"),
        ({**topic("nli"), "second_text": ""}, "at least 1 character"),
        ({**topic("nli"), "second_text": "a", "pair": "none"}, "leave one of them out"),
        ({**topic("nli"), "pair": "text_first"}, "task 'nli' has no second_text; set its"),
        ({**RANK, "pair": "second_first"}, r"or input\.second_text_column"),
    ],
)
def test_job_settings_task_that_has_nothing_to_ask_is_refused(task: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        job(task)


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ({**ANSWER, "question": "Who?"}, {}),
        (ANSWER, {"question_column": "q"}),
        ({**CHOOSE, "choices": ["a", "b"]}, {}),
        (CHOOSE, {"choices_column": "c"}),
        (RANK, {}),
        ({**RANK, "pair": "none"}, {"second_text_column": "s"}),
        ({**RANK, "pair": "second_first", "second_text": "why?"}, {}),
        ({**RANK, "pair": "second_first"}, {"second_text_column": "s"}),
    ],
)
def test_job_settings_questions_and_choices_are_the_tasks_or_each_records(
    task: dict[str, Any], columns: dict[str, str]
):
    assert job(task, input={"uri": "in", **columns}).tasks[0].type == task["type"]


ANNOTATIONS = [
    path for path in sorted(Path("configs").glob("*.yaml")) if "\ntasks:\n  - " in path.read_text()
]


@pytest.mark.parametrize("path", ANNOTATIONS, ids=lambda path: path.stem)
def test_config_of_an_annotation_is_taken(path: Path):
    assert load(path, [], JobSettings).tasks


@pytest.mark.parametrize("name", ["", "1st", "_hidden", "a-b", "a b", "größe", "a\n"])
def test_classification_name_that_makes_no_column_is_refused(name: str):
    with pytest.raises(ValidationError, match="name"):
        ClassificationSettings.model_validate(topic(name))


def test_language_settings_fallback_default_may_name_a_default():
    assert LanguageSettings(fallback=Fallback.DEFAULT).fallback_language is None
    settings = LanguageSettings(fallback=Fallback.DEFAULT, fallback_language="en_XX")
    assert settings.fallback_language == "en_XX"


@pytest.mark.parametrize("values", [{"min_score": -0.1}, {"min_score": 1.1}, {"fallback": "guess"}])
def test_language_settings_out_of_range_is_refused(values: dict[str, object]):
    with pytest.raises(ValidationError):
        LanguageSettings.model_validate(values)


def test_runtime_actors_one_number_sets_both_bounds():
    assert RuntimeSettings.model_validate({"actors": 3}).actors.min == 3
    pool = RuntimeSettings.model_validate({"actors": {"min": 1, "max": 4}}).actors
    assert (pool.min, pool.max) == (1, 4)


@pytest.mark.parametrize("actors", [0, -1, {"min": 3, "max": 2}, {"min": 0}, "many", [1, 2]])
def test_runtime_actors_without_an_actor_or_order_is_refused(actors: object):
    with pytest.raises(ValidationError, match="actors"):
        RuntimeSettings.model_validate({"actors": actors})


@pytest.mark.parametrize(
    "values",
    [
        {"unit_rows": 0},
        {"unit_bytes": 0},
        {"max_length": 8},
        {"max_windows": 0},
        {"stride": -1},
        {"max_attempts": 0},
        {"max_attempts": 11},
        {"cpus_per_actor": 0},
        {"gpus_per_actor": -1},
        {"max_batch_tokens": 0},
        {"unit_timeout": 0},
        {"unit_timeout": float("inf")},
        {"row_timeout": float("nan")},
        {"device": "tpu"},
        {"dtype": "int4"},
    ],
)
def test_runtime_settings_out_of_range_is_refused(values: dict[str, object]):
    with pytest.raises(ValidationError):
        RuntimeSettings.model_validate(values)


@pytest.mark.parametrize(("length", "stride"), [(128, 64), (129, 64), (16, 8), (64, 100)])
def test_runtime_stride_of_half_a_window_is_refused(length: int, stride: int):
    with pytest.raises(ValidationError, match="so that windows advance"):
        RuntimeSettings(max_length=length, stride=stride)


def test_runtime_stride_below_half_a_window_is_taken():
    assert RuntimeSettings(max_length=130, stride=64).stride == 64


def test_input_max_text_bytes_is_positive():
    with pytest.raises(ValidationError, match="greater than 0"):
        InputSettings(uri="a", max_text_bytes=0)


def test_settings_values_do_not_change_after_they_are_made():
    settings = job(NER)
    for section, key in (
        ("input", "uri"),
        ("language", "fallback_language"),
        ("runtime", "max_attempts"),
    ):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(getattr(settings, section), key, 1)


def keys_of(model: type[BaseModel], place: str) -> set[str]:
    """The keys of ``model`` and of the sections in it, as ``place.key``."""
    keys = {f"{place}{key}" for key in model.model_fields}
    for key, field in model.model_fields.items():
        for section in (field.annotation, *get_args(field.annotation)):
            if isinstance(section, type) and issubclass(section, BaseModel):
                keys |= keys_of(section, f"{place}{key}.")
    return keys


def written_keys(tree: dict[str, Any], place: str) -> set[str]:
    inner = [written_keys(v, f"{place}{k}.") for k, v in tree.items() if isinstance(v, dict)]
    return {f"{place}{key}" for key in tree}.union(*inner)


def test_config_that_explains_the_keys_has_all_of_them_and_no_other():
    text = Path("configs/ner.yaml").read_text()
    tree = yaml.safe_load(text)
    (task,) = tree.pop("tasks")
    assert written_keys(tree, "") == keys_of(JobSettings, "") - {"tasks"}
    assert written_keys(task, "") == keys_of(NerSettings, "")
    values = [line for line in text.splitlines() if ": " in line.partition("#")[0]]
    assert [line for line in values if "  # " not in line] == []


def test_config_that_explains_the_keys_shows_their_defaults():
    settings = load("configs/ner.yaml", [], JobSettings)
    assert settings.runtime == RuntimeSettings()
    assert settings.language == LanguageSettings()
    shown = {"uri", "id_column", "language_column"}
    assert settings.input.model_dump(exclude=shown) == InputSettings(uri="").model_dump(
        exclude=shown
    )
