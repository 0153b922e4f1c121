"""Writes runtime_env.yaml: what the pipeline needs of PyPI, as Ray's runtime environment.

    python infra/ray/runtime_env.py > infra/ray/runtime_env.yaml

Names come from pyproject.toml and from what the packages of this environment ask for, versions from
requirements.lock. Ray itself is left out: it is the cluster's.
"""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

HEADER = """\
# For `ray job submit --runtime-env` to nodes that have only Ray: docs/quick_start.md says how.
# Each node installs this once with pip and reuses it for later jobs. `make lock` writes this file.
pip:
"""


def main() -> None:
    """Print the file."""
    sys.stdout.write(HEADER + "".join(f"  - {pin}\n" for pin in pins()))


def pins() -> list[str]:
    """The lines of requirements.lock that the package leads to, with its extras for stores."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["s3"], *extras["gcs"]]
    names = _closure([Requirement(line) for line in lines])
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lock if canonicalize_name(re.split("[=@ ]", line)[0]) in names]


def _closure(todo: list[Requirement]) -> set[str]:
    """The names of all packages that ``todo`` leads to, without Ray and what only Ray needs."""
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if name != "ray" and (name, extra) not in seen:
                seen.add((name, extra))
                todo += _needed(name, extra)
    return {name for name, _ in seen}


def _needed(name: str, extra: str) -> list[Requirement]:
    lines = importlib.metadata.distribution(name).requires or []
    found = [Requirement(line) for line in lines]
    return [one for one in found if one.marker is None or one.marker.evaluate({"extra": extra})]


if __name__ == "__main__":
    main()
