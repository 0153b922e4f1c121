"""What can be said of the image without building it."""

import importlib.metadata
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DOCKERFILE = DockerfileParser(str(ROOT / "infra" / "docker"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = dict(
    (canonicalize_name(name), version)
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
)


def values(instruction: str) -> list[str]:
    return [step["value"] for step in DOCKERFILE.structure if step["instruction"] == instruction]


def copied() -> list[str]:
    """The sources of all COPY that are of this repository."""
    return [
        source
        for value in values("COPY")
        if not value.startswith("--from=")
        for source in value.split()[:-1]
    ]


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, ROOT / "infra" / "docker" / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_ray_is_that_of_the_lock():
    assert DOCKERFILE.labels["ray.version"] == LOCK["ray"]


def test_python_is_one_that_the_package_takes_and_the_tests_run_on():
    (version,) = (
        value.removeprefix("PYTHON=") for value in values("ARG") if value.startswith("PYTHON=")
    )
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(version)
    assert version.rpartition(".")[0] == ".".join(platform.python_version_tuple()[:2])


def test_base_images_are_pinned_to_a_patch_version():
    stages = {value.partition(" AS ")[2] for value in values("FROM")}
    bases = [image for image in DOCKERFILE.parent_images if image not in stages]
    assert len(bases) == 2
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+-", base)] == []


def test_user_is_not_root():
    assert values("USER") == ["1000:1000"]
    assert any("useradd --uid 1000 " in value for value in values("RUN"))


def test_tools_that_install_are_those_of_the_makefile():
    pins = re.compile(r"pip==[\d.]+")
    assert set(pins.findall(" ".join(values("RUN")))) == set(
        pins.findall((ROOT / "Makefile").read_text().partition("AIRFLOW")[0])
    )


def test_files_that_are_copied_exist_and_are_all_that_the_build_sees():
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in rules
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(set(copied()))


def test_command_and_hook_are_in_the_image():
    assert {"jobs", "infra/docker/stop_driver.py"} <= set(copied())
    (command,) = values("CMD")
    assert '"jobs/annotate.py"' in command


def test_steps_that_install_take_versions_from_the_lock():
    installs = [value for value in values("RUN") if "pip install" in value][1:]
    assert len(installs) == 3
    assert all("requirements.lock" in value for value in installs)


def test_requirement_of_the_package_and_of_those_is_in_the_lock():
    todo = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement = todo.pop()
        for extra in requirement.extras | {""}:
            key = (canonicalize_name(requirement.name), extra)
            if key not in seen:
                seen.add(key)
                todo += needed(requirement.name, extra)
    assert {name for name, _ in seen} - LOCK.keys() == set()


def needed(name: str, extra: str) -> list[Requirement]:
    lines = importlib.metadata.distribution(name).requires or []
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]


def test_wheel_takes_every_file_of_the_package_and_the_configs():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": ["pipeline"], "force-include": {"configs": "pipeline/configs"}}
    tracked = subprocess.run(
        ["git", "ls-files", "pipeline"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {path.suffix for path in map(Path, tracked)} > {".py", ".json", ".safetensors", ".html"}
