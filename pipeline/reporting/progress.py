"""How far a run is: a bar on a terminal, a line now and then in a log.

Enters: commit records as units end. Leaves: records, records/s, tokens/s and the time left. What
holds: the rates are of this run alone, from its first second.
"""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipeline.output.commit import CommitRecord
from pipeline.planning.plan import Plan
from pipeline.reporting.run_stats import RunStats

_LOG_SECONDS = 30


class Progress:
    """A context manager whose ``advance`` is told of each committed unit; ``stats`` sums them up.

    ``begun`` is when the job began, by ``time.monotonic()``.
    """

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
        """Count a unit."""
        self.stats = self.stats.with_unit(record, time.monotonic() - self._begun)
        self._bar.update(self._task, completed=self.stats.records, rates=self._rates())
        self._log()

    def _log(self) -> None:
        now = time.monotonic()
        if self._console.is_terminal or now - self._logged < _LOG_SECONDS:
            return
        self._logged = now
        self._console.print(f"{self.stats.records:,} of {self._total:,} records, {self._rates()}")

    def _rates(self) -> str:
        seconds = max(time.monotonic() - self._started, 1e-9)
        records, tokens = self.stats.records / seconds, self.stats.tokens / seconds
        return f"{records:,.0f} records/s {tokens:,.0f} tokens/s"
