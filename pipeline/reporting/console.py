"""The console: nothing that is printed can control the terminal or is read as markup.

File names, ids, labels and texts are untrusted: control characters in them are escaped. ``cell``
escapes them before a table measures its columns.
"""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from pipeline.errors import printable


class Console(rich.console.Console):
    """A console without markup, emoji codes and highlighting that prints ``printable`` text."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, *arguments: Any, **options: Any) -> Text:  # noqa: ANN401
        """``text`` with control characters escaped before it is measured."""
        return super().render_str(printable(text), *arguments, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Segments with control characters escaped, whatever they were rendered from."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def cell(value: object, style: str = "") -> Text:
    """``value`` as printable text for a table or a line."""
    return Text(printable(str(value)), style)


def printed_offsets(text: str) -> list[int]:
    """The offset of each character of ``text`` in ``printable(text)``, and of its end."""
    return [0, *accumulate(len(printable(character)) for character in text)]
