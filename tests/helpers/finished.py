"""Finished outputs of a few records, published and reconciled as a job does it."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.schema import STAGES
from pipeline.output.output_lock import REPORT, acquire_lock
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import reconcile
from pipeline.reporting.run_report import RunReport
from pipeline.reporting.run_stats import RunStats
from pipeline.stages.measures import StageSeconds
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, FINGERPRINT, make_block, make_unit

LABEL = pa.field("topic_label", pa.string())
SCORE = pa.field("topic_score", pa.float32())
HOSTILE = (
    "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
)

ECHO = {
    "input": {"uri": "file:///corpus", "text_column": "text", "keep_columns": "all"},
    "language": {"detector": "cascade", "fallback": "related"},
    "tasks": {"ner": {"type": "ner", "weights": "a" * 64, "min_score": 0.0}},
}


def entity(text: str, found: str, label: str = "LOC", score: float = 0.75) -> dict[str, object]:
    """The entity that ``found`` is where it first stands in ``text``."""
    start = text.index(found)
    return {
        "label": label,
        "text": found,
        "start": start,
        "end": start + len(found),
        "score": score,
    }


def finish(
    store: Store,
    rows: int = 6,
    *,
    failed: Collection[int] = (),
    given: Mapping[pa.Field, list[object]] | None = None,
    tasks: Mapping[pa.Field, list[object]] | None = None,
    without: Collection[str] = (),
    echo: Mapping[str, object] = ECHO,
    **columns: list[object],
) -> Store:
    """``store`` with one finished unit of ``rows``.

    ``columns`` replace those of ``make_block``; ``given`` and ``tasks`` are added as the input's
    and the tasks' columns; ``without`` are left out.
    """
    acquire_lock(store, FINGERPRINT, dict(echo))
    unit, added, before = make_unit(0, rows), dict(tasks or {}), dict(given or {})
    block = make_block(unit, failed, **columns).drop_columns(list(without))
    for field, values in {**before, **added}.items():
        block = block.append_column(field, pa.array(values, field.type))
    block = block.append_column(schema.took_field("annotate"), _took(rows))
    kept = [field for field in DECLARED if field.name not in without]
    Publisher(store, pa.schema([*before, *kept, *added]))(block)
    write_report(store, unit)
    return store


def write_report(store: Store, *units: object, **changes: object) -> None:
    """``run_report.json`` of a run that did all ``units``."""
    result = reconcile(store, units, FINGERPRINT)
    counts = result.counts
    lines = RunStats(stages=dict.fromkeys(STAGES, StageSeconds(wall=1, cpu=0.5))).lines()
    report = {
        "package_version": "0.1.0",
        "fingerprint": FINGERPRINT,
        "input_uri": "file:///corpus",
        "output_uri": store.uri,
        "finished": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "seconds": 10.0,
        "rows_in": result.rows_in,
        "rows_out": result.rows_out,
        "rows_quarantined": result.rows_quarantined,
        "units": len(result.records),
        "units_done_here": len(result.records),
        "rows_done_here": result.rows_in,
        "tokens": sum(count.tokens for count in counts.values()),
        "tokens_done_here": sum(count.tokens for count in counts.values()),
        "tokens_per_second": 4.0,
        "seconds_to_first_unit": 4.0,
        "stages": lines,
        "languages": counts,
        "quarantine_reasons": result.reasons,
        "bad_files": [],
        **changes,
    }
    body = RunReport.model_validate(report).model_dump_json().encode()
    store.replace(REPORT, body)


def _took(rows: int) -> pa.Array:
    return pa.array([{"wall": 2 / rows, "cpu": 1 / rows, "waited": 0}] * rows, schema.TOOK)
