"""Trainings on a cluster that others use too."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.helpers.corpora import assert_complete
from tests.helpers.heads import Head, ray_head
from tests.helpers.whole_jobs import WholeJob

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Iterator[Head]:
    """A cluster of two CPUs."""
    with ray_head(tmp_path_factory.mktemp("head"), cpus=2) as running:
        yield running


@pytest.fixture
def finetune(head, tmp_path, finetune_config) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command on the cluster, with changes to the section ``runtime``."""

    def run(**runtime: object) -> subprocess.CompletedProcess[str]:
        settings = finetune_config("classification", "on_a_cluster").model_dump(mode="json")
        settings["out"] = str(tmp_path / "topic")
        settings["runtime"] |= runtime
        config = tmp_path / "finetune.yaml"
        config.write_text(yaml.safe_dump(settings))
        return subprocess.run(
            [sys.executable, "jobs/finetune.py", "--config", str(config)],
            env={**os.environ, **head.address},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=500,
        )

    return run


@pytest.mark.long
def test_training_beside_an_annotation_both_finish(head, tmp_path, models, finetune):
    job = WholeJob.over(tmp_path, models, rows=200, unit_rows=10)
    job.environment.update(head.address)
    with job.started() as annotating:
        assert job.wait_for_more(annotating, 0)
        trained = finetune()
        assert annotating.wait(300) == 0
    assert trained.returncode == 0, trained.stderr
    assert (tmp_path / "topic" / "config.json").is_file()
    assert_complete(str(job.output), job.ids)


@pytest.mark.long
def test_training_that_finds_no_room_in_time_ends_with_5(head, finetune):
    with head.foreign_actor(cpus=2):
        result = finetune(start_timeout=3)
    assert result.returncode == 5, result.stderr
    assert "no room for 1 x 1 CPU after" in result.stderr
    assert "Traceback" not in result.stderr
