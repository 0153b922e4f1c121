"""``report.html``: a finished output as one page, written beside its results.

Every value is escaped, control characters too, and the policy of the page allows its own style and
script only.
"""

import base64
import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipeline.errors import PipelineError, printable
from pipeline.output.output_lock import PAGE, require_own_page
from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.sections import Page, page_of
from pipeline.reporting.run_report import SOURCES
from pipeline.storage import Store

_HUES = 8
"""Colours that can be told apart, h1 to h8 in ``page.css``; h0 is the grey of all others."""

logger = logging.getLogger(__name__)


def write_page(store: Store, limits: PageLimits | None = None) -> str:
    """Write the page of the output in ``store``; returns its URI.

    Raises OutputError where no finished job left an output, where its files cannot be read, or
    where a file of that name is not this package's, which stays.
    """
    require_own_page(store)
    body = render(page_of(read_output(store), limits or PageLimits()))
    store.replace(PAGE, body)
    return store.uri_of(PAGE)


def try_write_page(store: Store) -> str | None:
    """Write the page at the end of a job, without any text of records; None where that fails.

    A failure is logged and does not fail the job, whose results are complete without the page.
    """
    try:
        return write_page(store, PageLimits(texts=False))
    except PipelineError as error:
        logger.warning("The report page was not written: %s", error)
    except Exception as error:  # its message may quote a record
        logger.warning("The report page was not written: %s", type(error).__name__)
    return None


def render(page: Page) -> bytes:
    """``page`` as HTML."""
    folder = files("pipeline.reporting.page")
    names = ("template.html", "page.css", "page.js")
    source, style, script = (folder.joinpath(name).read_text("utf-8") for name in names)
    template = _environment().from_string(source)
    html = template.render(
        page=page,
        output=page.output,
        report=page.output.report,
        sources=SOURCES,
        policy=policy(style, script),
        # The only values that are not escaped: files of this package.
        style=Markup(style),
        script=Markup(script),
    )
    return html.encode()


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy that allows ``style`` and ``script`` and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def hues(values: Iterable[str]) -> dict[str, int]:
    """A colour for each of ``values``, the most frequent first; grey once colours are used up."""
    ordered = enumerate(Counter(values).most_common(), start=1)
    return {value: place if place <= _HUES else 0 for place, (value, _) in ordered}


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count="{:,.0f}".format,
        decimal="{:,.2f}".format,
        percent="{:.1%}".format,
        duration=_duration,
        hues=hues,
    )
    return environment


def _printable(value: object) -> object:
    """Escapes bidi overrides in a text, which would reorder the page around it."""
    return printable(value) if type(value) is str else value


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else str(timedelta(seconds=round(seconds)))
