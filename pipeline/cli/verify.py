"""``verify``: check an output folder from its files alone."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli.clean_exit import clean_exit
from pipeline.reporting.console import Console, cell

if TYPE_CHECKING:
    from pipeline.output.verify import Problem, Verdict


def verify(
    output: Annotated[str, typer.Argument(help="The folder that output.uri named.")],
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Say what was found in a last line of JSON, for programs."),
    ] = False,
) -> None:
    """Recompute from its files that an output holds each record exactly once.

    Exit codes: 0 all is well; 1 with the list of what is wrong; 2 there is no output folder.
    """
    with clean_exit():
        from pipeline.output import verify as verifying
        from pipeline.storage import Store

        verdict = verifying.verify(Store.open(output))
    console = Console()
    if verdict.problems:
        console.print(_problems(verdict.problems))
    summary = _json(output, verdict) if as_json else _summary(verdict)
    console.print(summary, soft_wrap=True)
    raise typer.Exit(1 if verdict.problems else 0)


def _problems(problems: Iterable["Problem"]) -> Table:
    table = Table("file", "what", "expected", "seen", title="Problems")
    for problem in problems:
        values = (problem.path, problem.what, problem.expected, problem.seen)
        table.add_row(*map(cell, values))
    return table


def _summary(verdict: "Verdict") -> str:
    state = f"{len(verdict.problems)} problems" if verdict.problems else "All is well"
    repeats = verdict.repeats
    said = {
        "repeat an earlier one and stand so in the corpus": repeats.in_corpus,
        "repeat one of an input file that is gone or unreadable": repeats.of_kept_files,
        "repeat an earlier one and were not found so in the corpus": repeats.unexplained,
    }
    repeated = "".join(f"; {count} record ids {what}" for what, count in said.items() if count)
    return (
        f"{state}: {verdict.units} units, {verdict.rows_out} records annotated, "
        f"{verdict.rows_quarantined} in quarantine{repeated}."
    )


def _json(output: str, verdict: "Verdict") -> str:
    return json.dumps(
        {
            "output": output,
            "problems": len(verdict.problems),
            "units": verdict.units,
            "rows_out": verdict.rows_out,
            "rows_quarantined": verdict.rows_quarantined,
            "repeated_ids": verdict.repeated_ids,
            "repeated_in_corpus": verdict.repeats.in_corpus,
            "repeated_of_kept_files": verdict.repeats.of_kept_files,
            "repeated_unexplained": verdict.repeats.unexplained,
        }
    )
