"""Memory and loading time of an actor's model: two actors on a machine, 4 of 81 languages.

Each actor is a fresh process that has imported what an actor of a job has. The checkpoint is a copy
made for the run, which nobody else has mapped, written to the disk and in the page cache. Memory is
counted when all weights have been read, whether a text needed them or not. Unique memory is PSS:
pages that several processes share are divided among them, so it adds up over processes.
"""

import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil
import ray  # noqa: F401 # as in an actor, whose memory is measured
import torch
import typer

import pipeline.stages.annotate  # noqa: F401 # the same
from benchmarks import harness
from benchmarks.corpora import mixed_texts
from benchmarks.xmod_base import (
    OwnEngine,
    Windows,
    base_checkpoint,
    plain_model,
    plain_run,
    windows_of,
)
from pipeline.config import ModelSettings
from pipeline.language.xmod_base import XMOD_BASE
from pipeline.xmod.checkpoint import open_checkpoint

FEW, ALL, TRANSFORMERS = "4 of 81 languages", "81 languages", "transformers, 81 languages"
_STEPS = ("started", "loaded", "read")
"""Libraries imported and the checkpoint opened; model made; a forward done and all weights read."""


@dataclass(frozen=True)
class Order:
    """The model that an actor loads: a ``dtype`` with so many languages, or transformers'."""

    languages: int
    dtype: str = "float32"
    plain: bool = False


ORDERS = {
    FEW: Order(4),
    ALL: Order(len(XMOD_BASE)),
    f"{FEW}, bfloat16": Order(4, "bfloat16"),
    f"{ALL}, bfloat16": Order(len(XMOD_BASE), "bfloat16"),
    f"{FEW}, int8": Order(4, "int8"),
    f"{ALL}, int8": Order(len(XMOD_BASE), "int8"),
    TRANSFORMERS: Order(len(XMOD_BASE), plain=True),
}


Pair = tuple[float, float]
"""Unique megabytes of an actor alone, and of it and a second one."""


class Start(NamedTuple):
    """Seconds of loading and of the first unit; resident megabytes, and the most that there were.

    The first are those that came with the model, the most are of the whole process.
    """

    seconds: float
    resident: float
    first_unit: float = 0.0
    peak: float = 0.0


def main(
    data: harness.Data = harness.DATA,
    out: harness.Out = harness.RESULTS,
    rounds: harness.RoundCount = 5,
) -> None:
    """Measure, print and write."""
    around = harness.surroundings()
    windows = windows_of(mixed_texts(data, len(XMOD_BASE)))
    pairs: dict[str, Pair] = {}
    starts: dict[str, list[Start]] = {name: [] for name in ORDERS}
    with _own_copy(base_checkpoint()) as folder:
        megabytes = (folder / "model.safetensors").stat().st_size / 1e6
        for name, order in ORDERS.items():
            if not order.plain:
                harness.note(f"Two actors: {name}")
                pairs[name] = pair_of(folder, order, windows)
        for name in harness.turns(ORDERS, rounds):
            harness.note(f"Starting: {name}")
            starts[name].append(start_of(folder, ORDERS[name], windows))
    record(around, megabytes, sum(windows.lengths), pairs, starts).keep(out, "memory")


class Actor:
    """A process that loads a model and stands still between steps; ends with the context."""

    def __init__(self, folder: Path, order: Order, windows: Windows) -> None:
        # There are no texts in Latin, and a forward costs the same in any language.
        dealt = [place % order.languages for place in range(len(windows.tokens))]
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, folder, order, Windows(windows.tokens, dealt))
        self._process = context.Process(target=_act, args=arguments)

    def __enter__(self) -> "Actor":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def step(self) -> float:
        """Seconds of its next step, after which it stands still."""
        self._pipe.send("go on")
        while not self._pipe.poll(1):
            if not self._process.is_alive():
                raise RuntimeError(f"An actor ended early, status {self._process.exitcode}.")
        seconds: float = self._pipe.recv()
        return seconds

    def megabytes(self, kind: str) -> float:
        """What it holds now, as ``rss`` or as ``pss``."""
        held: int = getattr(psutil.Process(self._process.pid).memory_full_info(), kind)
        return held / 1e6

    def peak(self) -> float:
        """The most resident megabytes that it ever held; 0 where the system does not tell."""
        status = Path(f"/proc/{self._process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return sum(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


def _act(pipe: Connection, folder: Path, order: Order, windows: Windows) -> None:
    steps = _steps(folder, order, windows)
    # None is asked for after the last, at whose end the model would go.
    for _ in _STEPS:
        pipe.recv()
        began = time.perf_counter()
        next(steps)
        pipe.send(time.perf_counter() - began)
    pipe.recv()


@torch.inference_mode()
def _steps(folder: Path, order: Order, windows: Windows) -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    rows = [[row] for row in range(len(windows.tokens))]
    if order.plain:
        yield
        plain = plain_model(folder)
        yield
        plain_run(plain, windows, rows)
        weights = plain.parameters()
    else:
        checkpoint = open_checkpoint(ModelSettings(path=str(folder)))
        yield
        engine = OwnEngine(checkpoint, 1, order.dtype, checkpoint.languages[: order.languages])
        yield
        engine.run(windows, engine.batches(windows))
        weights = engine.model.encoder.parameters()
    for weight in weights:
        weight.sum()
    yield


def pair_of(folder: Path, order: Order, windows: Windows) -> Pair:
    """Two actors of the same order, side by side."""
    with Actor(folder, order, windows) as first:
        for _ in _STEPS:
            first.step()
        alone = first.megabytes("pss")
        with Actor(folder, order, windows) as second:
            for _ in _STEPS:
                second.step()
            return alone, first.megabytes("pss") + second.megabytes("pss")


def start_of(folder: Path, order: Order, windows: Windows) -> Start:
    """One actor, alone on the machine."""
    with Actor(folder, order, windows) as actor:
        actor.step()
        before = actor.megabytes("rss")
        seconds = actor.step()
        first_unit = actor.step()
        return Start(seconds, actor.megabytes("rss") - before, first_unit, actor.peak())


@contextmanager
def _own_copy(folder: Path) -> Iterator[Path]:
    """Written back to the disk: a page written lately counts as private to who reads it."""
    with TemporaryDirectory(dir=folder.parent) as temporary:
        copy = Path(shutil.copytree(folder, Path(temporary) / folder.name))
        os.sync()
        with (copy / "model.safetensors").open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
        yield copy


def record(
    around: harness.Surroundings,
    megabytes: float,
    tokens: int,
    pairs: dict[str, Pair],
    starts: dict[str, list[Start]],
) -> harness.Record:
    """Shares of the checkpoint's size and of the whole model, and all tables."""
    starts = {name: [Start(*one) for one in rounds] for name, rounds in starts.items()}
    resident = {name: [one.resident for one in rounds] for name, rounds in starts.items()}
    seconds, units, peaks = (
        {name: harness.Spread.of(getattr(x, of) for x in some) for name, some in starts.items()}
        for of in ("seconds", "first_unit", "peak")
    )
    # Over the whole model in the same round.
    shares = {
        name: harness.Spread.of(100 * a / b for a, b in zip(own, resident[ALL], strict=True))
        for name, own in resident.items()
    }
    added = {name: 100 * (two - alone) / megabytes for name, (alone, two) in pairs.items()}
    both = [
        (name, f"{alone:,.0f}", f"{two:,.0f}", f"{two - alone:,.0f}", f"{added[name]:.1f}")
        for name, (alone, two) in pairs.items()
    ]
    held = {name: f"{harness.Spread.of(own):,.0f}" for name, own in resident.items()}
    each = [
        (
            *(name, f"{seconds[name]:.2f}", f"{units[name]:.1f}"),
            *(held[name], f"{shares[name]:.1f}", f"{peaks[name]:,.0f}"),
        )
        for name in starts
    ]
    second = ("both have", "first alone", "both", "the second adds", "% of the checkpoint")
    loading = (
        *("side", "s", "s to the first unit, and all weights read"),
        *("resident MB, all weights read", f"% of {ALL}", "peak of the process, MB"),
    )
    second_actor = harness.Spread.of([added[ALL]])
    return harness.Record(
        title="Memory and start of an actor",
        about=(
            f"Actors load a token classifier of X-MOD base's size ({megabytes / 1000:.2f} GB in "
            f"float32), run {tokens:,} tokens through all languages that they have, and read every "
            "weight. Unique memory divides shared pages among those who share them. Megabytes are "
            "of 1,000,000 bytes."
        ),
        surroundings=around,
        figures=[
            harness.Figure(
                f"a second actor, {ALL}, of the checkpoint's size", second_actor, "%", 1
            ),
            harness.Figure(f"resident memory, {FEW}, of that with 81", shares[FEW], "%", 1),
            harness.Figure(f"loading {FEW}", seconds[FEW], "s"),
        ],
        sheets=[
            harness.Sheet("A second actor, MB of unique memory", second, both),
            harness.Sheet("Loading a model, files in the page cache", loading, each),
        ],
        samples={"pairs": pairs, "starts": starts},
    )


if __name__ == "__main__":
    typer.run(main)
