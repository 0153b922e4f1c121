"""The schemas that editors read, held against the models and the configs of the repository."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from docs.config_schemas import SETTINGS, schema_text

CONFIGS = Path(__file__).parents[2] / "configs"
SAYS = "# yaml-language-server: $schema="


def schema_of(config: Path) -> Path:
    first = config.read_text().splitlines()[0]
    assert first.startswith(SAYS), f"{config.name} names no schema"
    return CONFIGS / first.removeprefix(SAYS)


@pytest.mark.parametrize("command", SETTINGS)
def test_schema_of_the_repository_is_that_of_the_settings(command):
    written = (CONFIGS / "schema" / f"{command}.json").read_text()
    assert written == schema_text(command), "run make config-docs"


def test_each_schema_is_of_a_command():
    assert {path.stem for path in (CONFIGS / "schema").glob("*.json")} == set(SETTINGS)


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_config_of_the_repository_fits_the_schema_that_it_names(config):
    schema = json.loads(schema_of(config).read_text())
    jsonschema.validate(yaml.safe_load(config.read_text()), schema)


@pytest.mark.parametrize(
    "runtime", [{"actors": 4}, {"actors": {"min": 1, "max": 4}}, {"dtype": "int8"}]
)
def test_schema_takes_what_the_settings_take(runtime):
    jsonschema.validate(job(runtime), json.loads(schema_text("annotate")))


@pytest.mark.parametrize("runtime", [{"actor": 4}, {"dtype": "int7"}, {"actors": -1.5}])
def test_schema_marks_a_mistake(runtime):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job(runtime), json.loads(schema_text("annotate")))


def job(runtime: dict[str, object]) -> dict[str, object]:
    model = {"path": "model"}
    return {
        "input": {"uri": "a"},
        "output": {"uri": "b"},
        "tasks": [{"type": "ner", "model": model}],
        "runtime": runtime,
    }
