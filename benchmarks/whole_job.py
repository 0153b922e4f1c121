"""The whole job on Ray against the bare engine on the same texts, and where its time goes.

The job is ``jobs/annotate.py`` as a user starts it: X-MOD base, entities, each text's language
detected; its seconds are its process's from start to end. Once it has committed a unit, it is
stopped every so often for a turn of the engine, which has the same windows in memory and the
machine for itself, so that both see the machine through the same minutes. A Ray that is stopped
while it starts may hang.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path, PurePath
from typing import Annotated, Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks import harness
from benchmarks.corpora import Corpus, mixed_texts
from benchmarks.xmod_base import BASE, Windows, base_checkpoint, own_engine, windows_of
from pipeline.stages.stopwatch import Stopwatch

_UNIT_ROWS = 1024
_CORES = 2

Turn = tuple[int, float, float]
"""Tokens, seconds and CPU seconds of a turn of the engine."""


@dataclass(frozen=True)
class Run:
    """Seconds that a command had without its stops, CPU seconds by kind of process, its report."""

    seconds: float
    cpu_seconds: Mapping[str, float]
    report: dict[str, Any]


def main(
    data: harness.Data = harness.DATA,
    out: harness.Out = harness.RESULTS,
    texts: Annotated[int, typer.Option(min=64, help="Some 75 tokens each.")] = 8000,
    turn: Annotated[float, typer.Option(min=1, help="Seconds of the job between stops.")] = 90,
) -> None:
    """Measure, print and write."""
    around = harness.surroundings()
    corpus = mixed_texts(data, texts)
    windows = windows_of(corpus)
    engine = _Engine(windows)
    with tempfile.TemporaryDirectory() as folder:
        config = _base_config(corpus, Path(folder))
        engine.turn()
        base = _annotate(config, Path(folder, "out"), engine.turn, turn)
        engine.turn()
        demo = _annotate(Path("configs/demo.yaml"), Path(folder, "demo"), lambda: None, turn)
    record(around, windows, engine.turns, base, demo).keep(out, "whole_job")


def in_turns(
    command: Sequence[str],
    meanwhile: Callable[[], object],
    turn: float,
    ready: Callable[[], bool] = lambda: True,
) -> tuple[float, dict[str, float]]:
    """Run ``command``, and stop it for ``meanwhile`` whenever it has run for ``turn`` seconds.

    It is not stopped before it is ``ready``. Returns its seconds without the stops, and CPU seconds
    by kind of process until the last stop. Raises CalledProcessError where it fails.
    """
    started, stopped = time.perf_counter(), 0.0
    cpu: dict[int, tuple[str, float]] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(turn)
            if process.returncode is not None or not ready():
                continue
            begun = time.perf_counter()
            with _stopped(psutil.Process(process.pid)) as family:
                cpu.update(_cpu_seconds(family, cpu))
                meanwhile()
            stopped += time.perf_counter() - begun
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kinds: Counter[str] = Counter()
    for kind, seconds in cpu.values():
        kinds[kind] += seconds
    return time.perf_counter() - started - stopped, dict(kinds.most_common())


@contextmanager
def _stopped(parent: psutil.Process) -> Iterator[list[psutil.Process]]:
    """``parent`` and all that come from it, those that are started meanwhile too."""
    family: list[psutil.Process] = []
    try:
        with suppress(psutil.NoSuchProcess):
            while new := [
                one for one in (parent, *parent.children(recursive=True)) if one not in family
            ]:
                family += new
                for one in new:
                    with suppress(psutil.NoSuchProcess):
                        one.suspend()
        yield family
    finally:
        for one in reversed(family):
            with suppress(psutil.NoSuchProcess):
                one.resume()


def _cpu_seconds(
    family: Sequence[psutil.Process], known: Mapping[int, tuple[str, float]]
) -> Iterator[tuple[int, tuple[str, float]]]:
    """Of each process its kind, a script's name or what Ray calls a worker, and CPU seconds."""
    for process in family:
        with suppress(psutil.Error):
            line, times = process.cmdline() or ["?"], process.cpu_times()
            scripts = [part for part in line[1:] if part.endswith(".py")]
            kind = PurePath(scripts[0] if scripts else line[0]).name
            kind = kind.partition("(")[0].partition(" ")[0]
            # Of a worker's names in the order of the alphabet, the idle one's is the first.
            kind = max(kind, known.get(process.pid, (kind, 0.0))[0])
            yield process.pid, (kind, times.user + times.system)


class _Engine:
    """Encoder and head over windows that are in memory; a turn is a unit as large as the job's."""

    def __init__(self, windows: Windows) -> None:
        self._windows, self._engine = windows, own_engine(base_checkpoint(), _CORES)
        whole_units = max(1, len(windows.tokens) // _UNIT_ROWS)
        self._units = cycle(range(whole_units))
        self.turns: list[Turn] = []

    def turn(self) -> None:
        """Run a unit and keep what it took."""
        start = next(self._units) * _UNIT_ROWS
        rows = range(start, min(start + _UNIT_ROWS, len(self._windows.tokens)))
        unit = self._windows.taken(rows)
        watch = Stopwatch()
        self._engine.run(unit, self._engine.batches(unit))
        took = watch.seconds()
        self.turns.append((sum(unit.lengths), took.wall, took.cpu))


def _base_config(corpus: Corpus, folder: Path) -> Path:
    path = folder / "corpus.parquet"
    pq.write_table(pa.table({"text": list(corpus.texts)}), path)
    settings = {
        "input": {"uri": str(path)},
        "output": {"uri": str(folder / "out")},
        "language": {"fallback": "none"},
        "tasks": [{"type": "ner", "model": {"path": str(BASE)}}],
        "runtime": {"unit_rows": _UNIT_ROWS, "cpus_per_actor": _CORES},
    }
    config = folder / "base.yaml"
    config.write_text(json.dumps(settings))
    return config


def _annotate(config: Path, out: Path, meanwhile: Callable[[], None], turn: float) -> Run:
    command = [sys.executable, "jobs/annotate.py", "--config", str(config)]
    command += ["--set", f"output.uri={out}"]
    had = in_turns(command, meanwhile, turn, lambda: any(out.glob("_commit/*.json")))
    return Run(*had, json.loads((out / "run_report.json").read_text()))


def record(
    around: harness.Surroundings, windows: Windows, engine: Sequence[Turn], base: Run, demo: Run
) -> harness.Record:
    """Ratio of both sides, and the job's time by stage and by process."""
    tokens, stages = sum(windows.lengths), base.report["stages"]
    bare = harness.Spread.of(had / wall for had, wall, _ in engine)
    bare_cpu = sum(had for had, _, _ in engine) / sum(cpu for _, _, cpu in engine)
    through, annotate = tokens / base.seconds, tokens / stages["annotate"]["cpu_seconds"]
    # From the start of the process, imports included.
    first = demo.seconds - demo.report["seconds"] + demo.report["seconds_to_first_unit"]
    sides = [
        ("bare engine", f"{len(engine)} units", f"{bare:,.0f}", f"{bare_cpu:,.0f}"),
        ("job", f"{base.seconds:,.1f} s", f"{through:,.0f}", f"{annotate:,.0f} when annotating"),
    ]
    rows = [
        (name, f"{line['cpu_seconds']:,.1f}", f"{100 * line['cpu_share']:.1f}%")
        for name, line in stages.items()
    ]
    processes = [(kind, f"{seconds:,.1f}") for kind, seconds in base.cpu_seconds.items()]
    shares = harness.Spread(through / bare.median, through / bare.high, through / bare.low)
    detection = harness.Spread.of([100 * stages["identify"]["cpu_share"]])
    return harness.Record(
        title="The whole job against the bare engine",
        about=(
            f"{len(windows.tokens):,} texts, {tokens:,} tokens, X-MOD base, float32, one actor of "
            f"{_CORES} cores, units of {_UNIT_ROWS} records."
        ),
        surroundings=around,
        figures=[
            harness.Figure("tokens/s of the job over those of the bare engine", shares),
            harness.Figure("detection's share of CPU seconds", detection, "%"),
            harness.Figure("first unit committed, demo model", harness.Spread.of([first]), "s", 1),
        ],
        sheets=[
            harness.Sheet("Both sides", ("side", "time", "tokens/s", "tokens a CPU second"), sides),
            harness.Sheet("The job by stage", ("stage", "CPU seconds", "share"), rows),
            harness.Sheet(
                "The job by process, until its last stop", ("process", "CPU seconds"), processes
            ),
        ],
        samples={"engine": engine, "job": base.report, "demo": demo.report},
    )


if __name__ == "__main__":
    typer.run(main)
