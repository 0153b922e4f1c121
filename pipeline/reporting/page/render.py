"""The parts of a page → HTML.

Enters: a ``Page``. Leaves: the bytes of one file. What holds: Jinja escapes every value that is put
in; the page's own style and script are allowed by their hashes and nothing else is, so that a value
that came through unescaped would still not run, load or send anything.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipeline.reporting.page.figures import HUES, SHADES
from pipeline.reporting.page.language_rows import SOURCES
from pipeline.reporting.page.sections import Page

TEMPLATE, STYLE, SCRIPT = "template.html", "page.css", "page.js"


def render(page: Page) -> bytes:
    """``page`` as HTML."""
    style, script = _resource(STYLE), _resource(SCRIPT)
    html = (
        _environment()
        .from_string(_resource(TEMPLATE))
        .render(
            page=page,
            report=page.report,
            source_meanings=SOURCES,
            policy=policy(style, script),
            # The only values that are not escaped: files of this package.
            style=Markup(style),
            script=Markup(script),
        )
    )
    return html.encode()


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy that allows ``style`` and ``script`` and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(_FILTERS)
    environment.globals.update(hues=HUES, shades=SHADES)
    return environment


@lru_cache
def _resource(name: str) -> str:
    return files("pipeline.reporting.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _decimal(value: float) -> str:
    """A number with as many places as its size is worth."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%" if value >= 0.1 or value == 0 else f"{100 * value:.1f}%"


def _duration(seconds: float) -> str:
    """Seconds, or hours, minutes and seconds of a longer time."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


_FILTERS: dict[str, Callable[[float], str]] = {
    "count": _count,
    "decimal": _decimal,
    "percent": _percent,
    "duration": _duration,
}
