"""What a training's figures did, step by step: `history.json` and `curves.png` in a folder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Curves = dict[str, list[tuple[int, float]]]
"""Step and value of each figure."""


def write_curves(history: Sequence[Mapping[str, Any]], out: Path) -> None:
    """Write both files to the folder `out`; the picture needs no display."""
    text = json.dumps(list(history), indent=1) + "\n"
    (out / "history.json").write_text(text, encoding="utf-8")
    panels = [panel for panel in panels_of(history) if panel]
    figure = Figure(figsize=(6.4 * max(len(panels), 1), 4.0), layout="constrained")
    for place, curves in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for name, points in sorted(curves.items()):
            marker = "." if len(points) < 20 else None
            axes.plot(*zip(*points, strict=True), marker=marker, label=name)
        axes.set_xlabel("step")
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(out / "curves.png", dpi=120)


def panels_of(history: Iterable[Mapping[str, Any]]) -> tuple[Curves, Curves]:
    """Losses, and the dev figures that are means over languages."""
    losses: Curves = {}
    figures: Curves = {}
    for entry in history:
        for name, value in entry.items():
            point = int(entry["step"]), float(value)
            if name == "loss" or name.startswith("loss_"):
                losses.setdefault(name, []).append(point)
            elif name.startswith("eval_") and "/" not in name:
                figures.setdefault(name.removeprefix("eval_"), []).append(point)
    return losses, figures
