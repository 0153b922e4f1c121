"""A clean clone of the checkout, in which commands run as in a reader's shell."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.exceptions import as_run, promised
from tests.helpers.pages import ROOT

ENVIRONMENT = Path(sys.executable).parents[1]


@dataclass(frozen=True)
class Checkout:
    """A clone and the environment of its shell. What has run in it is not run again."""

    folder: Path
    environment: Mapping[str, str]
    done: set[str] = field(default_factory=set)

    def run(self, command: str, place: str) -> None:
        """Run ``command`` of the page and line ``place``: exit code 0, and the files are there."""
        if command not in self.done:
            self.succeeds(["bash", "-euo", "pipefail", "-c", as_run(command)], place)
            missing = [file for file in promised(command) if not (self.folder / file).exists()]
            assert missing == [], f"{place}: {command}"
            self.done.add(command)

    def run_python(self, text: str, place: str) -> None:
        self.succeeds([sys.executable, "-c", text], place)

    def succeeds(self, command: list[str], place: str) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{place}: {command[-1]}\n{done.stdout}\n{done.stderr}"


def clone(folder: Path, environment: Mapping[str, str]) -> Checkout:
    """A clone at ``folder``, with this process's installation in the place of its ``.venv``.

    Its own `pipeline` comes first on the path: the installation is of another checkout. Changes of
    tracked files that are not committed yet are in the clone as well.
    """
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    diff = ["git", "diff", "--binary", "HEAD"]
    changes = subprocess.run(diff, cwd=ROOT, capture_output=True, check=True).stdout
    if changes:
        subprocess.run(["git", "apply"], cwd=folder, input=changes, check=True)
    (folder / ".venv").symlink_to(ENVIRONMENT)
    for source in ("requirements.lock", "pyproject.toml"):
        os.utime(folder / source, (0, 0))  # older than the installation: make is content with it
    home = folder.with_name("home")
    home.mkdir()
    shell = {
        **environment,
        "HOME": str(home),
        "PATH": f"{folder}/.venv/bin{os.pathsep}{environment['PATH']}",
        "PYTHONPATH": str(folder),
        "COLUMNS": "200",
    }
    return Checkout(folder, shell)
