"""Scores of a checkpoint as tables, JSON and a picture.

Enters: figures by column, such as whose adapters were used, and by language. Leaves: a table for
the screen, one in Markdown, `scores.json`, `scores.md` and `scores.png`.
Holds: the mean of a column is over the languages that the first column has.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

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

    @property
    def headings(self) -> list[tuple[str, str]]:
        """Figure and column, in the order of a table."""
        names = dict.fromkeys(name for figures in self.columns.values() for name in figures)
        return [
            (name, column)
            for name in names
            for column, figures in self.columns.items()
            if name in figures
        ]

    @property
    def languages(self) -> list[str]:
        """Those of the first column."""
        first = next(iter(self.columns.values()), {})
        return list(dict.fromkeys(language for by in first.values() for language in by))

    def score(self, name: str, column: str, language: str) -> float | None:
        """One cell; that of `mean` is over the languages that have one."""
        scores = self.columns[column].get(name, {})
        if language != MEAN:
            return scores.get(language)
        known = [scores[one] for one in self.languages if one in scores]
        return float(np.mean(known)) if known else None

    def rows(self) -> list[list[str]]:
        """A row a language, and their mean, under `headings`."""
        return [
            [language, *(_cell(self.score(*heading, language)) for heading in self.headings)]
            for language in [*self.languages, MEAN]
        ]

    @property
    def titles(self) -> list[str]:
        """What stands above the columns of `rows`."""
        return ["language", *(f"{name} {column}" for name, column in self.headings)]


def on_screen(board: Scoreboard) -> Table:
    """For a terminal."""
    table = Table(*board.titles, title=board.name)
    *languages, mean = board.rows()
    for row in languages:
        table.add_row(*row, end_section=row is languages[-1])
    table.add_row(*mean)
    return table


def write(boards: Sequence[Scoreboard], out: Path) -> None:
    """Write the three files to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    values = {board.name: board.columns for board in boards}
    (out / "scores.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    (out / "scores.md").write_text("\n".join(map(markdown, boards)), encoding="utf-8")
    picture(boards).savefig(out / "scores.png", dpi=120)


def markdown(board: Scoreboard) -> str:
    """A heading and a table."""
    lines = [board.titles, ["---"] * len(board.titles), *board.rows()]
    return f"## {board.name}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def picture(boards: Sequence[Scoreboard]) -> Figure:
    """A panel a checkpoint: bars of its main figure by language, a colour a column."""
    widest = max(len(board.languages) for board in boards)
    figure = Figure(figsize=(2 + 0.5 * (widest + 1), 3.2 * len(boards)), layout="constrained")
    for place, board in enumerate(boards, start=1):
        axes = figure.add_subplot(len(boards), 1, place)
        languages = [*board.languages, MEAN]
        columns = [column for name, column in board.headings if name == board.selects]
        width = 0.8 / max(len(columns), 1)
        for index, column in enumerate(columns):
            heights = [board.score(board.selects, column, one) or 0.0 for one in languages]
            places = np.arange(len(languages)) + (index - (len(columns) - 1) / 2) * width
            axes.bar(places, heights, width, label=column)
        axes.set_xticks(np.arange(len(languages)), languages, rotation=60, fontsize=8)
        axes.set_title(f"{board.name}: {board.selects}" + (" (lower is better)" * board.falls))
        axes.legend(fontsize=8)
        axes.grid(axis="y", alpha=0.3)
    return figure


def _cell(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"
