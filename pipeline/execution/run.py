"""A plan → a complete output.

Enters: a ``Plan``. Leaves: a reconciled output, or an error that says what is missing. What holds:
committed units are not done again; units that fail in the actor pool run in isolated workers before
any row is quarantined; a job that loses more records than it may, or its output, stops.
"""

import logging
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import DamagedError, PipelineError, PublishError, StoppedError, TooLargeError
from pipeline.execution.isolated_pool import publish_isolated
from pipeline.execution.ray_dataset import annotate_units
from pipeline.execution.reservation import MachineLostError, Request, Reservation, reserved
from pipeline.execution.stop import Stopped, never
from pipeline.isolation.bisect import all_rows_failed
from pipeline.output import retry_list
from pipeline.output.commit import CommitRecord, commit_path, parse_commit
from pipeline.output.output_lock import acquire_lock, owner_of, require_owner
from pipeline.output.quarantine_limit import QuarantineLimit
from pipeline.output.reconcile import Reconciliation, committed_units, reconcile, reopen
from pipeline.planning.plan import Plan
from pipeline.stages.failure import STOPPED, failure_of

logger = logging.getLogger(__name__)

_IN_FLIGHT = 2
"""Units an actor has in a first attempt: one at work and one at hand, so that it never waits."""

Watch = Callable[[CommitRecord], None]
"""Is told of each unit once it is committed."""


def lock_output(plan: Plan) -> None:
    """Make the output this run's; raises OutputError where it is another's."""
    acquire_lock(plan.store, plan.job.fingerprint, plan.job.identity, plan.options.new_run)


def annotate_corpus(
    plan: Plan, watchers: Sequence[Watch] = (), stopped: Stopped = never
) -> Reconciliation:
    """Annotate what is left of the plan and reconcile the output.

    Raises IncompleteError where units are left without a commit record, StoppedError once it is
    ``stopped`` and the units at work have ended, LossError where more records are in quarantine
    than ``runtime.max_quarantined`` allows, and OutputError where another run took the output.
    """
    store, fingerprint, run = plan.store, plan.job.fingerprint, owner_of(plan.store)
    require_owner(store, fingerprint, run)
    plan = replace(plan, job=replace(plan.job, run=run))
    records = sum(unit.rows for unit in plan.units)
    limit = QuarantineLimit(store, plan.job.settings.runtime.max_quarantined, records)
    _count(plan, limit, plan.committed)
    if plan.open_units:
        reopen(store)
        _annotate(plan, watchers, limit, stopped)
        _count(plan, limit, committed_units(store))
    return reconcile(store, plan.units, fingerprint, plan.changes, run)


def _count(plan: Plan, limit: QuarantineLimit, committed: Set[str]) -> None:
    """Check ``limit`` over all ``committed`` units: some left no receipt in this run."""
    unseen = committed - limit.counted
    paths = [commit_path(unit.unit_id) for unit in plan.units if unit.unit_id in unseen]
    for path, body in plan.store.read_all(paths).items():
        with suppress(PublishError):  # reconciliation reports it
            limit.add(parse_commit(body, plan.store.uri_of(path)))
    limit.require()


def _annotate(
    plan: Plan, watchers: Sequence[Watch], limit: QuarantineLimit, stopped: Stopped
) -> None:
    units = list(plan.open_units)
    request = Request.of_actors(plan.job.settings.runtime, len(units))
    while units:
        with reserved(request, stopped) as room:
            try:
                _Work(plan, room, [*watchers, limit.add], limit, stopped).all(units)
                return
            except MachineLostError:
                committed = committed_units(plan.store)
        units = [unit for unit in units if unit.unit_id not in committed]
        request = request.anew()
        logger.warning(
            "a machine of the cluster is lost; the others annotate the remaining %d units",
            len(units),
        )


@dataclass(frozen=True)
class _Work:
    """A plan on the cluster."""

    plan: Plan
    room: Reservation
    watchers: Sequence[Watch]
    limit: QuarantineLimit
    stopped: Stopped

    def all(self, units: list[Unit]) -> None:
        """Annotate ``units``; raises MachineLostError where the rest needs a new reservation."""
        known = retry_list.listed(self.plan.store)
        left = [unit for unit in units if unit.unit_id not in known]
        to_isolate = [unit for unit in units if unit.unit_id in known]
        for attempt in range(self.plan.job.settings.runtime.max_attempts):
            if not left:
                break
            tried = left
            left = self.round(tried, in_flight=1 if attempt else _IN_FLIGHT)
            if left:
                self.require_going_on()
            retry_list.add(self.plan.store, left)
            if attempt:
                retry_list.remove(
                    self.plan.store, {u.unit_id for u in tried} - {u.unit_id for u in left}
                )
        self.isolate([*to_isolate, *left])

    def round(self, units: list[Unit], in_flight: int) -> list[Unit]:
        """The units of ``units`` that a round leaves without a commit record."""
        committed: set[str] = set()
        job, room, stopped = self.plan.job, self.room, self.stopped
        for table in annotate_units(units, job, room, stopped, in_flight=in_flight):
            committed |= self._committed(table.to_pylist())
            self.limit.require()
        return [unit for unit in units if unit.unit_id not in committed]

    def isolate(self, to_isolate: list[Unit]) -> None:
        """Annotate each unit in a worker of its own; reconciliation reports which still fail."""
        if not to_isolate:
            return
        logger.warning(
            "%d units failed in the actor pool and are annotated in isolated workers",
            len(to_isolate),
        )
        plan, ended = self.plan, 0
        for unit, found in publish_isolated(plan.job, to_isolate, self.room, self.stopped):
            ended += 1
            receipt = (
                _quarantine_whole(plan, unit, found) if isinstance(found, PipelineError) else found
            )
            if receipt is None:
                self._require_owner()
            else:
                retry_list.remove(plan.store, self._committed(receipt.to_pylist()))
                self.limit.require()
        if ended < len(to_isolate):
            self.require_going_on()

    def require_going_on(self) -> None:
        """Raise StoppedError once the run is stopped."""
        if self.stopped():
            planned = {unit.unit_id for unit in self.plan.units}
            done = len(committed_units(self.plan.store) & planned)
            raise StoppedError(
                f"Told to stop: {done} of {len(self.plan.units)} units are in the output. Run the "
                "same command again to go on."
            )

    def _require_owner(self) -> None:
        """Raise OutputError where another run took the output: nothing more can be published."""
        require_owner(self.plan.store, self.plan.job.fingerprint, self.plan.job.run)

    def _committed(self, receipts: Iterable[dict[str, Any]]) -> set[str]:
        committed: set[str] = set()
        for receipt in receipts:
            if receipt["commit"] is None:
                if receipt["failure"] != STOPPED.as_row():
                    unit_id, failure = receipt["unit_id"], Failure(**receipt["failure"])
                    logger.warning("unit %s failed: %s", unit_id, failure, extra={"unit": unit_id})
                    self._require_owner()
                continue
            record = CommitRecord.model_validate_json(str(receipt["commit"]))
            for watch in self.watchers:
                watch(record)
            committed.add(str(receipt["unit_id"]))
        return committed


def _quarantine_whole(plan: Plan, unit: Unit, error: PipelineError) -> pa.Table | None:
    """The receipt of a unit that goes to quarantine as one; None where ``error`` is no reason to.

    One without room has nowhere else to go; what is damaged is left out where that was asked for.
    """
    damaged = isinstance(error, DamagedError) and plan.options.allow_bad_files
    extra = {"unit": unit.unit_id}
    if damaged or isinstance(error, TooLargeError):
        logger.warning("unit %s goes to quarantine: %s", unit.unit_id, error, extra=extra)
        try:
            return plan.job.publisher(all_rows_failed(unit, failure_of(error, "read")))
        except PipelineError as unwritten:
            error = unwritten
    logger.error("unit %s failed in isolation: %s", unit.unit_id, error, extra=extra)
    return None
