"""``report``: write the page of a finished output."""

from typing import Annotated

import typer

from pipeline.cli.clean_exit import clean_exit
from pipeline.reporting.console import Console
from pipeline.reporting.page.limits import PageLimits


def report(
    output: Annotated[str, typer.Argument(help="The folder that output.uri named.")],
    text: Annotated[
        bool, typer.Option("--text/--no-text", help="Show a sample of records with their texts.")
    ] = True,
    records: Annotated[
        int, typer.Option(min=0, max=2000, help="The most records in the sample.")
    ] = PageLimits().records,
    characters: Annotated[
        int, typer.Option(min=20, max=10_000, help="The most characters of a record's text.")
    ] = PageLimits().characters,
) -> None:
    """Write report.html: what ran, how fast, and what came of it. One file, which opens offline."""
    limits = PageLimits(texts=text, records=records, characters=characters)
    with clean_exit():
        from pipeline.reporting.page import write_page
        from pipeline.storage import Store

        uri = write_page(Store.open(output), limits)
    Console().print(uri, soft_wrap=True)
