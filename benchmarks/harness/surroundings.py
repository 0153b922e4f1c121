"""What figures depend on besides the code: day, machine, versions, commit, command.

Enters: nothing but the process. Leaves: ``Surroundings``. What holds: nothing is imported to be
asked for its version; a tree with changes is marked ``+``, and results themselves are no change.
"""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "transformers", "ray", "pyarrow")
"""Whose versions every record names."""

_ROOT = Path(__file__).parents[2]
_PROCESSOR = Path("/proc/cpuinfo")


def _processor() -> str:
    """The name that Linux gives; other systems tell it less well."""
    lines = _PROCESSOR.read_text().splitlines() if _PROCESSOR.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _gigabytes() -> float:
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)


@dataclass(frozen=True)
class Machine:
    """What the benchmark ran on; ``load`` is the mean number of busy processes before it began."""

    processor: str = field(default_factory=_processor)
    architecture: str = field(default_factory=platform.machine)
    cores: int | None = field(default_factory=os.cpu_count)
    gigabytes: float = field(default_factory=_gigabytes)
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.cores} cores of {self.processor} ({self.architecture}), "
            f"{self.gigabytes:g} GB of memory, load {self.load:g} when it began"
        )


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """All that a record says of where it comes from."""

    date: str
    command: str
    commit: str
    machine: Machine
    versions: dict[str, str]


def surroundings(packages: Sequence[str] = ()) -> Surroundings:
    """Of this process, with the versions of ``PACKAGES`` and of ``packages``.

    To be called before anything is measured: the machine's load is the others' then.
    """
    return Surroundings(
        date=f"{datetime.now(tz=UTC):%Y-%m-%d}",
        command=shlex.join(["python", *sys.orig_argv[1:]]),
        commit=_commit(),
        machine=Machine(),
        versions={
            "python": platform.python_version(),
            **{name: _version(name) for name in (*PACKAGES, *packages)},
        },
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    if not (_ROOT / ".git").exists():
        return "not a checkout"
    changes = _git("status", "--porcelain", "--", ".", ":!benchmarks/results")
    return _git("rev-parse", "--short=12", "HEAD") + ("+" if changes else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
