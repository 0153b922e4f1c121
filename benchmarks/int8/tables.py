"""What was measured as one record and one picture.

Enters: rounds by number of tokens, checks, footprints. Leaves: a ``Record``; a PNG. What holds: the
first number of tokens is what figures and the picture are of; only a side whose rows stand alone
can be the choice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import Figure, Record
from benchmarks.harness.rounds import Rounds, Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import Surroundings
from benchmarks.int8.checks import Checks
from benchmarks.int8.footprint import Footprint, package_megabytes
from benchmarks.int8.layer import GIGAFLOP_A_TOKEN
from benchmarks.int8.sides import BASE, OWN, SIDES

GOAL = 1.9
"""How many times as fast as float32 int8 has to be to be worth its rounding; see DESIGN.md."""

_SAME = 1e-4
"""What a row may change beside others, in root mean squares: rounding of float32."""
_ABOUT = """The matrix products of one X-MOD base layer with their biases and GELU, by several back
ends on the same random weights and tokens, a few columns of which are 20 to 50 times as large as
the others. *Speed-ups* compare sides within a round: the median and the range over rounds. *Beside
an outlier*: the most that a value changes when one other row of the batch becomes 100 times as
large; *in a smaller batch*: when a third of the rows is computed alone; both in root mean squares
of the output. Rows have to stand alone, so that a record is annotated the same in any batch."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """``rounds`` by number of tokens, all else by side; of ``skipped`` ones what they lack."""

    threads: int
    rounds: dict[int, Rounds]
    checks: dict[str, Checks]
    footprints: dict[str, Footprint]
    skipped: dict[str, str]

    @property
    def tokens(self) -> int:
        """What figures and the picture are of."""
        return next(iter(self.rounds))

    @property
    def choice(self) -> str | None:
        """The fastest side of 8-bit integers whose rows stand alone."""
        able = [name for name, own in self.checks.items() if own.stands_alone and "int8" in name]
        speed = self.rounds[self.tokens].speed_up
        return max(able, key=lambda name: speed(name, over=BASE).median, default=None)


def record(measured: Measured, around: Surroundings) -> Record:
    """All of it."""
    speeds = [_speeds(rounds, tokens) for tokens, rounds in measured.rounds.items()]
    samples = {str(tokens): rounds.seconds for tokens, rounds in measured.rounds.items()}
    checks = {name: asdict(own) for name, own in measured.checks.items()}
    return Record(
        title=f"8-bit back ends on a CPU, {measured.threads} threads",
        about=_ABOUT,
        surroundings=around,
        figures=_figures(measured),
        sheets=[*speeds, _rows(measured), _costs(measured), _packages(measured)],
        samples={"seconds": samples, "checks": checks},
    )


def picture(measured: Measured, path: Path) -> None:
    """Speed-ups over ``BASE``; colours tell whether rows stand alone."""
    speed = measured.rounds[measured.tokens].speed_up
    kinds = {True: "rows stand alone", False: "rows depend on their neighbours"}
    held = [
        Bar(name, speed(name, over=BASE), kinds[own.stands_alone])
        for name, own in measured.checks.items()
    ]
    title = f"Matrix products of an X-MOD base layer, {measured.tokens:,} tokens, "
    title += f"{measured.threads} threads: speed-up over float32"
    bars(path, title, f"times as fast as {BASE}", held, {"float32": 1, f"goal {GOAL:g}": GOAL})


def _figures(measured: Measured) -> list[Figure]:
    if not {BASE, OWN} <= measured.checks.keys():
        return []
    speed, found = measured.rounds[measured.tokens].speed_up, []
    for name in dict.fromkeys([OWN, measured.choice or OWN]):
        value = speed(name, over=BASE)
        found.append(Figure(name=f"{name} over {BASE}", value=value, unit="×", goal=GOAL))
    if measured.choice != OWN:
        name = f"{measured.choice}, the fastest whose rows stand alone, over {OWN}"
        found.append(Figure(name=name, value=speed(str(measured.choice), over=OWN), unit="×"))
    return [*found, _steadiness(measured.checks[OWN])]


def _steadiness(own: Checks) -> Figure:
    return Figure(
        name=f"{OWN}: change of a row beside an outlier",
        value=Spread.of([own.beside_outlier]),
        unit="RMS",
        goal=_SAME,
        less_is_better=True,
        digits=6,
    )


def _speeds(rounds: Rounds, tokens: int) -> Sheet:
    rows = []
    for name in rounds.seconds:
        milliseconds = Spread.of(1000 * one for one in rounds.seconds[name])
        rate = rounds.rate(name, tokens * GIGAFLOP_A_TOKEN).median
        ratios = [f"{rounds.speed_up(name, over=other):.2f}" for other in _rivals(rounds)]
        rows.append((name, f"{milliseconds:.1f}", f"{rate:,.0f}", *ratios))
    columns = ("ms a layer", "GFLOP/s", *(f"over {other}" for other in _rivals(rounds)))
    return Sheet(f"Speed, {tokens:,} tokens", ("side", *columns), rows)


def _rivals(rounds: Rounds) -> list[str]:
    return [name for name in (BASE, OWN) if name in rounds.seconds]


def _rows(measured: Measured) -> Sheet:
    rows = [
        (
            name,
            *(f"{own.cosine:.4f}", f"{own.error:.4f}"),
            *(f"{own.beside_outlier:.2g}", f"{own.in_smaller_batch:.2g}"),
            "yes" if own.stands_alone else "no",
        )
        for name, own in measured.checks.items()
    ]
    changes = ("beside an outlier", "in a smaller batch", "stands alone")
    title = f"Distance from {BASE}, and rows' dependence on one another"
    return Sheet(title, ("side", "cosine", "relative L2", *changes), rows)


def _costs(measured: Measured) -> Sheet:
    rows = [
        (name, f"{own.ready:.1f}", f"{own.layer:.1f}", f"{own.once:.0f}")
        for name, own in measured.footprints.items()
    ]
    columns = ("side", "s until the first answer", "MB a layer", "MB once")
    lacking = [f"{name} was skipped: {what}." for name, what in measured.skipped.items()]
    return Sheet("Start and memory, a fresh process each", columns, rows, "\n".join(lacking))


def _packages(measured: Measured) -> Sheet:
    needed = _needed(list(measured.footprints))
    rows = [
        (name, metadata.version(name), f"{package_megabytes(name):,.0f}", ", ".join(users))
        for name, users in needed.items()
    ]
    return Sheet("Packages on disk", ("package", "version", "MB", "for"), rows)


def _needed(sides: Sequence[str]) -> dict[str, list[str]]:
    """Packages, and the sides that need them."""
    needed: dict[str, list[str]] = {}
    for side in sides:
        for package in SIDES[side].packages:
            needed.setdefault(package, []).append(side)
    return {"torch": ["all"], **needed}
