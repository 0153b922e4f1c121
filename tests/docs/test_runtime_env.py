"""The runtime environment for nodes that have only Ray: its pins, and a job on such a node."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.checkouts import clone
from tests.helpers.heads import ray_head
from tests.helpers.pages import PAGES, ROOT, snippets

FILE = ROOT / "infra" / "ray" / "runtime_env.yaml"
OUTPUT = "s3://bucket/from_bare_nodes"
LOCK = (ROOT / "requirements.lock").read_text().splitlines()


def test_file_is_what_the_lock_gives():
    writer = [sys.executable, ROOT / "infra" / "ray" / "runtime_env.py"]
    written = subprocess.run(writer, capture_output=True, text=True, check=True)
    assert written.stdout == FILE.read_text(), "run make lock"


def test_pins_are_of_the_lock_and_have_every_base_dependency_but_ray():
    pins = yaml.safe_load(FILE.read_text())["pip"]
    pinned = {canonicalize_name(pin.partition("==")[0]) for pin in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert wanted - pinned == {"ray"}
    assert set(pins) <= set(LOCK)


def only_ray(folder: Path) -> Path:
    """The ``bin`` of a new environment that has Ray and what Ray needs."""
    (ray,) = (line for line in LOCK if line.startswith("ray=="))
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = ray.replace("ray", "ray[default,data]")
    pip = [folder / "bin" / "pip", "install", "--quiet", wanted]
    subprocess.run([*pip, "--constraint", ROOT / "requirements.lock"], check=True)
    return folder / "bin"


@pytest.mark.ray
@pytest.mark.s3
@pytest.mark.slow
@pytest.mark.long
def test_job_with_the_runtime_env_runs_where_only_ray_is_installed(bucket, tmp_path):
    every = (one for page in PAGES for one in snippets(page))
    commands = [one for one in every if OUTPUT in one.text]
    programs = only_ray(tmp_path / "node")
    assert subprocess.run([programs / "python", "-c", "import typer"]).returncode == 1
    (tmp_path / "reader").mkdir()
    with ray_head(tmp_path, str(programs / "ray")) as head:
        reader = clone(tmp_path / "reader" / "xmod-pipeline", head.environment)
        assert [one.text.split()[1] for one in commands] == ["job", "jobs/verify.py"]
        for command in commands:
            reader.run(command.text, command.place)
