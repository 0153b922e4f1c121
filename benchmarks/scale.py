"""What more records, more units and more nodes cost: three questions, three commands.

``records``: do ten times the records take ten times as long? ``memory``: does the driver grow with
the units that are done? ``raylets``: does a second node double the records a second? Jobs are whole
ones with the demo model over copies of the demo corpus; those that are compared run in turns, each
with a Ray and a driver of its own.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks import harness
from benchmarks.fresh import fresh
from benchmarks.raylets import CPUS_AN_ACTOR, Driver, raylets

DEMO_FILES = (Path("demo/corpus/asia.parquet"), Path("demo/corpus/europe.parquet"))
DEMO_RECORDS = 368
"""In those files."""
FEW, MANY = 10, 1000
"""Units done when the driver's memory is looked at."""
WARM = 8
"""Units until a job is in its stride: all processes have started, every queue has filled."""
_UNIT_ROWS = DEMO_RECORDS // 8
"""So that every eighth unit is the same, whatever the number of copies."""
_ABOUT = "Entities by the demo model over copies of the demo corpus, on CPUs."

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Run:
    """When each unit was committed, its records, and the driver's megabytes then; the job's end."""

    commits: Sequence[tuple[float, int, float]]
    ended: float

    @property
    def records(self) -> int:
        """All that were committed."""
        return sum(records for _, records, _ in self.commits)

    @property
    def rate(self) -> float:
        """Records a second from the commit of unit ``WARM`` to the end."""
        since = sum(records for _, records, _ in self.commits[WARM:])
        return since / (self.ended - self.commits[WARM - 1][0])

    @property
    def seconds(self) -> float:
        """Of all records at that rate: the job without its start-up."""
        return self.records / self.rate

    def megabytes(self, units: int) -> float:
        """The driver's memory when ``units`` were done."""
        return self.commits[units - 1][2]


@app.command()
def records(
    copies: Annotated[int, typer.Option(min=2, help="Of the demo corpus.")] = 8,
    rounds: harness.RoundCount = 1,
    out: harness.Out = harness.RESULTS,
) -> None:
    """Ten times the records; ``--copies`` are those of the smaller job."""
    around = harness.surroundings()
    with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
        folder = Path(temporary)
        jobs = {}
        for name, number in (("one", copies), ("ten", 10 * copies)):
            demo_copies(folder / name, number)
            jobs[name] = partial(annotate, folder / name, unit_rows=_UNIT_ROWS)
        found = _in_turns(jobs, rounds, folder)
    ratio = times_as_long(found["one"], found["ten"])
    harness.Record(
        title="Ten times the records",
        about=f"{_ABOUT} One actor. Start-up, until {WARM} units are committed, is left out.",
        surroundings=around,
        figures=[harness.Figure("time of the larger job over that of the smaller", ratio)],
        sheets=[_jobs({f"{runs[0].records:,} records": runs for runs in found.values()})],
        samples=_samples(found),
    ).keep(out, "scale_records")


@app.command()
def memory(
    units: Annotated[int, typer.Option(min=FEW, help="Of one record each.")] = 3 * DEMO_RECORDS,
    rounds: harness.RoundCount = 1,
    out: harness.Out = harness.RESULTS,
) -> None:
    """The driver's memory with 1,000 units done against 10."""
    around = harness.surroundings()
    with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
        folder = Path(temporary)
        demo_copies(folder / "corpus", -(-units // DEMO_RECORDS))
        job = partial(annotate, folder / "corpus", unit_rows=1)
        found = _in_turns({"job": job}, rounds, folder)
    runs = found["job"]
    marks = [mark for mark in (1, FEW, MANY // 10, MANY) if mark <= len(runs[0].commits)]
    rows = [
        (f"{mark:,}", f"{harness.Spread.of(run.megabytes(mark) for run in runs):.1f}")
        for mark in marks
    ]
    harness.Record(
        title="Memory of the driver",
        about=(
            f"{_ABOUT} {len(runs[0].commits):,} units of one record each. Resident memory of the "
            "driver's process when a unit is committed, all that it imports included."
        ),
        surroundings=around,
        figures=[
            harness.Figure(
                f"memory with {marks[-1]:,} units done over memory with {FEW}",
                growth(runs, FEW, marks[-1]),
                digits=3,
            )
        ],
        sheets=[harness.Sheet("Driver", ("units done", "MB"), rows)],
        samples=_samples(found),
    ).keep(out, "scale_memory")


@app.command("raylets")
def two_raylets(
    copies: Annotated[int, typer.Option(min=WARM + 1, help="Of the demo corpus.")] = 40,
    rounds: harness.RoundCount = 2,
    out: harness.Out = harness.RESULTS,
) -> None:
    """Two nodes of a core each against one."""
    around = harness.surroundings()
    with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
        folder = Path(temporary)
        demo_copies(folder / "corpus", copies)
        jobs = {
            "one raylet": partial(_on_raylets, folder / "corpus", [0]),
            "two raylets": partial(_on_raylets, folder / "corpus", [0, 1]),
        }
        found = _in_turns(jobs, rounds, folder)
    # Of the same records: the ratio of seconds is that of records a second upside down.
    ratio = times_as_long(found["two raylets"], found["one raylet"])
    harness.Record(
        title="A second raylet",
        about=(
            f"{_ABOUT} Each raylet, with all its processes, is pinned to a core of its own and has "
            "one actor; Ray's head and the driver are on the first one's core. Ray's tokens are "
            f"on. Start-up, until {WARM} units are committed, is left out."
        ),
        surroundings=around,
        figures=[harness.Figure("records a second on two raylets over those on one", ratio)],
        sheets=[_jobs(found)],
        samples=_samples(found),
    ).keep(out, "scale_raylets")


def times_as_long(one: Sequence[Run], other: Sequence[Run]) -> harness.Spread:
    """Seconds of ``other`` over those of ``one``, round by round."""
    return harness.Spread.of(b.seconds / a.seconds for a, b in zip(one, other, strict=True))


def growth(runs: Sequence[Run], few: int, many: int) -> harness.Spread:
    """The driver's memory with ``many`` units done over that with ``few``."""
    return harness.Spread.of(run.megabytes(many) / run.megabytes(few) for run in runs)


def demo_copies(folder: Path, copies: int) -> None:
    """One file with the demo corpus ``copies`` times, each record with an id of its own."""
    once = pa.concat_tables([pq.read_table(path) for path in DEMO_FILES])
    whole = pa.concat_tables([once] * copies)
    ids = pa.array([f"r{number}" for number in range(whole.num_rows)])
    place = whole.schema.get_field_index("doc_id")
    folder.mkdir(parents=True)
    pq.write_table(whole.set_column(place, "doc_id", ids), folder / "corpus.parquet")


def annotate(corpus: Path, out: Path, driver: Driver | None = None, **runtime: object) -> Run:
    """A job over ``corpus`` whose driver is a fresh process, with ``runtime`` settings."""
    where = driver or Driver()
    found = fresh(
        "benchmarks.scale:drive",
        f"input.uri={corpus}",
        f"output.uri={out}",
        *(f"runtime.{name}={value}" for name, value in runtime.items()),
        prefix=where.prefix,
        environment=where.environment,
    )
    return Run([tuple(commit) for commit in found["commits"]], found["ended"])


def drive(*overrides: str) -> dict[str, Any]:
    """The fields of a ``Run``; seconds count from when the plan stands and Ray is up."""
    from pipeline.config import JobSettings, load
    from pipeline.execution.run import annotate_corpus, lock_output
    from pipeline.execution.session import cluster
    from pipeline.output.commit import CommitRecord
    from pipeline.planning.plan import Options, make_plan

    plan = make_plan(load(Path("configs/ner.yaml"), list(overrides), JobSettings), Options())
    lock_output(plan)
    commits: list[tuple[float, int, float]] = []
    driver = psutil.Process()
    with cluster(plan.job.settings.runtime):
        start = time.perf_counter()

        def watch(record: CommitRecord) -> None:
            seconds = round(time.perf_counter() - start, 3)
            commits.append((seconds, record.rows_in, driver.memory_info().rss / 1e6))

        annotate_corpus(plan, [watch])
        return {"commits": commits, "ended": round(time.perf_counter() - start, 3)}


def _on_raylets(corpus: Path, cores: Sequence[int], out: Path) -> Run:
    # A socket's path may have about a hundred characters, and Ray's own part takes most of them.
    # A unit takes seconds, as one of the default's 4,096 records does: of shorter ones Ray's own
    # processes would need a core for themselves.
    with tempfile.TemporaryDirectory(prefix="ray-") as own, raylets(cores, Path(own)) as driver:
        runtime = {"actors": len(cores), "cpus_per_actor": CPUS_AN_ACTOR}
        return annotate(corpus, out, driver, unit_rows=DEMO_RECORDS, **runtime)


def _in_turns(
    jobs: Mapping[str, Callable[[Path], Run]], rounds: int, folder: Path
) -> dict[str, list[Run]]:
    """Each job ``rounds`` times, with a folder for its output."""
    found: dict[str, list[Run]] = {name: [] for name in jobs}
    for name in harness.turns(jobs, rounds):
        run = jobs[name](folder / f"{name}-{len(found[name])}-out".replace(" ", "-"))
        found[name].append(run)
        harness.note(f"{name}: {len(run.commits):,} units in {run.ended:.1f} s")
    return found


def _jobs(jobs: Mapping[str, Sequence[Run]]) -> harness.Sheet:
    rows = [
        (
            name,
            f"{len(runs[0].commits):,}",
            f"{harness.Spread.of(run.seconds for run in runs):.1f}",
            f"{harness.Spread.of(run.rate for run in runs):.1f}",
            f"{harness.Spread.of(run.commits[0][0] for run in runs):.1f}",
        )
        for name, runs in jobs.items()
    ]
    return harness.Sheet("Jobs", ("job", "units", "s", "records/s", "s to the first commit"), rows)


def _samples(found: Mapping[str, Sequence[Run]]) -> dict[str, object]:
    return {name: [asdict(run) for run in runs] for name, runs in found.items()}


if __name__ == "__main__":
    app()
