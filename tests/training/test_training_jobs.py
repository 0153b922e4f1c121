"""The training commands as a user runs them: from a config to a checkpoint that annotates."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from transformers import XmodForSequenceClassification

from pipeline.config import load
from pipeline.training.settings import (
    AddLanguageConfig,
    EvaluateConfig,
    FinetuneConfig,
    PretrainConfig,
)

ROOT = Path(__file__).parents[2]
NOTICED_WITHIN = 6.0
"""Seconds after which Ray Train knows of a checkpoint; it asks its workers every two."""
CONFIGS = {
    "pretrain.yaml": PretrainConfig,
    "finetune_ner.yaml": FinetuneConfig,
    "finetune_topic.yaml": FinetuneConfig,
    "finetune_embeddings.yaml": FinetuneConfig,
    "add_language.yaml": AddLanguageConfig,
    "finetune_topic_english.yaml": FinetuneConfig,
    "evaluate.yaml": EvaluateConfig,
    "transfer.yaml": EvaluateConfig,
}


def run(job: str, config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"jobs/{job}.py", "--config", str(config), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", CONFIGS)
def test_config_of_the_repository_can_be_used(name):
    load(ROOT / "configs" / name, [], CONFIGS[name])


@pytest.mark.parametrize("job", ["pretrain", "finetune", "add_language", "evaluate"])
def test_job_with_a_config_that_cannot_be_used_says_what_is_wrong(job, tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text("outt: somewhere\n", encoding="utf-8")
    done = run(job, config)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith(f"{job}: {config} cannot be used")
    assert "outt: unknown key; did you mean 'out'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.ray
def test_finetune_and_evaluate_from_the_command_line(finetune_config, corpora, tmp_path):
    """A Ray of their own, as on a user's machine."""
    settings = finetune_config("classification", "by_command").model_dump(mode="json")
    settings["out"] = str(tmp_path / "topic")
    settings["base"] = os.path.relpath(settings["base"], ROOT)  # to the working folder
    config = tmp_path / "finetune.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    done = run("finetune", config)
    assert done.returncode == 0, done.stderr
    model = XmodForSequenceClassification.from_pretrained(tmp_path / "topic")
    assert model.config.id2label == {0: "person", 1: "place"}

    scores = {
        "checkpoints": {
            "topic": {
                "task": "classification",
                "checkpoint": str(tmp_path / "topic"),
                "data": str(corpora / "topic.parquet"),
            }
        },
        "out": str(tmp_path / "scores"),
        "batch_size": 8,
        "threads": 1,
    }
    config = tmp_path / "evaluate.yaml"
    config.write_text(yaml.safe_dump(scores), encoding="utf-8")
    done = run("evaluate", config)
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("accuracy", "own", "none", "zh_CN", "mean"))
    assert (tmp_path / "scores" / "scores.json").exists()
    done = run("evaluate", config, "--transfer")
    assert done.returncode == 2
    assert "has source" in done.stderr


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.ray
def test_finetune_that_was_killed_goes_on_with_the_same_command(finetune_config, tmp_path):
    settings = finetune_config("classification", "killed", epochs=150).model_dump(mode="json")
    settings["out"] = str(tmp_path / "topic")
    settings["runtime"]["save_steps"] = 100
    settings["optimisation"]["max_minutes"] = 5
    config = tmp_path / "finetune.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "jobs/finetune.py", "--config", str(config)]
    first = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )
    until(
        lambda: list(tmp_path.glob(".training/topic-*/checkpoint_*/checkpoint/trainer_state.json"))
    )
    time.sleep(NOTICED_WITHIN)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not (tmp_path / "topic" / "config.json").exists()
    done = run("finetune", config)
    assert done.returncode == 0, done.stderr
    steps = [int(step) for step in re.findall(r"step (\d+) of", done.stdout + done.stderr)]
    assert min(steps) > 100
    assert max(steps) == settings["epochs"] * 16
    XmodForSequenceClassification.from_pretrained(tmp_path / "topic")


def until(there: Callable[[], object]) -> None:
    """Wait for something to be there."""
    deadline = time.monotonic() + 120
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.2)
