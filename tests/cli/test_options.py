"""What a shell completes."""

from pipeline.cli.options import complete_config, setting_keys
from pipeline.config import JobSettings


def test_setting_keys_are_those_of_values_at_any_depth():
    keys = list(setting_keys(JobSettings))
    assert {"input.uri", "runtime.actors.min", "prices.cpu_hour"} <= set(keys)
    assert "input" not in keys
    assert not [key for key in keys if key.startswith("RENAMED")]


def test_complete_config_has_what_ships_and_what_is_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nearby.yaml").touch()
    assert complete_config("ne") == ["ner", "nearby.yaml"]
