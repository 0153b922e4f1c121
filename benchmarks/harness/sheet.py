"""A table of text, for the terminal or for Markdown.

Enters: a title, heads, rows, and a note if the figures need one. Leaves: a rich table, or Markdown.
What holds: the first column is the rows' name and stands left, the others are figures and stand
right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Sheet:
    """A table of text; the first column is its rows' name, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""

    def rich(self) -> Table:
        """For the terminal."""
        table = Table(title=self.title, title_justify="left", caption_justify="left")
        table.caption = self.note or None
        for place, column in enumerate(self.columns):
            table.add_column(column, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """A heading, a table, the note."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        heads = [column.replace("\n", " ") for column in self.columns]
        lines = [f"| {' | '.join(row)} |" for row in (heads, rule, *self.rows)]
        note = [self.note, ""] if self.note else []
        return "\n".join([f"## {self.title}", "", *lines, "", *note])
