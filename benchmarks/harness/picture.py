"""Bars with whiskers, one picture a figure.

Enters: named spreads, goals. Leaves: PNG files of 1,200 pixels width. What holds: colours are Okabe
and Ito's, which people with any colour vision tell apart; each bar has its median written at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmarks.harness.rounds import Spread

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")
GREY = "#888888"

_DPI = 100
_WIDTH = 12.0
"""Inches."""
_ROW = 0.42
"""Inches that a bar takes."""


@dataclass(frozen=True)
class Bar:
    """A spread; bars of one ``kind`` have one colour, and a legend tells kinds apart."""

    label: str
    value: Spread
    kind: str = ""


def canvas(height: float, width: float = _WIDTH) -> Figure:
    """An empty picture; inches."""
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    return Figure(figsize=(width, height), dpi=_DPI, layout=layout)


def bars(
    path: Path,
    title: str,
    unit: str,
    held: Sequence[Bar],
    goals: Mapping[str, float] | None = None,
) -> None:
    """``held`` from above down: median, whiskers from least to greatest, a line a goal."""
    picture = canvas(_ROW * len(held) + 1.8)
    axis = picture.subplots()
    for kind, colour in zip(dict.fromkeys(bar.kind for bar in held), COLOURS, strict=False):
        _bars_of(axis, held, kind, colour)
    for place, (name, goal) in enumerate((goals or {}).items()):
        axis.axvline(goal, color=GREY, linestyle="--", linewidth=1, zorder=3)
        # One above the other, as goals may be near each other.
        above = (3, 2 + 11 * place)
        axis.annotate(name, (goal, 1), above, xycoords=_TOP, textcoords="offset points", size=9)
    axis.set_yticks(range(len(held)), [bar.label for bar in held])
    axis.set(xlabel=unit, xlim=(0, None), ylim=(len(held) - 0.4, -0.6))
    axis.grid(axis="x", alpha=0.3)
    if any(bar.kind for bar in held):
        axis.legend(loc="best", frameon=False)
    picture.suptitle(title)
    picture.savefig(path)


_TOP = ("data", "axes fraction")


def _bars_of(axis: Axes, held: Sequence[Bar], kind: str, colour: str) -> None:
    own = [(row, bar.value) for row, bar in enumerate(held) if bar.kind == kind]
    rows = [row for row, _ in own]
    medians = [value.median for _, value in own]
    whiskers = [
        [value.median - value.low for _, value in own],
        [value.high - value.median for _, value in own],
    ]
    style = {"ecolor": GREY, "capsize": 3, "elinewidth": 1}
    axis.barh(rows, medians, 0.7, color=colour, label=kind, xerr=whiskers, error_kw=style)
    for row, value in own:
        axis.annotate(
            _short(value.median),
            (value.high, row),
            (6, 0),
            textcoords="offset points",
            va="center",
        )


def _short(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
