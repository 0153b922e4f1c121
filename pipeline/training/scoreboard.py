"""Scores of a checkpoint as tables, JSON and a picture."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pipeline.training.heads.head import Figures

MEAN = "mean"


@dataclass(frozen=True)
class Scoreboard:
    """One checkpoint's figures, by column (`own`, `none`, `baseline`, …), name and language."""

    name: str
    selects: str
    """The figure that the picture shows."""
    columns: Mapping[str, Figures]
    falls: bool = False
    """Whether the lower one is the better one."""
    notes: tuple[str, ...] = ()
    """What has no score, and why."""

    @property
    def scores(self) -> dict[tuple[str, str], dict[str, float]]:
        """By figure and column, in the order of a table; then by language, and their mean.

        Means are over the languages of the first column.
        """
        names = dict.fromkeys(name for figures in self.columns.values() for name in figures)
        return {
            (name, column): self._with_mean(figures[name])
            for name in names
            for column, figures in self.columns.items()
            if name in figures
        }

    @property
    def languages(self) -> list[str]:
        """Those of the first column."""
        first = next(iter(self.columns.values()), {})
        return list(dict.fromkeys(language for by in first.values() for language in by))

    def _with_mean(self, scores: Mapping[str, float]) -> dict[str, float]:
        known = [scores[language] for language in self.languages if language in scores]
        return {**scores, **({MEAN: float(np.mean(known))} if known else {})}

    def tables(self) -> Iterator[list[list[str]]]:
        """A table a figure: its name and the columns, then a row a language, and their mean."""
        scores = self.scores
        for figure in dict.fromkeys(name for name, _ in scores):
            columns = {column: by for (name, column), by in scores.items() if name == figure}
            yield [
                [figure, *columns],
                *(
                    [one, *(f"{by[one]:.3f}" if one in by else "" for by in columns.values())]
                    for one in [*self.languages, MEAN]
                ),
            ]


def write(boards: Sequence[Scoreboard], out: Path) -> None:
    """Write `scores.json`, `scores.md` and `scores.png` to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    values = {board.name: board.columns for board in boards}
    (out / "scores.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    (out / "scores.md").write_text("\n".join(map(markdown, boards)), encoding="utf-8")
    picture(boards).savefig(out / "scores.png", dpi=120)


def markdown(board: Scoreboard) -> str:
    """A heading, a table a figure and the notes."""
    parts = [f"## {board.name}\n", *map(_table, board.tables()), *(f"{n}\n" for n in board.notes)]
    return "\n".join(parts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    titles, *rest = rows
    lines = [titles, ["---"] * len(titles), *rest]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def picture(boards: Sequence[Scoreboard]) -> Figure:
    """A panel a checkpoint: bars of its main figure by language, a colour a column."""
    widest = max(len(board.languages) for board in boards)
    figure = Figure(figsize=(2 + 0.5 * (widest + 1), 3.2 * len(boards)), layout="constrained")
    for place, board in enumerate(boards, start=1):
        axes = figure.add_subplot(len(boards), 1, place)
        languages = [*board.languages, MEAN]
        shown = {column: by for (name, column), by in board.scores.items() if name == board.selects}
        width = 0.8 / max(len(shown), 1)
        for index, (column, by) in enumerate(shown.items()):
            places = np.arange(len(languages)) + (index - (len(shown) - 1) / 2) * width
            axes.bar(places, [by.get(one, 0.0) for one in languages], width, label=column)
        axes.set_xticks(np.arange(len(languages)), languages, rotation=60, fontsize=8)
        axes.set_title(f"{board.name}: {board.selects}" + (" (lower is better)" * board.falls))
        axes.legend(fontsize=8)
        axes.grid(axis="y", alpha=0.3)
    return figure
