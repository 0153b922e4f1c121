"""The checkpoints' own language, for records that have none."""

import json
from pathlib import Path

import pytest
from transformers import XmodForTokenClassification

from pipeline.config import JobSettings, LanguageSettings
from pipeline.errors import ConfigError
from pipeline.planning.default_language import with_default
from pipeline.planning.plan import Options, make_plan
from pipeline.reporting.summary import plan_table
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import LANGUAGES, open_folder, save_checkpoint
from tests.helpers.parquet_files import write

DEFAULT = LanguageSettings(fallback="default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("german")
    return save_checkpoint(folder, XmodForTokenClassification, default_language="de_DE")


@pytest.fixture
def german(folder: Path) -> Checkpoint:
    return open_folder(folder)


def other(folder: Path, tmp_path: Path, **changes: object) -> Checkpoint:
    """The checkpoint in ``folder`` with ``changes`` of its config."""
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    values = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps({**values, **changes}))
    return open_folder(tmp_path)


def test_with_default_takes_that_of_the_checkpoints(german):
    assert with_default(DEFAULT, [german, german]).fallback_language == "de_DE"


@pytest.mark.parametrize(
    "settings",
    [
        LanguageSettings(),
        LanguageSettings(fallback="related"),
        LanguageSettings(fallback="default", fallback_language="th_TH"),
    ],
)
def test_with_default_leaves_settings_that_need_none(german, settings):
    assert with_default(settings, [german]) is settings


@pytest.mark.parametrize("code", [None, "en_XX", "sw_KE"])
def test_with_default_of_checkpoints_that_offer_none_in_common_says_what_to_set(
    german, folder, tmp_path, code
):
    second = other(folder, tmp_path, default_language=code)
    with pytest.raises(ConfigError) as caught:
        with_default(DEFAULT, [german, second])
    for part in ("'de_DE'", repr(code), str(tmp_path), "Set language.fallback_language"):
        assert part in str(caught.value)


@pytest.mark.parametrize("code", [None, "sw_KE"])
def test_with_default_of_one_checkpoint_without_a_use_is_refused(folder, tmp_path, code):
    with pytest.raises(ConfigError, match="offer no language for it"):
        with_default(DEFAULT, [other(folder, tmp_path, default_language=code)])


def test_plan_of_a_job_without_a_default_shows_and_uses_the_checkpoints(folder, tmp_path):
    corpus = write(tmp_path / "in.parquet", {"text": ["Hallo", "12345"], "tag": ["de", None]})
    tree = {
        "input": {"uri": str(corpus), "language_column": "tag"},
        "output": {"uri": str(tmp_path / "out")},
        "language": {"fallback": "default", "detector": "pycld2", "candidates": ["th_TH"]},
        "tasks": [{"type": "ner", "model": {"path": str(folder)}}],
    }
    job = (plan := make_plan(JobSettings.model_validate(tree), Options())).job
    shown = [list(column.cells) for column in plan_table(plan).columns]
    assert "default, de_DE" in [str(cell) for cell in shown[1]]
    assert job.identity["language"]["fallback_language"] == "de_DE"
    assert job.languages == ("de_DE", "th_TH")
    block = job.identify(job.preparation.reader(plan.units[0]))
    assert block["xmod_language"].to_pylist() == ["de_DE", "de_DE"]
    assert block["language_source"].to_pylist() == ["default", "default"]
    assert set(job.languages) <= set(LANGUAGES)
