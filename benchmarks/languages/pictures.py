"""Detectors in pictures: how far scores can be trusted, and short texts language by language.

Enters: a report. Leaves: PNG files of 1,200 pixels width. What holds: colours are Okabe and Ito's,
which people with any colour vision tell apart, and markers differ in shape as well.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from benchmarks.harness.picture import COLOURS, GREY, canvas
from benchmarks.languages.figures import BINS, Figures
from benchmarks.languages.report import Report
from benchmarks.languages.tables import display_name

_COLOURS = COLOURS[:2]
_MARKERS = {"sentences": "o", "short": "^"}
_PANELS_A_ROW = 3
_FEWEST = 10
"""Texts that a bin needs for its accuracy to be drawn."""


def reliability(report: Report, path: Path) -> None:
    """A panel a detector: scores against accuracy, and under it how many texts score so."""
    names = report.ranked
    rows = -(-len(names) // _PANELS_A_ROW)
    picture = canvas(4.6 * rows + 0.6)
    panels = picture.subfigures(rows, _PANELS_A_ROW, squeeze=False).flat
    for panel, name in zip(panels, names, strict=False):
        upper, lower = panel.subplots(2, 1, height_ratios=[3, 1], sharex=True)
        own = {corpus: report.corpora[corpus].figures[name] for corpus in _MARKERS}
        errors = ", ".join(f"{corpus} {one.calibration_error:.3f}" for corpus, one in own.items())
        upper.set_title(f"{name}\nECE: {errors}")
        _accuracy(upper, own)
        _counts(lower, own)
    picture.suptitle(
        f"Is an answer with a score of 0.8 right in 8 of 10 texts? {BINS} bins, languages that a\n"
        f"detector knows, accuracy from {_FEWEST} texts on; ECE: expected calibration error"
    )
    picture.savefig(path)


def languages(report: Report, names: tuple[str, str], path: Path) -> None:
    """A row a language: accuracy on short texts of the first detector against the second's."""
    first, second = (report.corpora["short"].figures[name].accuracy for name in names)
    codes = sorted(first, key=lambda code: (first[code], second[code], code))
    half = -(-len(codes) // 2)
    picture = canvas(0.22 * half + 1.4)
    axes = picture.subplots(1, 2, sharex=True)
    for axis, shown in zip(axes, (codes[:half], codes[half:]), strict=True):
        _dots(axis, shown, [first, second], names)
    axes[0].legend(loc="lower left", frameon=False)
    picture.suptitle("Short texts (25 characters or fewer): share that gets its X-MOD code")
    picture.savefig(path)


def _accuracy(axis: Axes, own: dict[str, Figures]) -> None:
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
    for (corpus, one), colour in zip(own.items(), _COLOURS, strict=True):
        # Where a bin is left out, the line breaks.
        shares = [part.accuracy if part.texts >= _FEWEST else np.nan for part in one.bins]
        scores = [part.confidence for part in one.bins]
        axis.plot(scores, shares, _MARKERS[corpus], ls="-", lw=1.2, color=colour, label=corpus)
    axis.set(ylabel="accuracy", xlim=(0, 1.01), ylim=(0, 1.03))
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right", frameon=False)


def _counts(axis: Axes, own: dict[str, Figures]) -> None:
    """Bars side by side, in logarithms: most texts are in the last bin."""
    width = 0.4 / BINS
    for place, (one, colour) in enumerate(zip(own.values(), _COLOURS, strict=True)):
        lefts = np.arange(BINS) / BINS + width * (place + 0.25)
        axis.bar(lefts, [part.texts for part in one.bins], width, align="edge", color=colour)
    axis.set(xlabel="score", ylabel="texts", yscale="log", ylim=(0.8, 30_000))
    axis.set_yticks([1, 100, 10_000], ["1", "100", "10,000"])


def _dots(
    axis: Axes, codes: list[str], shares: list[dict[str, float]], names: tuple[str, str]
) -> None:
    """A dot for the first and a ring for the second; where both are the same, a dot in a ring."""
    rows = np.arange(len(codes))
    first, second = (np.array([one[code] for code in codes]) for one in shares)
    axis.hlines(rows, first, second, color=GREY, linewidth=1, zorder=1)
    axis.scatter(first, rows, s=24, color=_COLOURS[0], label=names[0], zorder=2)
    axis.scatter(second, rows, s=80, facecolors="none", edgecolors=_COLOURS[1], label=names[1])
    axis.set_yticks(rows, [f"{display_name(code)}  {code}" for code in codes], fontsize=9)
    axis.set(ylim=(len(codes) - 0.5, -0.5))
    axis.grid(axis="x", alpha=0.3)
