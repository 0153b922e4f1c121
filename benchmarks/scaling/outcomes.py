"""What runs amount to: a figure with its goal, a table, a picture.

Enters: runs, the same place in two lists being the same round. Leaves: ``Outcome``. What holds:
what is compared is of one round; start-up is left out by the number of units, not by a time, and
so is the same work in each job.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import Surroundings
from benchmarks.scaling.job import Run

WARM = 8
"""Units until a job is in its stride: all processes have started, and every queue has filled."""
FEW, MANY = 10, 1000
"""Units done when the driver's memory is looked at."""

_MODEL = "Entities by the demo model over copies of the demo corpus, on CPUs."


@dataclass(frozen=True)
class Outcome:
    """What is written of a question; ``held`` is drawn, in ``unit``."""

    record: Record
    unit: str
    held: Sequence[Bar]
    goals: Mapping[str, float] = field(default_factory=dict)

    def draw(self, path: Path) -> None:
        """The picture."""
        bars(path, self.record.title, self.unit, self.held, self.goals)


def ten_times(before: Surroundings, one: Sequence[Run], ten: Sequence[Run]) -> Outcome:
    """Jobs over some records and over ten times as many."""
    ratio = Spread.of(_seconds(ten) / _seconds(one) for one, ten in zip(one, ten, strict=True))
    jobs = {f"{runs[0].records:,} records": runs for runs in (one, ten)}
    seconds = {name: _spread(runs, _seconds) for name, runs in jobs.items()}
    goal = 10.3
    return Outcome(
        Record(
            title="Ten times the records",
            about=(
                f"{_MODEL} One actor. The clock starts when {WARM} units are committed, so that "
                "start-up is left out, and stops when the output is reconciled; what a record "
                "takes in that time, times all records, is the job's time."
            ),
            surroundings=before,
            figures=[
                Figure(
                    name="time of the larger job over time of the lesser",
                    value=ratio,
                    unit="×",
                    goal=goal,
                    less_is_better=True,
                )
            ],
            sheets=[_jobs(jobs)],
            samples=_samples(jobs),
        ),
        "seconds after start-up",
        [Bar(name, value) for name, value in seconds.items()],
        {f"{goal} times the lesser job": goal * next(iter(seconds.values())).median},
    )


def driver_memory(before: Surroundings, runs: Sequence[Run]) -> Outcome:
    """Jobs of many units of one record."""
    marks = (1, FEW, MANY // 10, MANY)
    at = {mark: Spread.of(one.megabytes_at(mark) for one in runs) for mark in marks}
    rows = [(f"{mark:,}", format(value, ".1f")) for mark, value in at.items()]
    goal = 1.1
    return Outcome(
        Record(
            title="Memory of the driver",
            about=(
                f"{_MODEL} {len(runs[0].commits):,} units of one record each. Resident memory of "
                "the driver's process, all that it imports included, when a unit is committed."
            ),
            surroundings=before,
            figures=[
                Figure(
                    name=f"memory with {MANY:,} units done over memory with {FEW}",
                    value=Spread.of(one.megabytes_at(MANY) / one.megabytes_at(FEW) for one in runs),
                    unit="×",
                    goal=goal,
                    less_is_better=True,
                    digits=3,
                )
            ],
            sheets=[Sheet("Driver", ("units done", "MB"), rows)],
            samples=_samples({"job": runs}),
        ),
        "MB",
        [Bar(f"{mark:,} units done", value) for mark, value in at.items()],
        {f"{goal} times the memory with {FEW}": goal * at[FEW].median},
    )


def second_raylet(before: Surroundings, one: Sequence[Run], two: Sequence[Run]) -> Outcome:
    """The same job on one raylet and on two."""
    pairs = zip(one, two, strict=True)
    jobs = {"one raylet": one, "two raylets": two}
    rates = {name: _spread(runs, _records_a_second) for name, runs in jobs.items()}
    goal = 1.8
    return Outcome(
        Record(
            title="A second raylet",
            about=(
                f"{_MODEL} Each raylet, with all its processes, is pinned to a core of its own and "
                "has one actor; Ray's head and the driver are on the first one's core. Ray's "
                f"tokens are on. Records a second are those since {WARM} units were committed."
            ),
            surroundings=before,
            figures=[
                Figure(
                    name="records a second on two raylets over those on one",
                    value=Spread.of(
                        _records_a_second(two) / _records_a_second(one) for one, two in pairs
                    ),
                    unit="×",
                    goal=goal,
                )
            ],
            sheets=[_jobs(jobs)],
            samples=_samples(jobs),
        ),
        "records/s",
        [Bar(name, value) for name, value in rates.items()],
        {f"{goal} times one raylet": goal * rates["one raylet"].median},
    )


def _seconds(run: Run) -> float:
    """Of a job without its start-up."""
    return run.records * run.seconds_a_record(WARM)


def _records_a_second(run: Run) -> float:
    return 1 / run.seconds_a_record(WARM)


def _spread(runs: Sequence[Run], figure: Callable[[Run], float]) -> Spread:
    return Spread.of(map(figure, runs))


def _jobs(jobs: Mapping[str, Sequence[Run]]) -> Sheet:
    columns = ("job", "units", "s", "records/s", "s to the first commit", "load before")
    rows = [
        (
            name,
            f"{len(runs[0].commits):,}",
            format(_spread(runs, _seconds), ".1f"),
            format(_spread(runs, _records_a_second), ".1f"),
            format(_spread(runs, lambda run: run.commits[0].seconds), ".1f"),
            format(_spread(runs, lambda run: run.load), ".1f"),
        )
        for name, runs in jobs.items()
    ]
    return Sheet("Jobs", columns, rows)


def _samples(jobs: Mapping[str, Sequence[Run]]) -> dict[str, object]:
    return {name: [asdict(run) for run in runs] for name, runs in jobs.items()}
