"""How far a run is: a progress bar on a terminal, a line every 30 seconds in a log."""

import time

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipeline.output.commit import CommitRecord
from pipeline.planning.plan import Plan
from pipeline.reporting.console import Console
from pipeline.reporting.run_stats import RunStats

_LOG_SECONDS = 30


class Progress:
    """Shows the units that ``advance`` counts; ``begun`` is the job's start by time.monotonic()."""

    def __init__(self, plan: Plan, console: Console, begun: float) -> None:
        self.stats = RunStats()
        self._begun = begun
        self._total = sum(unit.rows for unit in plan.open_units)
        self._console = console
        self._started = self._logged = time.monotonic()
        self._bar = Bar(
            TextColumn("annotating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rates]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=self._total, rates="")

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, record: CommitRecord) -> None:
        """Count a committed unit."""
        now = time.monotonic()
        self.stats = self.stats.with_unit(record, now - self._begun)
        seconds = max(now - self._started, 1e-9)
        records, tokens = self.stats.records, self.stats.tokens
        rates = f"{records / seconds:,.0f} records/s {tokens / seconds:,.0f} tokens/s"
        self._bar.update(self._task, completed=records, rates=rates)
        if not self._console.is_terminal and now - self._logged >= _LOG_SECONDS:
            self._logged = now
            self._console.print(f"{records:,} of {self._total:,} records, {rates}")
