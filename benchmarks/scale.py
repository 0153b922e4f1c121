"""What more records, more units and more machines cost: three questions, three commands.

    pip install 'xmod-pipeline[bench]'
    python -m benchmarks.scale records    # do ten times the records take ten times as long?
    python -m benchmarks.scale memory     # does the driver grow with the units that are done?
    python -m benchmarks.scale raylets    # does a second raylet double the records a second?

Enters: sizes, by options. Leaves: tables on the terminal; ``scale_<command>.md``, ``.json`` and
``.png`` in ``--out``. What holds: jobs are whole ones, with the demo model and on copies of the
demo corpus; those that are compared run in turns, each with a Ray and a driver of its own.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.harness.record import RESULTS
from benchmarks.harness.surroundings import surroundings
from benchmarks.scaling.corpora import DEMO_RECORDS, demo_copies
from benchmarks.scaling.job import Driver, Run, run
from benchmarks.scaling.outcomes import MANY, Outcome, driver_memory, second_raylet, ten_times
from benchmarks.scaling.raylets import CPUS_AN_ACTOR, raylets

UNIT_ROWS = DEMO_RECORDS // 8
"""So that every eighth unit is the same, whatever the number of copies."""
RAYLET_ROWS = DEMO_RECORDS
"""Some seconds of an actor, as a unit of the default's 4,096 records has, and not half a second,
through which Ray's own processes would want a core for themselves."""

Job = Callable[[Path], Run]
"""A job that writes to the folder that it is given."""

Copies = Annotated[int, typer.Option(min=4, help="Of the demo corpus.")]
Rounds = Annotated[int, typer.Option(min=1, help="Times that each job runs.")]
Out = Annotated[Path, typer.Option(help="Folder for results.")]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
console = Console()


@app.command()
def records(copies: Copies = 8, rounds: Rounds = 1, out: Out = RESULTS) -> None:
    """Ten times the records: at most 10.3 times as long. ``--copies`` are those of the less."""
    before = surroundings()
    with _folder() as folder:
        demo_copies(folder / "one", copies)
        demo_copies(folder / "ten", 10 * copies)
        jobs = {
            name: partial(_annotate, folder / name, Driver(), rows=UNIT_ROWS)
            for name in ("one", "ten")
        }
        found = _in_turns(jobs, rounds, folder)
    _write(ten_times(before, found["one"], found["ten"]), out, "scale_records")


@app.command()
def memory(
    units: Annotated[int, typer.Option(min=MANY, help="Of one record each.")] = 3 * DEMO_RECORDS,
    rounds: Rounds = 1,
    out: Out = RESULTS,
) -> None:
    """The driver's memory with 1,000 units done: at most a tenth above that with 10."""
    before = surroundings()
    with _folder() as folder:
        demo_copies(folder / "corpus", -(-units // DEMO_RECORDS))
        job = partial(_annotate, folder / "corpus", Driver(), rows=1)
        found = _in_turns({"job": job}, rounds, folder)
    _write(driver_memory(before, found["job"]), out, "scale_memory")


@app.command("raylets")
def two_raylets(copies: Copies = 40, rounds: Rounds = 2, out: Out = RESULTS) -> None:
    """Two raylets of a core each against one: at least 1.8 times the records a second."""
    before = surroundings()
    with _folder() as folder:
        demo_copies(folder / "corpus", copies)
        jobs = {
            "one": partial(_on_raylets, folder / "corpus", [0]),
            "two": partial(_on_raylets, folder / "corpus", [0, 1]),
        }
        found = _in_turns(jobs, rounds, folder)
    _write(second_raylet(before, found["one"], found["two"]), out, "scale_raylets")


def _annotate(corpus: Path, driver: Driver, out: Path, *, rows: int, **runtime: object) -> Run:
    return run(corpus, out, driver, unit_rows=rows, **runtime)


def _on_raylets(corpus: Path, cores: Sequence[int], out: Path) -> Run:
    # A socket's path may have about a hundred characters, and Ray's own part takes most of them.
    with tempfile.TemporaryDirectory(prefix="ray-") as own, raylets(cores, Path(own)) as driver:
        runtime = {"actors": len(cores), "cpus_per_actor": CPUS_AN_ACTOR}
        return _annotate(corpus, driver, out, rows=RAYLET_ROWS, **runtime)


def _in_turns(jobs: dict[str, Job], rounds: int, folder: Path) -> dict[str, list[Run]]:
    """Each job ``rounds`` times; every other round backwards."""
    found: dict[str, list[Run]] = {name: [] for name in jobs}
    for turn in range(rounds):
        for name in list(jobs)[:: -1 if turn % 2 else 1]:
            found[name].append(jobs[name](folder / f"{name}-{turn}"))
            seconds, units = found[name][-1].ended, len(found[name][-1].commits)
            console.print(f"{name}: {units:,} units in {seconds:.1f} s", style="dim")
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        yield Path(folder)


def _write(outcome: Outcome, out: Path, name: str) -> None:
    outcome.record.print(console)
    outcome.record.write(out, name)
    outcome.draw(out / f"{name}.png")


if __name__ == "__main__":
    app()
