"""The ``RunReport`` of a run, and tables to print before and after it.

No text of records and no credential is in them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.table import Column, Table

import pipeline
from pipeline.config import Fallback, LanguageSettings
from pipeline.corpus.survey import BadFile
from pipeline.errors import on_one_line, shortened
from pipeline.output.commit import LanguageCounts
from pipeline.output.reconcile import Reconciliation
from pipeline.planning.cost import cost_of
from pipeline.planning.estimate import Estimate
from pipeline.planning.plan import Plan
from pipeline.reporting.console import cell
from pipeline.reporting.run_report import SOURCES, BadFileEntry, RunReport
from pipeline.reporting.run_stats import RunStats
from pipeline.stages.workload import Workload
from pipeline.storage import summary
from pipeline.tasks import task_name


def run_report(plan: Plan, result: Reconciliation, stats: RunStats) -> RunReport:
    """The report of a run that ended with ``result``."""
    first, fill = stats.seconds_to_first_unit, stats.batches.fill
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
        tokens=sum(count.tokens for count in result.counts.values()),
        tokens_done_here=stats.tokens,
        tokens_per_second=stats.tokens_per_second,
        seconds_to_first_unit=None if first is None else round(first, 3),
        stages=stats.lines(),
        batch_fill=None if fill is None else round(fill, 4),
        languages=result.counts,
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
    names = ("records", "entities", "quarantined", "tokens", "tokens/s")
    table = _number_table("Records by language", "language", names)
    share = report.tokens_done_here / report.tokens if report.tokens else 0.0
    for name, counts in report.by_language_name().items():
        speed = counts.tokens * share / report.seconds if report.seconds else 0.0
        table.add_row(cell(name), *_cells(counts, speed))
    table.add_section()
    total = sum(report.languages.values(), LanguageCounts())
    table.add_row("all", *_cells(total, report.tokens_per_second))
    return table


def routing_table(report: RunReport) -> Table:
    """How records got their adapters, and why others are in quarantine."""
    total = sum(report.languages.values(), LanguageCounts())
    rows = {meaning: getattr(total, name) for name, meaning in SOURCES.items()}
    for reason, count in report.quarantine_reasons.items():
        rows[f"quarantine: {reason}"] = count
    return _fact_table("Adapters", {name: f"{count:,}" for name, count in rows.items() if count})


def stages_table(report: RunReport) -> Table:
    """The time by stage of the units that this run did."""
    names = ("seconds", "CPU seconds", "CPU share", "units waited", "records/s", "tokens/s")
    table = _number_table("Time by stage", "stage", names)
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
    job, runtime, changes = plan.job, plan.job.settings.runtime, plan.changes
    tasks = (task_name(task) for workload in job.workloads for task in workload.tasks)
    renamed = [f"{name} → {output}" for name, output in job.reader.columns.kept if name != output]
    committed = len(plan.units) - len(plan.open_units)
    rows = {
        "input": job.settings.input.uri,
        "files": f"{len(plan.survey.files)}, unreadable {len(plan.survey.bad_files)}",
        "left out": summary(plan.survey.left_out) or "none",
        **_bad_files(plan.survey.bad_files),
        "changes": f"{len(changes.new)} new, {len(changes.changed)} changed, "
        f"{len(changes.gone)} deleted",
        "records": f"{sum(unit.rows for unit in plan.units):,}",
        "units": f"{len(plan.units)}, committed {committed}",
        "units of other files": f"keep {len(changes.kept)}, remove {len(changes.retired)}",
        "renamed columns": ", ".join(renamed) or "none",
        "tasks": f"{', '.join(tasks)}; forward passes per window: {len(job.workloads)}",
        "models": "\n".join(_model(one) for one in job.workloads),
        "detector": f"{job.settings.language.detector}. {job.blind_spots}".rstrip(". "),
        "adapters": f"{len(job.languages)}: {' '.join(job.languages)}",
        "without a language": _fallback(job.settings.language),
        "actors": f"{runtime.actors.min} to {runtime.actors.max}",
        "memory per actor": f"about {job.actor_bytes() / 2**20:,.0f} MiB",
        "output": plan.store.uri,
        "fingerprint": job.fingerprint,
    }
    return _fact_table("Plan", rows)


def _model(workload: Workload) -> str:
    """The folders of an encoder, and the digest of each head that is used."""
    digests = [
        (f"head {one.head}: " if one.head else "") + f"sha256 {one.digest}"
        for one in dict.fromkeys(workload.checkpoints)
    ]
    return "\n".join([*map(str, workload.checkpoints[0].folders), *digests])


def _fallback(settings: LanguageSettings) -> str:
    """What becomes of records whose language is uncertain or has no adapter."""
    code = settings.fallback_language if settings.fallback is Fallback.DEFAULT else None
    return f"{settings.fallback}, {code}" if code else str(settings.fallback)


def _bad_files(bad: Sequence[BadFile]) -> dict[str, str]:
    """The row that says how files differ or why they cannot be read, where there are such files."""
    reasons = [on_one_line(file.reason) for file in bad]
    return {"unreadable": "\n".join(shortened(reasons))} if bad else {}


def estimate_table(found: Estimate) -> Table:
    """What a run will take."""
    minutes = found.seconds / 60
    rows = {
        "sample": f"{found.sampled:,} of {found.records:,} records, in this process",
        "tokens": f"{found.tokens:,}",
    }
    for stage, seconds in found.stages.items():
        rows[stage] = f"{seconds:,.1f} s of one process, {found.tokens / seconds:,.0f} tokens/s"
    rows["time"] = f"{minutes / 60:,.1f} hours" if minutes > 90 else f"{minutes:,.1f} minutes"
    rows["cost"] = str(found.cost)
    return _fact_table("Estimate", rows)


def _number_table(title: str, first: str, numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _fact_table(title: str, rows: Mapping[str, str]) -> Table:
    columns = (Column(), Column(overflow="fold"))  # a digest or a path is whole on any terminal
    table = Table(*columns, title=title, title_justify="left", show_header=False)
    for name, value in rows.items():
        table.add_row(cell(name), cell(value))
    return table


def _cells(counts: LanguageCounts, speed: float) -> list[str]:
    numbers = (counts.records, counts.entities, counts.quarantined, counts.tokens)
    return [*(f"{number:,}" for number in numbers), f"{speed:,.0f}"]
