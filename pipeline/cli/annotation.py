"""What ``annotate`` does: try a text, show the plan, or run the job and tell what came of it."""

import typer

from pipeline.api.annotate import run_plan
from pipeline.cli.highlight import highlighted, record_table
from pipeline.cli.try_text import Trial, annotated
from pipeline.config import JobSettings
from pipeline.errors import ExitCode, on_one_line
from pipeline.planning.estimate import estimate
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.reporting.console import Console
from pipeline.reporting.lineage import lineage
from pipeline.reporting.logs import LogFormat, start_logs
from pipeline.reporting.run_report import RunReport
from pipeline.reporting.summary import (
    estimate_table,
    plan_table,
    routing_table,
    stages_table,
    summary_table,
)
from pipeline.storage import summary
from pipeline.xmod.transformers_logging import silence_transformers

__all__ = ["Options", "Trial", "make_plan", "run", "show_plan", "try_text"]

_SAMPLE = 200
"""Records by which --dry-run estimates, unless it is told otherwise."""


def try_text(settings: JobSettings, trial: Trial) -> None:
    """Annotate the trial's text and print the record."""
    silence_transformers()
    console = Console()
    columns = annotated(settings, trial)
    if "entities" in columns:
        console.print(highlighted(trial.text, columns.pop("entities")))
    console.print(record_table(columns))


def show_plan(plan: Plan, sample: int | None) -> None:
    """Print the plan, and what it will take by a ``sample`` of its records."""
    console = Console()
    console.print(plan_table(plan))
    silence_transformers()
    if found := estimate(plan, _SAMPLE if sample is None else sample):
        console.print(estimate_table(found))


def run(plan: Plan, log: LogFormat, begun: float) -> None:
    """Run the job and print what came of it; exits where input files were left out."""
    console = Console()
    start_logs(log, run=plan.job.fingerprint)
    with lineage(plan) as told:
        if not plan.open_units:
            console.print(
                f"All {len(plan.units)} units are committed; nothing is left to annotate."
            )
        report = run_plan(plan, console, begun)
        _print(report, plan, console)
        told.complete(report)
    if plan.survey.bad_files:
        raise typer.Exit(ExitCode.BAD_FILES)


def _print(report: RunReport, plan: Plan, console: Console) -> None:
    console.print(summary_table(report))
    console.print(routing_table(report))
    if report.units_done_here:
        console.print(stages_table(report))
    if plan.survey.left_out:
        console.print(on_one_line(f"Not read: {summary(plan.survey.left_out)}"))
    for bad in plan.survey.bad_files:
        console.print(on_one_line(f"Left out: {bad.source.uri}: {bad.reason}"))
    if report.units_kept or report.units_retired:
        console.print(
            f"Input files changed {report.files_changed}, gone {report.files_gone}; units of files "
            f"that are gone or unreadable kept {report.units_kept}, retired {report.units_retired}"
        )
    console.print(
        f"{report.rows_in:,} records in, {report.rows_out:,} annotated, "
        f"{report.rows_quarantined:,} in quarantine, {report.seconds:.1f} s; {plan.store.uri}",
        soft_wrap=True,
    )
