"""What all benchmarks share: sides timed in turns, tables, kept results.

Seconds differ from machine to machine and from hour to hour, so a comparison is a ratio of two
sides within one round, given as its median with the least and the greatest. pyperf was considered:
it runs one side after the other and cannot take turns.
"""

import json
import os
import platform
import shlex
import subprocess
import sys
import timeit
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.markdown import Markdown

RESULTS = Path("benchmarks/results")
DATA = Path("../shared/data")

Data = Annotated[Path, typer.Option(help="Folder of the corpora.")]
Out = Annotated[Path, typer.Option(help="Folder for the results.")]
RoundCount = Annotated[int, typer.Option("--rounds", min=1, help="Times that each side runs.")]

_ROOT = Path(__file__).parents[1]
_console = Console()


def note(message: str) -> None:
    """Tell on the terminal what is being done."""
    _console.print(message, style="dim", highlight=False, markup=False)


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some samples."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> "Spread":
        """The spread of ``samples``, at least one."""
        held = list(samples)
        return cls(median(held), min(held), max(held))

    def __format__(self, spec: str) -> str:
        """``spec`` is a number's: ``1.93 (1.88–1.97)`` by ``.2f``, ``1.93`` if all are equal."""
        if self.low == self.high:
            return format(self.median, spec)
        middle, low, high = (format(one, spec) for one in (self.median, self.low, self.high))
        return f"{middle} ({low}–{high})"


@dataclass(frozen=True)
class Rounds:
    """Seconds of a call of each side, round by round.

    ``work`` is what one call of a side does, in tokens for example; 1 where it is not named.
    """

    seconds: Mapping[str, Sequence[float]]
    work: Mapping[str, float] = field(default_factory=dict)

    def spread(self, name: str) -> Spread:
        """Seconds of a call."""
        return Spread.of(self.seconds[name])

    def rate(self, name: str) -> Spread:
        """Work done in a second."""
        return Spread.of(self.work.get(name, 1) / one for one in self.seconds[name])

    def ratio(self, name: str, *, over: str) -> Spread:
        """Rate of ``name`` over the rate of ``over`` in the same round; above 1 is faster."""
        worth = self.work.get(name, 1) / self.work.get(over, 1)
        pairs = zip(self.seconds[over], self.seconds[name], strict=True)
        return Spread.of(worth * other / own for other, own in pairs)


def turns(names: Iterable[str], rounds: int) -> Iterator[str]:
    """All ``names`` once a round; every other round backwards, so that no side is always second."""
    held = list(names)
    for turn in range(rounds):
        yield from held[:: -1 if turn % 2 else 1]


def take_turns(
    sides: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    work: Mapping[str, float] | None = None,
    calls: int = 1,
) -> Rounds:
    """Time all ``sides`` after one warm-up call each; a sample is the mean of ``calls`` calls."""
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for name in turns(sides, rounds):
        # timeit switches the garbage collector off while it measures.
        seconds[name].append(timeit.timeit(sides[name], number=calls) / calls)
    return Rounds(seconds, work or {})


@dataclass(frozen=True)
class Sheet:
    """A table of text; the first column names the rows, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """A heading, the table, the note."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows)]
        return "\n".join(
            [f"## {self.title}", "", *lines, "", *([self.note, ""] if self.note else [])]
        )


@dataclass(frozen=True)
class Figure:
    """A number that a page may cite; ``digits`` after the point."""

    name: str
    value: Spread
    unit: str = "×"
    digits: int = 2

    def row(self) -> tuple[str, str]:
        """Name and value with its unit."""
        return self.name, f"{format(self.value, f',.{self.digits}f')} {self.unit}".strip()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What figures depend on besides the code; ``load`` is the machine's before measuring."""

    date: str
    command: str
    commit: str
    machine: str
    load: float
    versions: Mapping[str, str]

    def __str__(self) -> str:
        """Two lines for a page."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.date}, commit {self.commit}; {self.machine}, load {self.load:g} when it began; "
            f"{versions}.\nWritten by `{self.command}`."
        )


def surroundings(packages: Sequence[str] = ()) -> Surroundings:
    """Of this process; to be called before anything is measured."""
    names = ("torch", "transformers", "ray", "pyarrow", *packages)
    return Surroundings(
        date=f"{datetime.now(tz=UTC):%Y-%m-%d}",
        command=shlex.join(["python", *sys.orig_argv[1:]]),
        commit=_commit(),
        machine=(
            f"{os.cpu_count()} cores of {_processor()} ({platform.machine()}), "
            f"{psutil.virtual_memory().total / 1e9:.1f} GB of memory"
        ),
        load=round(os.getloadavg()[0], 1),
        versions={"python": platform.python_version(), **{name: _version(name) for name in names}},
    )


@dataclass(frozen=True, kw_only=True)
class Record:
    """All that a benchmark found; ``about`` says what was measured, ``samples`` go to JSON only."""

    title: str
    about: str
    surroundings: Surroundings
    figures: Sequence[Figure] = ()
    sheets: Sequence[Sheet] = ()
    samples: Mapping[str, object] = field(default_factory=dict)

    def keep(self, out: Path, name: str) -> None:
        """Print it, and write ``<name>.md`` and ``<name>.json`` below ``out``."""
        out.mkdir(parents=True, exist_ok=True)
        text = self.markdown()
        _console.print(Markdown(text))
        (out / f"{name}.md").write_text(text, encoding="utf-8")
        held = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (out / f"{name}.json").write_text(held + "\n", encoding="utf-8")

    def markdown(self) -> str:
        """What was measured, where, and all tables."""
        figures = Sheet("Figures", ("figure", "median (min–max)"), [f.row() for f in self.figures])
        sheets = [*([figures] if self.figures else []), *self.sheets]
        head = [f"# {self.title}", "", self.about, "", str(self.surroundings), ""]
        return "\n".join([*head, *(sheet.markdown() for sheet in sheets)])


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The checkout's, marked ``+`` if it has changes other than results."""
    if not (_ROOT / ".git").exists():
        return "unknown"
    changes = _git("status", "--porcelain", "--", ".", f":!{RESULTS}")
    return _git("rev-parse", "--short=12", "HEAD") + ("+" if changes else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
