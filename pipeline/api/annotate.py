"""A run of the job, from its plan to its report."""

import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pipeline.config import JobSettings, load
from pipeline.execution.metrics import Metrics
from pipeline.execution.run import annotate_corpus, lock_output
from pipeline.execution.session import cluster
from pipeline.execution.stop import never, stopping_on_signals
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.reporting.console import Console
from pipeline.reporting.logs import log_commit
from pipeline.reporting.page import try_write_page
from pipeline.reporting.progress import Progress
from pipeline.reporting.run_report import RunReport, keep_report
from pipeline.reporting.run_stats import RunStats
from pipeline.reporting.summary import run_report

logger = logging.getLogger(__name__)


def annotate(
    config: str | Path | JobSettings,
    overrides: Sequence[str] = (),
    *,
    limit: int | None = None,
    new_run: bool = False,
    allow_bad_files: bool = False,
) -> RunReport:
    """Annotate the corpus that ``config`` names, as ``xmod-pipeline annotate`` does.

    ``config`` is a path, the name of a config that ships with the package, or ``JobSettings``;
    ``overrides`` are ``key=value``, as with ``--set``. Runs on the cluster at ``RAY_ADDRESS``, or
    on this machine. Raises a ``pipeline.errors.PipelineError`` where the job cannot be done, and
    IncompleteError where it has to be run again.
    """
    settings = config if isinstance(config, JobSettings) else load(config, overrides, JobSettings)
    return run_plan(make_plan(settings, Options(limit, new_run, allow_bad_files)))


def run_plan(plan: Plan, console: Console | None = None, begun: float | None = None) -> RunReport:
    """Run ``plan`` and write its report and page beside its results.

    With a ``console`` it shows its progress there, and SIGTERM and ^C stop it in good order; that
    needs the main thread. ``begun`` is when the job began, by ``time.monotonic()``.
    """
    begun = time.monotonic() if begun is None else begun
    lock_output(plan)
    stats = RunStats()
    if not plan.open_units:
        result = annotate_corpus(plan)
    else:
        untagged = plan.job.settings.input.language_column is None
        if untagged and (coverage := plan.job.blind_spots):
            logger.warning("Detector %s: %s", plan.job.settings.language.detector, coverage)
        runtime = plan.job.settings.runtime
        with ExitStack() as open_:
            open_.enter_context(cluster(runtime))
            stopped = (
                never
                if console is None
                else open_.enter_context(stopping_on_signals(runtime.shutdown_timeout))
            )
            progress = open_.enter_context(Progress(plan, console or Console(quiet=True), begun))
            metrics = Metrics(plan.job.fingerprint, sum(unit.rows for unit in plan.open_units))
            result = annotate_corpus(plan, [progress.advance, metrics.count, log_commit], stopped)
        stats = progress.stats
    report = run_report(plan, result, replace(stats, seconds=time.monotonic() - begun))
    keep_report(plan.store, report)
    try_write_page(plan.store)
    return report
