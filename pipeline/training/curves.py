"""What a training's figures did, step by step.

Enters: the Trainer's log. Leaves: `history.json` and `curves.png` in a folder.
Holds: the picture needs no display; losses are one panel, dev figures (means over languages)
another, where there are any.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Entry = Mapping[str, Any]
"""What was logged at a step."""


def write_curves(history: Sequence[Entry], out: Path) -> None:
    """Write both files to the folder `out`."""
    text = json.dumps(list(history), indent=1) + "\n"
    (out / "history.json").write_text(text, encoding="utf-8")
    panels = [panel for panel in (losses(history), dev_figures(history)) if panel]
    figure = Figure(figsize=(6.4 * max(len(panels), 1), 4.0), layout="constrained")
    for place, curves in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for name, points in sorted(curves.items()):
            axes.plot(
                *zip(*points, strict=True), marker="." if len(points) < 20 else None, label=name
            )
        axes.set_xlabel("step")
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(out / "curves.png", dpi=120)


def losses(history: Iterable[Entry]) -> dict[str, list[tuple[int, float]]]:
    """Step and value of each loss that was logged."""
    return _curves(history, lambda name: name == "loss" or name.startswith("loss_"))


def dev_figures(history: Iterable[Entry]) -> dict[str, list[tuple[int, float]]]:
    """Step and value of each mean over languages."""
    return {
        name.removeprefix("eval_"): points
        for name, points in _curves(
            history, lambda name: name.startswith("eval_") and "/" not in name
        ).items()
    }


def _curves(
    history: Iterable[Entry], shown: Callable[[str], bool]
) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, list[tuple[int, float]]] = {}
    for entry in history:
        for name, value in entry.items():
            if shown(name):
                curves.setdefault(name, []).append((int(entry["step"]), float(value)))
    return curves
