"""All that was measured, as one record.

Enters: what the other modules measured. Leaves: a ``Report``, and its JSON. What holds: whatever
the figures depend on besides the code stands beside them: day, machine, versions of detectors.
"""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from benchmarks.languages.figures import Figures
from benchmarks.languages.footprint import Footprint
from benchmarks.languages.runs import Strays
from pipeline.language.detection import Detector
from pipeline.language.xmod_base import XMOD_BASE


@dataclass(frozen=True)
class About:
    """A detector's version, and the X-MOD languages that it does not know."""

    version: str
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """What the benchmark ran on."""

    cpus: int | None = field(default_factory=os.cpu_count)
    architecture: str = field(default_factory=platform.machine)
    python: str = field(default_factory=platform.python_version)


@dataclass(frozen=True)
class Measured:
    """Of one corpus, by detector; ``speeds`` are texts a second."""

    figures: dict[str, Figures]
    speeds: dict[str, float]
    strays: dict[str, Strays]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Detectors by name, corpora by name; each ``every``-th text was used."""

    date: str
    machine: Machine
    every: int
    detectors: dict[str, About]
    footprints: dict[str, Footprint]
    corpora: dict[str, Measured]

    @property
    def ranked(self) -> list[str]:
        """Names of detectors, the most accurate on the first corpus first."""
        first = next(iter(self.corpora.values())).figures
        return sorted(first, key=lambda name: -first[name].by_code)

    def json(self) -> str:
        """All of it, shares to five digits."""
        return json.dumps(_rounded(asdict(self)), ensure_ascii=False, indent=1) + "\n"


def report(
    detectors: Mapping[str, Detector],
    footprints: dict[str, Footprint],
    corpora: dict[str, Measured],
    every: int,
) -> Report:
    """What was measured, with the day, the machine and the versions of ``detectors``."""
    return Report(
        date=f"{datetime.now(tz=UTC):%Y-%m-%d}",
        machine=Machine(),
        every=every,
        detectors={
            name: About(one.version, tuple(code for code in XMOD_BASE if code not in one.known))
            for name, one in detectors.items()
        },
        footprints=footprints,
        corpora=corpora,
    )


def _rounded(value: object) -> object:
    match value:
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list() | tuple():
            return [_rounded(one) for one in value]
        case float():
            return round(value, 5)
        case _:
            return value
