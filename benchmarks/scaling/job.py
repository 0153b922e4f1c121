"""A whole job in a process of its own: when units were committed, and the driver's memory then.

Enters: the corpus, the output, overrides of ``configs/ner.yaml``. Leaves: ``Run``. What holds:
seconds count from when the plan stands and Ray is up; memory is the driver's alone, as the kernel
counts it when a unit is committed.

    python -m benchmarks.scaling.job input.uri=/corpus output.uri=/out
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

CONFIG = Path("configs/ner.yaml")

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Commit:
    """A unit is in the output."""

    seconds: float
    records: int
    megabytes: float


@dataclass(frozen=True)
class Run:
    """``ended``: seconds until the output was reconciled; ``load``: of the machine, before."""

    commits: tuple[Commit, ...]
    ended: float
    load: float

    @property
    def records(self) -> int:
        """All that were committed."""
        return sum(commit.records for commit in self.commits)

    def seconds_a_record(self, after: int) -> float:
        """From the commit of unit number ``after`` (from 1) to the end, over the records since."""
        start, rest = self.commits[after - 1], self.commits[after:]
        return (self.ended - start.seconds) / sum(commit.records for commit in rest)

    def megabytes_at(self, units: int) -> float:
        """The driver's memory when ``units`` were done."""
        return self.commits[units - 1].megabytes


@dataclass(frozen=True)
class Driver:
    """Where a job's own process runs: ``core`` pins it, ``environment`` leads it to a cluster."""

    core: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def run(corpus: Path, out: Path, driver: Driver, **runtime: object) -> Run:
    """The job over ``corpus`` in a fresh process, with ``runtime`` settings."""
    pinned = [] if driver.core is None else ["taskset", "-c", str(driver.core)]
    overrides = [f"runtime.{name}={value}" for name, value in runtime.items()]
    places = [f"input.uri={corpus}", f"output.uri={out}"]
    done = subprocess.run(
        [*pinned, sys.executable, "-m", "benchmarks.scaling.job", *places, *overrides],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **driver.environment},
    )
    values = json.loads(done.stdout.splitlines()[-1])
    commits = tuple(Commit(**commit) for commit in values["commits"])
    return Run(commits, values["ended"], values["load"])


def _measure(overrides: list[str]) -> Run:
    from pipeline.config import JobSettings, load
    from pipeline.execution.run import annotate_corpus, lock_output
    from pipeline.execution.session import cluster
    from pipeline.output.commit import CommitRecord
    from pipeline.planning.plan import Options, make_plan

    busy = os.getloadavg()[0]
    plan = make_plan(load(CONFIG, overrides, JobSettings), Options())
    lock_output(plan)
    commits: list[Commit] = []
    with cluster(plan.job.settings.runtime):
        start = time.perf_counter()

        def watch(record: CommitRecord) -> None:
            seconds = round(time.perf_counter() - start, 3)
            commits.append(Commit(seconds, record.rows_in, _megabytes()))

        annotate_corpus(plan, [watch])
        ended = time.perf_counter() - start
    return Run(tuple(commits), round(ended, 3), round(busy, 1))


def _megabytes() -> float:
    marks = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return round(int(marks["VmRSS"].split()[0]) / 1024, 1)


if __name__ == "__main__":
    _run = _measure(sys.argv[1:])
    sys.stdout.write(f"\n{json.dumps(asdict(_run))}\n")
