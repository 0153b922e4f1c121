"""A benchmark's outcome, as it is kept.

Enters: figures, sheets and samples, with the surroundings they were measured in. Leaves:
``<name>.md`` and ``<name>.json`` in a folder, and tables on the terminal. What holds: both files
come from one record and say by which command; a figure with a goal says whether it is reached.

    found = Record(title=…, about=…, surroundings=before, figures=[…], sheets=[…])
    found.print()
    found.write(out, "int8_backends")
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import Surroundings

RESULTS = Path("benchmarks/results")
"""Where records go unless another folder is named."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number that matters; ``goal`` bounds its median, from above if ``less_is_better``."""

    name: str
    value: Spread
    unit: str
    goal: float | None = None
    less_is_better: bool = False
    digits: int = 2

    @property
    def reached(self) -> bool | None:
        """None where there is no goal."""
        if self.goal is None:
            return None
        under = self.value.median <= self.goal
        return under if self.less_is_better else self.value.median >= self.goal

    def row(self) -> tuple[str, str, str, str]:
        """Name, value, goal, whether it is reached."""
        value = f"{format(self.value, f',.{self.digits}f')} {self.unit}"
        if self.goal is None:
            return self.name, value, "", ""
        goal = f"{'≤' if self.less_is_better else '≥'} {self.goal:,g} {self.unit}"
        return self.name, value, goal, "yes" if self.reached else "no"


@dataclass(frozen=True, kw_only=True)
class Record:
    """All of it; ``about`` is a paragraph on what was measured, ``samples`` go to JSON only."""

    title: str
    about: str
    surroundings: Surroundings
    figures: Sequence[Figure] = ()
    sheets: Sequence[Sheet] = ()
    samples: dict[str, object] = field(default_factory=dict)

    def print(self, console: Console | None = None) -> None:
        """All tables, for the terminal."""
        shown = console or Console()
        for sheet in self._all_sheets():
            shown.print(sheet.rich(), "")

    def write(self, out: Path, name: str) -> None:
        """Both files, below ``out``."""
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.md").write_text(self.markdown(), encoding="utf-8")
        (out / f"{name}.json").write_text(self.json(), encoding="utf-8")

    def markdown(self) -> str:
        """What was measured, on what, all sheets, versions."""
        around = self.surroundings
        versions = ", ".join(f"{name} {version}" for name, version in around.versions.items())
        facts = (
            f"{around.date}, commit {around.commit}; {around.machine}; {versions}.\n"
            f"Written by `{around.command}`."
        )
        sheets = (sheet.markdown() for sheet in self._all_sheets())
        return "\n".join([f"# {self.title}", "", self.about, "", facts, "", *sheets])

    def json(self) -> str:
        """The same and the samples, with ``reached`` beside each goal."""
        figures = [{**asdict(one), "reached": one.reached} for one in self.figures]
        content = {**asdict(self), "figures": figures}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    def _all_sheets(self) -> list[Sheet]:
        rows = [figure.row() for figure in self.figures]
        goals = Sheet("Figures", ("figure", "median (min–max)", "goal", "reached"), rows)
        return [*([goals] if rows else []), *self.sheets]
