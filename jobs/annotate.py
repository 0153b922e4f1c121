"""Annotate a corpus: Parquet in, enriched Parquet out, every record exactly once.

    python jobs/annotate.py --config configs/ner.yaml [--set runtime.actors=2] [--dry-run]
    python jobs/annotate.py --config configs/ner.yaml --try "Anna lebt in Graz." [--lang de]

Exit codes: 0 done and reconciled; 1 not every record is accounted for, run again to resume; 2 the
config, the input, the model, the output or the cluster cannot be used; 3 done, and input files were
left out; 5 the cluster is away or has no room, run again later; 75 stopped by SIGTERM or ^C, run
again to go on; 130 ended by ^C before work began, or by a second one.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.clean_exit import ending_well
from pipeline.cli.highlight import highlighted, record_table
from pipeline.cli.try_text import Trial, annotated
from pipeline.config import JobSettings, load
from pipeline.errors import ConfigError, ExitCode
from pipeline.execution.metrics import Metrics
from pipeline.execution.run import annotate_corpus, lock_output
from pipeline.execution.session import cluster
from pipeline.execution.stop import stopping_on_signals
from pipeline.planning.estimate import estimate
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.reporting.lineage import lineage
from pipeline.reporting.logs import LogFormat, log_commit, start_logs
from pipeline.reporting.page import try_write_page
from pipeline.reporting.progress import Progress
from pipeline.reporting.run_report import RunReport, keep_report
from pipeline.reporting.run_stats import RunStats
from pipeline.reporting.summary import (
    estimate_table,
    plan_table,
    routing_table,
    run_report,
    stages_table,
    summary_table,
)
from pipeline.xmod.transformers_logging import silence_transformers

_SAMPLE = 200
"""Records by which --dry-run estimates, unless it is told otherwise."""


def main(
    config: Annotated[Path, typer.Option(help="YAML file with the job's settings.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, such as runtime.actors=2.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N records.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, what it will take, and stop.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(
            min=0, help="Records that --dry-run annotates to see what all will take, 200 if unset."
        ),
    ] = None,
    new_run: Annotated[
        bool, typer.Option("--new-run", help="Delete what the output's earlier run left.")
    ] = False,
    allow_bad_files: Annotated[
        bool, typer.Option("--allow-bad-files", help="Leave out files that cannot be read.")
    ] = False,
    log: Annotated[
        LogFormat, typer.Option(help="Of the log on standard error; json tells of each unit.")
    ] = LogFormat.TEXT,
    text: Annotated[
        str | None, typer.Option("--try", help="Annotate this text, print it and stop.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="The language of --try; it is detected without.")
    ] = None,
    question: Annotated[str | None, typer.Option(help="What is asked of --try.")] = None,
    choice: Annotated[
        list[str] | None, typer.Option(help="An answer that --try may have; give it twice or more.")
    ] = None,
) -> None:
    """Annotate the corpus that the config names."""
    begun = time.monotonic()
    start_logs(log)
    console = Console()
    options = Options(limit=limit, new_run=new_run, allow_bad_files=allow_bad_files)
    with ending_well():
        if text is None and (lang or question or choice):
            raise ConfigError("--lang, --question and --choice are of --try; give a text with it.")
        _require_of_dry_run(sample, dry_run)
        settings = load(config, overrides or [], JobSettings)
        if text is not None:
            _try(settings, Trial(text, lang, question, tuple(choice or ())), console)
            return
        plan = make_plan(settings, options)
        if dry_run:
            _plan(plan, sample, console)
            return
        start_logs(log, run=plan.job.fingerprint)
        with lineage(plan) as told:
            told.complete(_annotate(plan, console, begun))
        if plan.survey.bad_files:
            raise typer.Exit(ExitCode.BAD_FILES)


def _require_of_dry_run(sample: int | None, dry_run: bool) -> None:
    if sample is not None and not dry_run:
        raise ConfigError(f"--sample {sample} is of --dry-run; give both, or leave it out.")


def _plan(plan: Plan, sample: int | None, console: Console) -> None:
    console.print(plan_table(plan))
    silence_transformers()
    if found := estimate(plan, _SAMPLE if sample is None else sample):
        console.print(estimate_table(found))


def _try(settings: JobSettings, trial: Trial, console: Console) -> None:
    silence_transformers()
    columns = annotated(settings, trial)
    if "entities" in columns:
        console.print(highlighted(trial.text, columns.pop("entities")))
    console.print(record_table(columns))


def _annotate(plan: Plan, console: Console, begun: float) -> RunReport:
    lock_output(plan)
    stats = RunStats()
    if not plan.open_units:
        console.print(f"All {len(plan.units)} units are committed; nothing is left to annotate.")
        result = annotate_corpus(plan)
    else:
        runtime = plan.job.settings.runtime
        with (
            cluster(runtime),
            stopping_on_signals(runtime.shutdown_timeout) as stopped,
            Progress(plan, console, begun) as progress,
        ):
            metrics = Metrics(plan.job.fingerprint, sum(unit.rows for unit in plan.open_units))
            result = annotate_corpus(plan, [progress.advance, metrics.count, log_commit], stopped)
        stats = progress.stats
    stats = replace(stats, seconds=time.monotonic() - begun)
    report = run_report(plan, result, stats)
    keep_report(plan.store, report)
    try_write_page(plan.store)
    console.print(summary_table(report))
    console.print(routing_table(report))
    if report.units_done_here:
        console.print(stages_table(report))
    for bad in plan.survey.bad_files:
        console.print(f"Left out: {bad.source.uri}: {bad.reason}", markup=False, highlight=False)
    if report.units_kept or report.units_retired:
        console.print(
            f"Input files changed {report.files_changed}, gone {report.files_gone}; units of files "
            f"that are gone or unreadable kept {report.units_kept}, retired {report.units_retired}",
            highlight=False,
        )
    console.print(
        f"{report.rows_in:,} records in, {report.rows_out:,} annotated, "
        f"{report.rows_quarantined:,} in quarantine, {stats.seconds:.1f} s; {plan.store.uri}",
        highlight=False,
        soft_wrap=True,
    )
    return report


if __name__ == "__main__":
    typer.run(main)
