"""The whole job through Ray against the bare engine on the same texts, and where its time goes.

    python -m benchmarks.whole_job

Enters: the corpora below ``--data``. Leaves: ``whole_job.md``, ``.json`` and ``.png`` in ``--out``.
What holds: the job is ``jobs/annotate.py`` as a user starts it, with X-MOD base, entities, and each
text's language detected; its seconds are those of its process from start to end. The engine has the
same windows in memory, and the machine for itself while the job is stopped, again and again, so
that both see the machine as it was.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

from benchmarks.base.checkpoint import BASE, base_checkpoint
from benchmarks.base.own import OwnEngine
from benchmarks.base.texts import Windows, mixed_texts, windows_of
from benchmarks.harness.paused import Had, in_turns
from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import RESULTS, Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import surroundings
from benchmarks.languages.texts import Corpus
from pipeline.stages.stopwatch import Stopwatch

_UNIT_ROWS = 1024
_CORES = 2
_TURN = 90.0
"""Seconds of the job between two turns of the engine."""


@dataclass(frozen=True)
class Ran:
    """A job's report, and what its process and those that it started had."""

    report: dict[str, Any]
    had: Had

    @property
    def seconds_to_first_unit(self) -> float:
        """From the start of the process, imports included."""
        first: float = self.report["seconds_to_first_unit"]
        return self.had.seconds - float(self.report["seconds"]) + first


def main(
    data: Annotated[Path, typer.Option(help="Folder of corpora.")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
    texts: Annotated[int, typer.Option(min=64, help="Some 75 tokens each.")] = 8000,
) -> None:
    """Measure, print and write."""
    around = surroundings()
    corpus = mixed_texts(data, texts)
    windows = windows_of(corpus)
    engine = _Engine(windows)
    with tempfile.TemporaryDirectory() as folder:
        job = _base_job(corpus, Path(folder), engine.turn)
        demo = _annotate("configs/demo.yaml", f"output.uri={folder}/demo", lambda: None)
    found = _record(around, windows, engine, job, demo)
    found.print(Console())
    found.write(out, "whole_job")
    stages = job.report["stages"].items()
    shown = [Bar(name, Spread.of([line["cpu_seconds"]])) for name, line in stages]
    bars(out / "whole_job.png", "CPU seconds of the job by stage, X-MOD base", "seconds", shown)


class _Engine:
    """The engine without a pipeline: encoder and head over windows that are at hand."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._engine = OwnEngine(base_checkpoint(), _CORES)
        self._units = cycle(range(0, len(windows.tokens) - _UNIT_ROWS + 1, _UNIT_ROWS))
        self.turns: list[tuple[int, float, float]] = []

    def turn(self) -> None:
        """A unit as large as the job's; its tokens, seconds and CPU seconds are kept."""
        start = next(self._units)
        unit = self._windows.taken(list(range(start, start + _UNIT_ROWS)))
        watch = Stopwatch()
        self._engine.run(unit, self._engine.batches(unit))
        took = watch.seconds()
        self.turns.append((sum(unit.lengths), took.wall, took.cpu))

    @property
    def rates(self) -> Spread:
        """Tokens a second of each turn."""
        return Spread.of(tokens / wall for tokens, wall, _ in self.turns)

    @property
    def cpu_rate(self) -> float:
        """Tokens a CPU second, of all turns."""
        return sum(tokens for tokens, _, _ in self.turns) / sum(cpu for _, _, cpu in self.turns)


def _base_job(corpus: Corpus, folder: Path, meanwhile: Callable[[], None]) -> Ran:
    path = folder / "corpus.parquet"
    pq.write_table(pa.table({"text": list(corpus.texts)}), path)
    config = folder / "base.yaml"
    settings = {
        "input": {"uri": str(path)},
        "output": {"uri": str(folder / "out")},
        "language": {"fallback": "default", "fallback_language": "en_XX"},
        "tasks": [{"type": "ner", "model": {"path": str(BASE)}}],
        "runtime": {"unit_rows": _UNIT_ROWS, "cpus_per_actor": _CORES},
    }
    config.write_text(json.dumps(settings))
    return _annotate(str(config), f"output.uri={folder}/out", meanwhile)


def _annotate(config: str, override: str, meanwhile: Callable[[], None]) -> Ran:
    command = [sys.executable, "jobs/annotate.py", "--config", config, "--set", override]
    had = in_turns(command, meanwhile, _TURN)
    report = Path(override.partition("=")[2]) / "run_report.json"
    return Ran(json.loads(report.read_text()), had)


def _record(around: Any, windows: Windows, engine: _Engine, job: Ran, demo: Ran) -> Record:  # noqa: ANN401
    tokens = sum(windows.lengths)
    bare, through = engine.rates, tokens / job.had.seconds
    stages = job.report["stages"]
    rows = [
        (
            name,
            f"{line['cpu_seconds']:,.1f}",
            f"{100 * line['cpu_share']:.1f}%",
            f"{len(windows.tokens) / line['cpu_seconds']:,.0f}",
            f"{tokens / line['cpu_seconds']:,.0f}",
        )
        for name, line in stages.items()
    ]
    heads = ("stage", "CPU seconds", "share of CPU", "records a CPU second", "tokens a CPU second")
    annotate = f"{tokens / stages['annotate']['cpu_seconds']:,.0f} of its annotate stage"
    sides = [
        ("bare engine", f"{len(engine.turns)} units", f"{bare:,.0f}", f"{engine.cpu_rate:,.0f}"),
        ("job, from start to end", f"{job.had.seconds:,.1f} s", f"{through:,.0f}", annotate),
    ]
    processes = [
        (kind, f"{seconds:,.1f}", f"{100 * seconds / job.had.looked / _CORES:.1f}%")
        for kind, seconds in job.had.cpu_seconds.items()
    ]
    share = stages["identify"]["cpu_share"]
    return Record(
        title="The whole job against the bare engine",
        about=(
            f"{len(windows.tokens):,} texts, {tokens:,} tokens, X-MOD base, float32, one actor of "
            f"{_CORES} cores, units of {_UNIT_ROWS} records. The job is stopped for a turn of the "
            f"engine every {_TURN:.0f} seconds."
        ),
        surroundings=around,
        figures=[
            _figure("job through Ray / bare engine", through / bare.median, 0.9, "×"),
            _figure("detection's share of CPU seconds", 100 * share, 5, "%", less=True),
            _figure("first unit, demo model", demo.seconds_to_first_unit, 30, "s", less=True),
        ],
        sheets=[
            Sheet("Both sides", ("side", "time", "tokens/s", "tokens a CPU second"), sides),
            Sheet("The job by stage", heads, rows),
            Sheet(
                f"The job by process, in its first {job.had.looked:.0f} seconds",
                ("process", "CPU seconds", "share of the machine"),
                processes,
            ),
        ],
        samples={
            "bare tokens, seconds, CPU seconds": engine.turns,
            "job": job.report,
            "demo": demo.report,
            "seconds": [job.had.seconds, demo.had.seconds],
        },
    )


def _figure(name: str, value: float, goal: float, unit: str, *, less: bool = False) -> Figure:
    held = Spread.of([value])
    return Figure(name=name, value=held, unit=unit, goal=goal, less_is_better=less)


if __name__ == "__main__":
    typer.run(main)
