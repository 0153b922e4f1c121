"""YAML and overrides that become settings, and what is said of those that cannot."""

from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.config import JobSettings, load
from pipeline.errors import ConfigError

COMPLETE = """
input:
  uri: corpus
output:
  uri: out
tasks:
  - type: ner
    model: {path: models/ner}
  - type: classification
    name: topic
    model:
      path: models/topic
runtime:
  unit_rows: 100
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(COMPLETE)
    return path


def complaint(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, overrides, JobSettings)
    return str(caught.value)


def test_load_complete_file_gives_frozen_settings(config: Path):
    settings = load(config, [], JobSettings)
    assert settings.runtime.unit_rows == 100
    assert [task.type for task in settings.tasks] == ["ner", "classification"]
    with pytest.raises(ValueError, match="frozen"):
        settings.runtime.unit_rows = 5


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("inputs.uri=x", "inputs: unknown key; did you mean 'input'?"),
        ("runtime.unit_row=5", "runtime.unit_row: unknown key; did you mean 'unit_rows'?"),
        ("runtime.actors.maxx=5", "runtime.actors.maxx: unknown key; did you mean 'max'?"),
        ("tasks.0.agregation=max", "tasks.0.agregation: unknown key; did you mean 'aggregation'?"),
        ("tasks.1.prob=true", "tasks.1.prob: unknown key; did you mean 'probs'?"),
        (
            "tasks.1.model.revison=a",
            "tasks.1.model.revison: unknown key; did you mean 'revision'?",
        ),
    ],
)
def test_load_unknown_key_names_the_nearest(config: Path, override: str, expected: str):
    assert expected in complaint(config, override)


def test_load_unknown_key_like_no_other_lists_the_known_ones(config: Path):
    assert "output.zzzz: unknown key; known here: uri" in complaint(config, "output.zzzz=1")


def test_load_unknown_key_does_not_show_its_value(config: Path):
    assert "hunter2" not in complaint(config, "output.secret_key=hunter2")


def test_load_missing_key_is_named_as_the_file_has_it(tmp_path: Path):
    path = tmp_path / "job.yaml"
    path.write_text("input: {uri: a}\ntasks: [{type: ner}]\n")
    message = complaint(path)
    assert "output: missing, and it has no default" in message
    assert "tasks.0.model: missing, and it has no default" in message


def test_load_several_problems_lists_them_all(config: Path):
    message = complaint(config, "runtime.unit_rows=0", "language.min_score=2")
    assert "runtime.unit_rows: Input should be greater than 0 (seen: 0)" in message
    assert "language.min_score: Input should be less than or equal to 1 (seen: 2)" in message


def test_load_unknown_task_type_names_the_known_ones(config: Path):
    message = complaint(config, "tasks.0.type=nerd")
    for known in ("ner", "classification", "embeddings"):
        assert f"'{known}'" in message


def test_load_overrides_change_values_in_lists_and_sections(config: Path):
    settings = load(
        config,
        ["tasks.0.model.path=models/other", "runtime.actors=2", "runtime.unit_rows=7"],
        JobSettings,
    )
    assert settings.tasks[0].model.path == "models/other"
    assert (settings.runtime.actors.min, settings.runtime.actors.max) == (2, 2)
    assert settings.runtime.unit_rows == 7


def test_load_override_makes_sections_that_the_file_lacks(config: Path):
    settings = load(
        config, ["language.fallback=default", "language.fallback_language=en_XX"], JobSettings
    )
    assert settings.language.fallback_language == "en_XX"


def test_load_override_takes_whole_yaml_values(config: Path):
    overrides = ["input.keep_columns=[a, b]", "runtime.actors={min: 1, max: 3}", "tasks.1.name=x=y"]
    message = complaint(config, *overrides)
    assert "tasks.1.name" in message
    assert "input.keep_columns" not in message
    settings = load(config, overrides[:2], JobSettings)
    assert settings.input.keep_columns == ("a", "b")
    assert settings.runtime.actors.max == 3


def test_load_override_replaces_an_item_of_a_list(config: Path):
    override = "tasks.1={type: embeddings, model: {path: m}}"
    assert load(config, [override], JobSettings).tasks[1].type == "embeddings"


def test_load_later_override_wins(config: Path):
    overrides = ["runtime.unit_rows=1", "runtime.unit_rows=2"]
    assert load(config, overrides, JobSettings).runtime.unit_rows == 2


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("runtime.actors", "is not key=value"),
        ("=2", "is not key=value"),
        ("", "is not key=value"),
        ("tasks.2.model.path=a", "'2' is not a position in a list of 2"),
        ("tasks.first.model.path=a", "'first' is not a position in a list of 2"),
        ("tasks.-1.model.path=a", "'-1' is not a position in a list of 2"),
        ("tasks.².model.path=a", "'²' is not a position in a list of 2"),
        ("tasks.2={type: ner}", "'2' is not a position in a list of 2"),
        ("input.uri.scheme=s3", "'uri' is a value, not a section"),
        ("runtime.actors=[1", "the value is not valid YAML"),
        ("input.uri=*.parquet", "in quotes of its own: --set 'input.uri=\"*.parquet\"'"),
    ],
)
def test_load_bad_override_says_what_is_wrong_with_it(config: Path, override: str, expected: str):
    message = complaint(config, override)
    assert expected in message
    assert repr(override) in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input: [", "is not valid YAML"),
        ("a: b: c", "is not valid YAML"),
        ("", "holds nothing; expected a mapping of sections"),
        ("# only a comment\n", "holds nothing; expected a mapping of sections"),
        ("- input\n", "holds a list; expected a mapping of sections"),
        ("just text", "holds a str; expected a mapping of sections"),
        ("runtime:\ninput: {uri: a}\n", "runtime: Input should be"),
        ("1: 2\n", "Keys should be strings"),
    ],
)
def test_load_file_that_is_no_config_is_refused(tmp_path: Path, text: str, expected: str):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    message = complaint(path)
    assert str(path) in message
    assert expected in message


def test_load_file_that_is_not_utf8_is_refused(tmp_path: Path):
    path = tmp_path / "job.yaml"
    path.write_bytes(b"input: {uri: \xff}")
    assert "is not valid YAML" in complaint(path)


def test_load_missing_file_is_refused(tmp_path: Path):
    assert "No such file or directory. Check --config." in complaint(tmp_path / "none.yaml")
    assert "Is a directory" in complaint(tmp_path)


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['touch {}']", "!!python/name:os.system", "!include x"]
)
def test_load_tag_that_makes_python_objects_is_refused(config: Path, tmp_path: Path, tag: str):
    marker = tmp_path / "ran"
    hostile = tag.replace("{}", str(marker))
    path = tmp_path / "hostile.yaml"
    path.write_text(f"input: {hostile}\n")
    assert "is not valid YAML" in complaint(path)
    assert "the value is not valid YAML" in complaint(config, f"input.uri={hostile}")
    assert not marker.exists()


def test_load_thresholds_by_language_from_an_override(config: Path):
    settings = load(config, ["language.min_scores.ms_MY=0.7"], JobSettings)
    assert settings.language.min_scores == (("ms_MY", 0.7),)
    assert settings.language.least_score("ms_MY") == 0.7
    assert settings.language.least_score("id_ID") == 0.5


@pytest.mark.parametrize(
    ("override", "score", "actors"),
    [
        ("language.min_scores.ms_MY=7e-1", 0.7, 1),
        ("language.min_scores.ms_MY='0.7'", 0.7, 1),
        ("runtime.actors=1_0", 0.5, 10),
        ("runtime.actors=04", 0.5, 4),
        ("runtime.actors=4.0", 0.5, 4),
    ],
)
def test_load_numbers_that_are_strings_in_yaml(config: Path, override, score, actors):
    settings = load(config, [override], JobSettings)
    assert settings.language.least_score("ms_MY") == score
    assert settings.runtime.actors.max == actors


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("language.min_scores.ms_MY=yes", "ms_MY is 'yes'; expected a score from 0 to 1"),
        ("language.min_scores.ms_MY=true", "ms_MY is True; expected a score from 0 to 1"),
        ("runtime.actors=yes", "runtime.actors.max: Input should be a valid integer"),
        ("language.min_scores.ms_MY=2", "ms_MY is 2; expected a score from 0 to 1"),
        ("language.min_scores={1: 0.5, ms_MY: 0.7}", "a key is 1; expected an X-MOD language"),
        ("language.candidates=[de_DE, de_DE]", "de_DE is there twice"),
        ("language.candidates=[]", "language.candidates is empty"),
    ],
)
def test_load_language_settings_that_make_no_sense_are_explained(config, override, message):
    with pytest.raises(ConfigError) as raised:
        load(config, [override], JobSettings)
    assert message in str(raised.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 10000 values once aliases are written out"),
        ("a: &a {b: *a}\n", "more than 10000 values"),
        ("input: &a [*a]\n", "more than 10000 values"),
        ("a: " + "[" * 100_000, "not valid YAML"),
        ("a: " + "x" * (2 << 20), "more than 1048576 bytes; expected a job's settings"),
    ],
    ids=["billion laughs", "itself", "itself in a list", "deep", "long"],
)
def test_load_bomb_is_refused_at_once(tmp_path: Path, text: str, message: str):
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load(path, [], JobSettings)


def test_load_bomb_in_an_override_is_refused(config: Path):
    for override in ("input.keep_columns=&a [*a]", "input.keep_columns=" + "[" * 100_000):
        with pytest.raises(ConfigError, match=r"more than 10000 values|not valid YAML"):
            load(config, [override], JobSettings)


def test_load_takes_nothing_from_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET", "taken")
    for value in ("$SECRET", "${SECRET}", "%(SECRET)s", "{{ SECRET }}", "!ENV ${SECRET}"):
        try:
            settings = load(config, [f"output.uri='{value}'"], JobSettings)
        except ConfigError:
            continue
        assert settings.output.uri == value


def test_load_bare_name_is_a_config_that_ships_even_beside_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    assert load("demo", [], JobSettings).output.uri == "out/demo"


def test_load_file_comes_before_a_config_that_ships(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ner").write_text(config.read_text())
    assert load("ner", [], JobSettings) == load(config, [], JobSettings)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("runtime.rounds=3", "max_attempts"),
        ("runtime.grace=3", "shutdown_timeout"),
        ("language.majority=true", "unit_prior"),
        ("language.default=en_XX", "fallback_language"),
    ],
)
def test_load_key_of_an_earlier_version_names_the_new_one(config: Path, old: str, new: str):
    key = old.partition("=")[0]
    assert f"{key}: unknown key; it is called '{new}' now" in complaint(config, old)


ODD = (
    *("2026-11-27", "2026-13-45", "2026-11-27T10:00:00Z", "9" * 5000, "0x" + "f" * 5000, "1:30"),
    *(
        "no",
        ".nan",
        "-.inf",
        "1e400",
        "010",
        "[]",
        "{}",
        "[[]]",
        "\x00",
        "!!binary x",
        "{a: 1, a: 2}",
    ),
    *(
        "!!timestamp x",
        "!!int x",
        "!!bool x",
        "!!float x",
        "!!set {a}",
        "\ud800",
        "'" + "9" * 5000 + "'",
    ),
)
KEYS = (
    *("input.uri", "input.keep_columns", "input.max_text_bytes", "language.min_score"),
    *("language.expected", "language.min_scores", "tasks.0.model.revision", "tasks.1.name"),
    *("runtime.actors", "runtime.unit_rows", "runtime.cpus_per_actor", "runtime.device", "prices"),
    *("tasks", "input", "tasks.0", "runtime"),
)


@pytest.mark.parametrize("key", KEYS)
def test_load_odd_values_are_settings_or_explained(config: Path, key: str):
    for value in ODD:
        with suppress(ConfigError):  # any other exception would be a traceback
            load(config, [f"{key}={value}"], JobSettings)


@pytest.mark.parametrize(
    ("override", "read", "expected"),
    [
        ("tasks.0.model.revision=" + "1" * 40, lambda s: s.tasks[0].model.revision, "1" * 40),
        ("input.uri=2026-11-27", lambda s: s.input.uri, "2026-11-27"),
        ("language.expected=[no, da_DK]", lambda s: s.language.expected, ("no", "da_DK")),
        ("runtime.unit_rows=1_000", lambda s: s.runtime.unit_rows, 1000),
        ("language.per_window=yes", lambda s: s.language.per_window, True),
        ("language.min_score=1e-3", lambda s: s.language.min_score, 0.001),
    ],
)
def test_load_gives_each_setting_what_was_written(config: Path, override: str, read, expected):
    assert read(load(config, [override], JobSettings)) == expected


def test_load_key_that_is_there_twice_is_refused(tmp_path: Path):
    path = tmp_path / "job.yaml"
    path.write_text(COMPLETE + "  unit_rows: 200\n")
    assert "the key 'unit_rows' twice" in complaint(path)


def test_load_endless_file_and_impossible_path_are_refused():
    assert "more than 1048576 bytes" in complaint(Path("/dev/zero"))
    assert "Check --config" in complaint(Path("a\0b"))


def test_load_position_of_5000_digits_is_refused(config: Path):
    assert "is not a position" in complaint(config, f"tasks.{'9' * 5000}.name=a")
