"""The whole job through Ray against the bare engine on the same texts, and where its time goes.

    python -m benchmarks.whole_job

Enters: the corpora below ``--data``. Leaves: ``whole_job.md``, ``.json`` and ``.png`` in ``--out``.
What holds: the job is ``jobs/annotate.py`` as a user starts it, with X-MOD base, entities, and each
text's language detected; its seconds are those of its process from start to end. The engine has the
same windows in memory, and the machine for itself while the job is stopped: every few seconds, so
that both see the machine as it was.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

from benchmarks.base.checkpoint import BASE, base_checkpoint
from benchmarks.base.own import OwnEngine
from benchmarks.base.texts import Windows, mixed_texts, windows_of
from benchmarks.harness.paused import in_turns
from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import RESULTS, Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import surroundings
from benchmarks.languages.texts import Corpus

_UNIT_ROWS = 256
_CORES = 2
_TURN = 30.0
"""Seconds of the job between two turns of the engine."""


@dataclass(frozen=True)
class Ran:
    """A job's report, and the seconds of its process from start to end."""

    report: dict[str, Any]
    seconds: float

    @property
    def seconds_to_first_unit(self) -> float:
        """From the start of the process, imports included."""
        first: float = self.report["seconds_to_first_unit"]
        return self.seconds - float(self.report["seconds"]) + first


def main(
    data: Annotated[Path, typer.Option(help="Folder of corpora.")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
    texts: Annotated[int, typer.Option(min=64, help="Some 75 tokens each.")] = 10_000,
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
        self._batches = cycle(self._in_units())
        self.rates: list[float] = []

    def turn(self) -> None:
        """Two batches a core; the tokens a second are kept."""
        batches = list(islice(self._batches, 2 * _CORES))
        started = time.perf_counter()
        self._engine.run(self._windows, batches)
        tokens = sum(self._windows.lengths[i] for batch in batches for i in batch)
        self.rates.append(tokens / (time.perf_counter() - started))

    def _in_units(self) -> list[list[int]]:
        """Batches of units as large as the job's."""
        every = range(len(self._windows.tokens))
        units = [list(every[start : start + _UNIT_ROWS]) for start in every[::_UNIT_ROWS]]
        return [
            [unit[i] for i in batch]
            for unit in units
            for batch in self._engine.batches(self._windows.taken(unit))
        ]


def _base_job(corpus: Corpus, folder: Path, meanwhile: Callable[[], None]) -> Ran:
    path = folder / "corpus.parquet"
    pq.write_table(pa.table({"text": list(corpus.texts)}), path)
    config = folder / "base.yaml"
    settings = {
        "input": {"uri": str(path)},
        "output": {"uri": str(folder / "out")},
        "language": {"fallback": "default", "default": "en_XX"},
        "tasks": [{"type": "ner", "model": {"path": str(BASE)}}],
        "runtime": {"unit_rows": _UNIT_ROWS, "cpus_per_actor": _CORES},
    }
    config.write_text(json.dumps(settings))
    return _annotate(str(config), f"output.uri={folder}/out", meanwhile)


def _annotate(config: str, override: str, meanwhile: Callable[[], None]) -> Ran:
    command = [sys.executable, "jobs/annotate.py", "--config", config, "--set", override]
    seconds = in_turns(command, meanwhile, _TURN)
    report = Path(override.partition("=")[2]) / "run_report.json"
    return Ran(json.loads(report.read_text()), seconds)


def _record(around: Any, windows: Windows, engine: _Engine, job: Ran, demo: Ran) -> Record:  # noqa: ANN401
    tokens = sum(windows.lengths)
    bare, through = Spread.of(engine.rates), tokens / job.seconds
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
    sides = [
        ("bare engine", f"{len(engine.rates)} turns", f"{bare:,.0f}"),
        ("job, from start to end", f"{job.seconds:,.1f} s", f"{through:,.0f}"),
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
            Sheet("Tokens a second", ("side", "time", "tokens/s"), sides),
            Sheet("The job by stage", heads, rows),
        ],
        samples={
            "bare tokens/s": engine.rates,
            "job": job.report,
            "demo": demo.report,
            "seconds": [job.seconds, demo.seconds],
        },
    )


def _figure(name: str, value: float, goal: float, unit: str, *, less: bool = False) -> Figure:
    held = Spread.of([value])
    return Figure(name=name, value=held, unit=unit, goal=goal, less_is_better=less)


if __name__ == "__main__":
    typer.run(main)
