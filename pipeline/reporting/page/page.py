"""A finished output's page, written beside its results.

Enters: an output folder. Leaves: ``report.html`` in it. What holds: the page is made whole before
it is written; one that cannot be made is no failure of the job that asked for it.
"""

import logging

from pipeline.errors import PipelineError
from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.render import render
from pipeline.reporting.page.sections import page_of
from pipeline.storage import Store

PAGE = "report.html"

logger = logging.getLogger(__name__)


def write_page(store: Store, limits: PageLimits | None = None) -> str:
    """Write the page of what is in ``store``; its URI.

    Raises OutputError where no finished job left it, or where its files cannot be read.
    """
    body = render(page_of(read_output(store), limits or PageLimits()))
    store.replace(PAGE, body)
    return store.uri_of(PAGE)


def try_write_page(store: Store) -> str | None:
    """The page without any text of records, written at the end of a job; None where it cannot be.

    What went wrong is logged and goes no further: the results stand and are whole without it.
    """
    try:
        return write_page(store, PageLimits(texts=False))
    except PipelineError as error:
        logger.warning("The page was not written: %s", error)
    except Exception as error:  # a job is not failed by its picture; a message may hold a text
        logger.warning("The page was not written: %s", type(error).__name__)
    return None
