"""What happened in a run: the ``RunReport``, and tables to print.

Enters: the plan, the reconciliation, and the run's stats. Leaves: the report and rich tables. What
holds: no text of records and no credential is in them.
"""

from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

import pipeline
from pipeline.output.commit import LanguageCounts
from pipeline.output.reconcile import Reconciliation
from pipeline.planning.cost import cost_of
from pipeline.planning.estimate import Estimate
from pipeline.planning.plan import Plan
from pipeline.reporting.run_report import BadFileEntry, RunReport
from pipeline.reporting.run_stats import RunStats
from pipeline.tasks import task_name


def run_report(plan: Plan, result: Reconciliation, stats: RunStats) -> RunReport:
    """The report of a run that ended with ``result``."""
    counts, first = result.counts, stats.seconds_to_first_unit
    return RunReport(
        package_version=pipeline.__version__,
        fingerprint=plan.job.fingerprint,
        input_uri=plan.job.settings.input.uri,
        output_uri=plan.store.uri,
        finished=datetime.now(UTC),
        seconds=round(stats.seconds, 3),
        rows_in=result.rows_in,
        rows_out=result.rows_out,
        rows_quarantined=result.rows_quarantined,
        units=len(result.records),
        units_done_here=stats.units,
        rows_done_here=stats.records,
        tokens=sum(count.tokens for count in counts.values()),
        tokens_done_here=stats.tokens,
        tokens_per_second=stats.tokens_per_second,
        seconds_to_first_unit=None if first is None else round(first, 3),
        stages=stats.lines(),
        batch_fill=None if stats.batches.fill is None else round(stats.batches.fill, 4),
        languages=counts,
        quarantine_reasons=result.reasons,
        bad_files=[
            BadFileEntry(uri=bad.source.uri, reason=bad.reason) for bad in plan.survey.bad_files
        ],
        files_new=len(plan.changes.new),
        files_gone=len(plan.changes.gone),
        files_changed=len(plan.changes.changed),
        units_kept=len(plan.changes.kept),
        units_retired=len(plan.changes.retired),
        cost=cost_of(stats.seconds, plan.job.settings),
    )


def summary_table(report: RunReport) -> Table:
    """Counts by language, the most frequent first."""
    table = Table(title="Records by language", title_justify="left")
    table.add_column("language", min_width=20)
    for name in ("records", "entities", "quarantined", "tokens", "tokens/s"):
        table.add_column(name, justify="right")
    share = report.tokens_done_here / report.tokens if report.tokens else 0.0
    for name, counts in report.by_language_name().items():
        speed = counts.tokens * share / report.seconds if report.seconds else 0.0
        table.add_row(name, *_cells(counts, speed))
    total = sum(report.languages.values(), LanguageCounts())
    table.add_section()
    table.add_row("all", *_cells(total, report.tokens_per_second))
    return table


def routing_table(report: RunReport) -> Table:
    """How records came to their adapters, and why others are in quarantine."""
    total = sum(report.languages.values(), LanguageCounts())
    table = Table(title="Adapters", title_justify="left", show_header=False)
    for name, meaning in _SOURCES.items():
        if getattr(total, name):
            table.add_row(meaning, f"{getattr(total, name):,}")
    for reason, count in report.quarantine_reasons.items():
        table.add_row(f"quarantine: {escape(reason)}", f"{count:,}")
    return table


_SOURCES = {
    "column": "by the language column",
    "detected": "by the detector",
    "related": "fallback: a related language's",
    "default": "fallback: the default's",
    "none": "fallback: none",
}


def stages_table(report: RunReport) -> Table:
    """Where the time of the units went that this run did."""
    table = Table(title="Time by stage", title_justify="left")
    table.add_column("stage")
    for name in ("seconds", "CPU seconds", "share", "waited for", "records/s", "tokens/s"):
        table.add_column(name, justify="right")
    for stage, line in report.stages.items():
        table.add_row(
            stage,
            f"{line.seconds:,.2f}",
            f"{line.cpu_seconds:,.2f}",
            f"{line.cpu_share:.0%}",
            f"{line.waited_seconds:,.2f}",
            f"{line.records_per_second:,.0f}",
            f"{line.tokens_per_second:,.0f}",
        )
    return table


def plan_table(plan: Plan) -> Table:
    """What a run will do."""
    job, runtime = plan.job, plan.job.settings.runtime
    rows = sum(unit.rows for unit in plan.units)
    tasks = (task_name(task) for workload in job.workloads for task in workload.tasks)
    renamed = [f"{name} → {output}" for name, output in job.reader.columns.kept if name != output]
    table = Table(title="Plan", title_justify="left", show_header=False)
    table.add_row("input", escape(job.settings.input.uri))
    table.add_row("files", f"{len(plan.survey.files)}, unreadable {len(plan.survey.bad_files)}")
    changes = plan.changes
    table.add_row(
        "of them",
        f"new {len(changes.new)}, changed {len(changes.changed)}; gone {len(changes.gone)}",
    )
    table.add_row("records", f"{rows:,}")
    table.add_row("units", f"{len(plan.units)}, committed {len(plan.units) - len(plan.open_units)}")
    table.add_row("other units", f"to keep {len(changes.kept)}, to retire {len(changes.retired)}")
    table.add_row("renamed columns", escape(", ".join(renamed)) or "none")
    table.add_row("tasks", f"{', '.join(tasks)}, forwards a window {len(job.workloads)}")
    for workload in job.workloads:
        checkpoint = workload.checkpoint
        table.add_row("model", f"{escape(str(checkpoint.folder))}\nsha256 {checkpoint.digest}")
    table.add_row("adapters to load", f"{len(job.languages)}: {' '.join(job.languages)}")
    table.add_row("actors", f"{runtime.actors.min} to {runtime.actors.max}")
    table.add_row("memory an actor", f"about {job.actor_bytes() / 2**20:,.0f} MiB")
    table.add_row("output", escape(plan.store.uri))
    table.add_row("fingerprint", job.fingerprint)
    return table


def estimate_table(found: Estimate) -> Table:
    """What a run will take."""
    minutes = found.seconds / 60
    table = Table(title="Estimate", title_justify="left", show_header=False)
    table.add_row("sample", f"{found.sampled:,} of {found.records:,} records, in this process")
    table.add_row("tokens", f"{found.tokens:,}")
    for stage, seconds in found.stages.items():
        rate = f", {found.tokens / seconds:,.0f} tokens/s"
        table.add_row(stage, f"{seconds:,.1f} s of one process{rate}")
    table.add_row(
        "time", f"{minutes / 60:,.1f} hours" if minutes > 90 else f"{minutes:,.1f} minutes"
    )
    table.add_row("cost", str(found.cost))
    return table


def _cells(counts: LanguageCounts, speed: float) -> list[str]:
    return [
        f"{counts.records:,}",
        f"{counts.entities:,}",
        f"{counts.quarantined:,}",
        f"{counts.tokens:,}",
        f"{speed:,.0f}",
    ]
