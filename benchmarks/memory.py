"""What an actor's model holds and how soon it is there, X-MOD base's size and 81 languages.

    python -m benchmarks.memory

Enters: the corpora below ``--data``. Leaves: ``memory.md``, ``.json`` and ``.png`` in ``--out``.
What holds: each actor is a fresh process; the checkpoint is a copy made for the run (3.4 GB), which
nobody else has mapped, written back to the disk and in the page cache before anything is measured;
all weights have been read when memory is counted, whether a text needed them or not.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.base.checkpoint import base_checkpoint
from benchmarks.base.texts import mixed_texts, windows_of
from benchmarks.footprints.kernel import settle
from benchmarks.footprints.order import PLAIN, Order, order_for
from benchmarks.footprints.runs import drawn, pair, starts
from benchmarks.footprints.tables import ALL, FEW, TRANSFORMERS, Measured, picture, record
from benchmarks.harness.record import RESULTS
from benchmarks.harness.surroundings import surroundings
from pipeline.language.xmod_base import XMOD_BASE

_FEW = 4
"""Languages of a corpus that needs few."""
_TEXTS = 200

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder of corpora.")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
    rounds: Annotated[int, typer.Option(min=1, help="How often sides are started.")] = 5,
) -> None:
    """Measure, print and write."""
    around = surroundings()
    windows = windows_of(mixed_texts(data, _TEXTS))
    with _own_copy(base_checkpoint()) as folder:
        order = partial(order_for, folder, windows=windows)
        measured = _measured(order(_FEW), order(len(XMOD_BASE)), rounds)
    found = record(measured, around)
    found.print(console)
    found.write(out, "memory")
    picture(measured, out / "memory.png")


@contextmanager
def _own_copy(folder: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=folder.parent) as temporary:
        _tell("Copying the checkpoint")
        copy = Path(shutil.copytree(folder, Path(temporary) / folder.name))
        settle(copy / "model.safetensors")
        yield copy


def _measured(few: Order, every: Order, rounds: int) -> Measured:
    sides = {FEW: few, ALL: every}
    integers = {f"{name}, int8": order.changed(dtype="int8") for name, order in sides.items()}
    plain = {TRANSFORMERS: every.changed(engine=PLAIN)}
    pairs = {}
    for name, order in {**sides, **integers}.items():
        _tell(f"Two actors: {name}")
        pairs[name] = pair(order)
    numbers = {}
    for name, order in {**sides, **integers, **plain}.items():
        _tell(f"Counting random numbers: {name}")
        numbers[name] = drawn(order.changed(counted=True))
    _tell(f"Starting all {rounds} times")
    return Measured(
        megabytes=(Path(few.folder) / "model.safetensors").stat().st_size / 1e6,
        tokens=sum(map(len, few.tokens)),
        pairs=pairs,
        starts=starts({**sides, **integers, **plain}, rounds),
        drawn=numbers,
    )


def _tell(message: str) -> None:
    console.print(message, style="dim", highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
