"""The console: what is printed steers no terminal, and nothing in it is read as markup.

File names, ids, labels and texts come from others. Control characters in them are escaped here,
whoever prints; ``cell`` does it before a table measures its columns.
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
    """A console for values of others: without markup and emoji codes, and ``printable``."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, *arguments: Any, **options: Any) -> Text:  # noqa: ANN401
        """``text`` without control characters, so that they are measured as they are shown."""
        return super().render_str(printable(text), *arguments, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Segments without control characters, also of renderables that escape none themselves."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def cell(value: object, style: str = "") -> Text:
    """``value`` for a table or a line: as it is shown, and never markup."""
    return Text(printable(str(value)), style)


def places_shown(text: str) -> list[int]:
    """Where each character of ``text`` begins in ``printable(text)``, and where the last ends."""
    return [0, *accumulate(len(printable(character)) for character in text)]
