"""What actors held and took, as one record and one picture.

Enters: pairs, starts and random numbers by side. Leaves: a ``Record``; a PNG. What holds: goals are
of float32, the default; what is compared with the whole model is compared within a round.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.footprints.actor import STEPS
from benchmarks.footprints.runs import Pair, Starts
from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import Surroundings

FEW, ALL, TRANSFORMERS = "4 of 81 languages", "81 languages", "transformers, 81 languages"

ADDITION, RESIDENT, SECONDS = 15, 40, 5
"""Goals: % of the checkpoint, % of the whole model, seconds."""

_ABOUT = """Actors, each a fresh process on one thread that has imported what an actor of a job has
(Ray, pyarrow, torch, transformers), load a token classifier of X-MOD base's size ({gigabytes:.2f}
GB in float32), run {tokens:,} tokens through all languages that they have loaded, then read every
weight that no token needed. A *second actor* does so while the first is still there. Unique memory
is PSS: pages that several processes share are divided among them, so that the sum over two
processes is what both hold, and what the second adds is the difference from the first alone. Loaded
models' *resident memory* is RSS, less that before loading. Megabytes are of 1,000,000 bytes."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All by side; ``megabytes`` of the checkpoint's file, ``tokens`` of a forward."""

    megabytes: float
    tokens: int
    pairs: dict[str, Pair]
    starts: dict[str, Starts]
    drawn: dict[str, int]

    def addition(self, name: str) -> Spread:
        """Of the second actor of a pair, in % of the checkpoint."""
        return Spread.of([100 * self.pairs[name].addition / self.megabytes])

    def share(self, name: str) -> Spread:
        """Resident memory of a side in % of that with all languages, round by round."""
        pairs = zip(self.starts[name].resident(), self.starts[ALL].resident(), strict=True)
        return Spread.of(100 * own / whole for own, whole in pairs)


def record(measured: Measured, around: Surroundings) -> Record:
    """All of it."""
    return Record(
        title="Memory and start of an actor",
        about=_ABOUT.format(gigabytes=measured.megabytes / 1000, tokens=measured.tokens),
        surroundings=around,
        figures=list(_figures(measured)),
        sheets=[_second(measured), _steps(measured), _resident(measured), _seconds(measured)],
        samples=_samples(measured),
    )


def picture(measured: Measured, path: Path) -> None:
    """Both kinds of shares, and their goals."""
    second = [Bar(name, measured.addition(name), "a second actor adds") for name in measured.pairs]
    sides = [name for name in measured.starts if name != ALL]
    loaded = [Bar(name, measured.share(name), "resident, of 81 languages'") for name in sides]
    title = "X-MOD base, float32 unless int8 is said: % of the checkpoint, or of the whole model"
    goals = {f"goal {goal} %": float(goal) for goal in (ADDITION, RESIDENT)}
    bars(path, title, "%", [*second, *loaded], goals)


def _figures(measured: Measured) -> Iterator[Figure]:
    shares = (
        (f"a second actor's memory, {ALL}, of the checkpoint", measured.addition(ALL), ADDITION),
        (f"resident memory, {FEW}, of that with 81", measured.share(FEW), RESIDENT),
    )
    for name, value, goal in shares:
        yield Figure(name=name, value=value, unit="%", goal=goal, less_is_better=True, digits=1)
    seconds = measured.starts[FEW].seconds("loaded")
    yield Figure(name=f"loading {FEW}", value=seconds, unit="s", goal=SECONDS, less_is_better=True)
    numbers = Spread.of([sum(measured.drawn[name] for name in (FEW, ALL))])
    yield Figure(
        name="random numbers drawn in loading",
        value=numbers,
        unit="",
        goal=0,
        less_is_better=True,
        digits=0,
    )


def _second(measured: Measured) -> Sheet:
    rows = [
        (
            name,
            *(f"{one:,.0f}" for one in (own.alone.proportional, own.both, own.addition)),
            f"{measured.addition(name):.1f}",
            f"{own.second.private:,.0f}",
        )
        for name, own in measured.pairs.items()
    ]
    columns = ("first alone", "both", "the second adds", "% of the checkpoint", "its private pages")
    note = "The last column is another count of the same: the pages that no other process has."
    return Sheet("A second actor, MB of unique memory", ("both have", *columns), rows, note)


def _steps(measured: Measured) -> Sheet:
    rows = [
        (name, *(f"{step.held.private:,.0f}" for step in own.steps))
        for name, own in measured.pairs.items()
    ]
    title = "Its private pages after each step, MB"
    note = (
        "*imported*: interpreter and libraries; *opened*: the files hashed; *loaded*: the model "
        "made; *answered*: all windows through it, which leaves room to work in and, in int8, the "
        "adapters' integers; *read*: every weight touched."
    )
    return Sheet(title, ("both have", *STEPS), rows, note)


def _resident(measured: Measured) -> Sheet:
    rows = [
        (name, f"{Spread.of(own.resident()):,.0f}", f"{measured.share(name):.1f}")
        for name, own in measured.starts.items()
    ]
    columns = ("side", "MB", f"% of {ALL}")
    return Sheet("Resident memory of a loaded model, all weights read", columns, rows)


def _seconds(measured: Measured) -> Sheet:
    rows = []
    for name, own in measured.starts.items():
        each = [f"{own.seconds(step):.2f}" for step in STEPS[:4]]
        rows.append((name, *each, f"{measured.drawn[name]:,}"))
    note = (
        f"*opened* hashes {measured.megabytes / 1000:.1f} GB of files, which proves them to be "
        f"those that were planned with; *answered* is {measured.tokens:,} tokens on one thread."
    )
    columns = ("side", *STEPS[:4], "random numbers drawn")
    return Sheet("Seconds of each step, files in the page cache", columns, rows, note)


def _samples(measured: Measured) -> dict[str, object]:
    return {
        "pairs": {name: asdict(own) for name, own in measured.pairs.items()},
        "starts": {name: asdict(own) for name, own in measured.starts.items()},
        "drawn": measured.drawn,
    }
