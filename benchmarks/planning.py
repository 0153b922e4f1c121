"""Planning many small files: seconds and memory, against the plain way to read footers.

    pip install 'xmod-pipeline[bench]'
    python -m benchmarks.planning --files 100000

Enters: how many files. Leaves: tables on the terminal; ``planning.md``, ``planning.json`` and
``planning.png`` in ``--out``. What holds: the files are real Parquet, of several columns and row
groups; all sides plan the same ones, each in a fresh process, in turns. They have just been
written and so are in the page cache: what is timed is the work, not the disk.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer
from rich.console import Console

from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import RESULTS, Figure, Record
from benchmarks.harness.rounds import Rounds, Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import Surroundings, surroundings
from benchmarks.scaling.corpora import small_files
from benchmarks.scaling.planned import SIDES, Planned, planned

GOAL_SECONDS, GOAL_MEGABYTES, GOAL_FILES = 60, 1000, 100_000

LABELS = {
    "plan": "the whole plan, as --dry-run makes it",
    "survey": "its footers alone",
    "plain": "footers the plain way: 32 threads, fsspec",
}

console = Console()


def main(
    files: Annotated[int, typer.Option(min=1, help="Files of the corpus.")] = GOAL_FILES,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each side plans it.")] = 3,
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
) -> None:
    """Make a corpus, plan it, print the tables and write the results to ``out``."""
    before = surroundings(["fsspec"])
    with tempfile.TemporaryDirectory(prefix="planning-") as folder:
        corpus = Path(folder, "corpus")
        console.print(f"Writing {files:,} files below {folder}", style="dim", highlight=False)
        small_files(corpus, files)
        first = next(corpus.rglob("*.parquet"))
        footer = pq.read_metadata(first).serialized_size
        measured = [_round(corpus, turn) for turn in range(rounds)]
    found = _record(before, files, footer, measured)
    found.print(console)
    found.write(out, "planning")
    _draw(out / "planning.png", files, measured)


def _round(corpus: Path, turn: int) -> dict[str, Planned]:
    """Each side once; every other round backwards."""
    found = {}
    for side in list(SIDES)[:: -1 if turn % 2 else 1]:
        found[side] = planned(side, corpus)
        console.print(f"{side}: {found[side].seconds:.1f} s", style="dim", highlight=False)
    return found


def _record(
    before: Surroundings, files: int, footer: int, measured: list[dict[str, Planned]]
) -> Record:
    times = Rounds({side: [one[side].seconds for one in measured] for side in SIDES})
    full = files >= GOAL_FILES
    figures = [
        Figure(
            name=f"to plan {files:,} files",
            value=times.spread("plan"),
            unit="s",
            goal=GOAL_SECONDS if full else None,
            less_is_better=True,
            digits=1,
        ),
        Figure(
            name="memory of all processes at most",
            value=Spread.of(one["plan"].megabytes for one in measured),
            unit="MB",
            goal=GOAL_MEGABYTES if full else None,
            less_is_better=True,
            digits=0,
        ),
        Figure(
            name="footers, against the plain way",
            value=times.speed_up("survey", over="plain"),
            unit="×",
        ),
    ]
    rows = [_row(side, times, measured) for side in SIDES]
    columns = ("side", "s", "files/s", "MB at most", "s of imports before")
    return Record(
        title="Planning",
        about=(
            f"{files:,} Parquet files of 8 records, 7 columns and two row groups on a local disk; "
            f"a footer has {footer:,} bytes. The plan lists the files, reads all footers, passes "
            "their schemas through the gate, cuts units and names each; the plain way lists and "
            "reads footers, and does nothing else."
        ),
        surroundings=before,
        figures=figures,
        sheets=[Sheet("Sides", columns, rows)],
        samples={side: [vars(one[side]) for one in measured] for side in SIDES},
    )


def _row(side: str, times: Rounds, measured: list[dict[str, Planned]]) -> tuple[str, ...]:
    own = [one[side] for one in measured]
    return (
        LABELS[side],
        format(times.spread(side), ".1f"),
        format(times.rate(side, own[0].files), ",.0f"),
        format(Spread.of(one.megabytes for one in own), ",.0f"),
        format(Spread.of(one.started for one in own), ".1f"),
    )


def _draw(path: Path, files: int, measured: list[dict[str, Planned]]) -> None:
    held = [Bar(LABELS[side], Spread.of(one[side].seconds for one in measured)) for side in SIDES]
    goals = {"goal": GOAL_SECONDS} if files >= GOAL_FILES else None
    bars(path, f"Planning {files:,} files", "seconds", held, goals)


if __name__ == "__main__":
    typer.run(main)
