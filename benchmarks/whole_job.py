"""The whole job through Ray against the bare engine on the same texts, and where its time goes.

    python -m benchmarks.whole_job

Enters: the corpora below ``--data``. Leaves: ``whole_job.md``, ``.json`` and ``.png`` in ``--out``.
What holds: the job is ``jobs/annotate.py`` as a user starts it, with X-MOD base, entities, and each
text's language detected; the engine has the same windows in memory, half of them before the job
and half after it, so that both see the machine as it was. Starting up is in the job's seconds.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
import typer
from rich.console import Console
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification

from benchmarks.base.checkpoint import BASE, base_checkpoint
from benchmarks.base.texts import Windows, mixed_texts, windows_of
from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import RESULTS, Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import surroundings
from benchmarks.languages.texts import Corpus
from pipeline.language.xmod_base import XMOD_BASE
from pipeline.settings import ModelSettings, RuntimeSettings
from pipeline.xmod.adapters import Adapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import open_checkpoint
from pipeline.xmod.loading import Model, load_model

_UNIT_ROWS = 256
_THREADS = 2


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
    texts: Annotated[int, typer.Option(min=64, help="Some 80 tokens each.")] = 2000,
) -> None:
    """Measure, print and write."""
    around = surroundings()
    corpus = mixed_texts(data, texts)
    windows = windows_of(corpus)
    base_checkpoint()
    with tempfile.TemporaryDirectory() as folder:
        engine = _Engine(windows)
        before = engine.seconds(0)
        job = _base_job(corpus, Path(folder))
        after = engine.seconds(1)
        demo = _annotate("configs/demo.yaml", f"output.uri={folder}/demo")
    found = _record(around, windows, before + after, job, demo)
    found.print(Console())
    found.write(out, "whole_job")
    stages = job.report["stages"].items()
    shown = [Bar(name, Spread.of([line["cpu_seconds"]])) for name, line in stages]
    bars(out / "whole_job.png", "CPU seconds of the job by stage, X-MOD base", "seconds", shown)


class _Engine:
    """The engine without a pipeline: encoder and head over windows that are at hand."""

    def __init__(self, windows: Windows) -> None:
        torch.set_num_threads(_THREADS)
        torch.set_flush_denormal(True)
        self._windows = windows
        runtime = RuntimeSettings()
        units = range(0, len(windows.tokens), _UNIT_ROWS)
        self._batches = [
            [start + i for i in batch]
            for start in units
            for batch in micro_batches(
                windows.lengths[start : start + _UNIT_ROWS],
                windows.lang_ids[start : start + _UNIT_ROWS],
                runtime.batch_tokens,
            )
        ]
        checkpoint = open_checkpoint(ModelSettings(path=str(BASE)))
        classes = [XmodForTokenClassification]
        self._model: Model = load_model(checkpoint, classes, Adapters(XMOD_BASE), runtime)

    @torch.inference_mode()
    def seconds(self, half: int) -> float:
        """Of every other batch, from the ``half``-th on."""
        (head,) = self._model.heads.values()
        started = time.perf_counter()
        for batch in self._batches[half::2]:
            some = self._windows.taken(batch)
            hidden = self._model.encoder(self._model.encoder.pack(some.tokens, some.lang_ids))
            head.classifier(hidden).softmax(-1)
        return time.perf_counter() - started


def _base_job(corpus: Corpus, folder: Path) -> Ran:
    path = folder / "corpus.parquet"
    pq.write_table(pa.table({"text": list(corpus.texts)}), path)
    config = folder / "base.yaml"
    settings = {
        "input": {"uri": str(path)},
        "output": {"uri": str(folder / "out")},
        "language": {"fallback": "default", "default": "en_XX"},
        "tasks": [{"type": "ner", "model": {"path": str(BASE)}}],
        "runtime": {"unit_rows": _UNIT_ROWS, "cpus_per_actor": _THREADS},
    }
    config.write_text(json.dumps(settings))
    return _annotate(str(config), f"output.uri={folder}/out")


def _annotate(config: str, override: str) -> Ran:
    command = [sys.executable, "jobs/annotate.py", "--config", config, "--set", override]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    report = Path(override.partition("=")[2]) / "run_report.json"
    return Ran(json.loads(report.read_text()), seconds)


def _record(around: Any, windows: Windows, engine: float, job: Ran, demo: Ran) -> Record:  # noqa: ANN401
    tokens = sum(windows.lengths)
    stages = job.report["stages"]
    rows = [
        (
            name,
            f"{line['seconds']:,.1f}",
            f"{line['cpu_seconds']:,.1f}",
            f"{100 * line['cpu_share']:.1f}%",
            f"{line['records_per_second']:,.0f}",
            f"{line['tokens_per_second']:,.0f}",
        )
        for name, line in stages.items()
    ]
    heads = ("stage", "seconds", "CPU seconds", "share of CPU", "records/s", "tokens/s")
    sides = [
        ("bare engine", f"{engine:,.1f}", f"{tokens / engine:,.0f}"),
        ("job", f"{job.report['seconds']:,.1f}", f"{tokens / job.report['seconds']:,.0f}"),
    ]
    share = stages["identify"]["cpu_share"]
    return Record(
        title="The whole job against the bare engine",
        about=(
            f"{len(windows.tokens):,} texts, {tokens:,} tokens, X-MOD base, float32, one actor of "
            f"{_THREADS} threads, units of {_UNIT_ROWS} records."
        ),
        surroundings=around,
        figures=[
            _figure("job through Ray / bare engine", engine / job.report["seconds"], 0.9, "×"),
            _figure("detection's share of CPU seconds", 100 * share, 5, "%", less=True),
            _figure("first unit, demo model", demo.seconds_to_first_unit, 30, "s", less=True),
        ],
        sheets=[
            Sheet("Tokens a second", ("side", "seconds", "tokens/s"), sides),
            Sheet("The job by stage", heads, rows),
        ],
        samples={"job": job.report, "demo": demo.report, "process": [job.seconds, demo.seconds]},
    )


def _figure(name: str, value: float, goal: float, unit: str, *, less: bool = False) -> Figure:
    held = Spread.of([value])
    return Figure(name=name, value=held, unit=unit, goal=goal, less_is_better=less)


if __name__ == "__main__":
    typer.run(main)
