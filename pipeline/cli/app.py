"""``xmod-pipeline``: all commands as one application.

A command's module imports what it needs when it is called, so that help and completion answer at
once and ^C is understood from the first second.
"""

from typing import Annotated

import typer

import pipeline
from pipeline.cli.add_language import add_language
from pipeline.cli.annotate import annotate
from pipeline.cli.evaluate import evaluate
from pipeline.cli.finetune import finetune
from pipeline.cli.import_checkpoint import import_checkpoint
from pipeline.cli.pretrain import pretrain
from pipeline.cli.report import report
from pipeline.cli.tables import tables
from pipeline.cli.verify import verify

app = typer.Typer(
    name="xmod-pipeline",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a local variable may hold a record's text
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(rich_help_panel="Corpora")(annotate)
app.command(rich_help_panel="Corpora")(verify)
app.command(rich_help_panel="Corpora")(tables)
app.command(rich_help_panel="Corpora")(report)
app.command("import", rich_help_panel="Models")(import_checkpoint)
app.command(rich_help_panel="Models")(pretrain)
app.command(rich_help_panel="Models")(finetune)
app.command(rich_help_panel="Models")(evaluate)
app.command(rich_help_panel="Models")(add_language)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(pipeline.__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Annotate multilingual Parquet corpora with X-MOD on Ray, every record exactly once."""
