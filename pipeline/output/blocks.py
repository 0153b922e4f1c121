"""An annotated block → its unit, the rows to keep, the rows to quarantine, counts by language.

A block that is not one whole unit in order is refused here.
"""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import PublishError
from pipeline.language.tags import UNDETERMINED
from pipeline.output.commit import NO_ADAPTER, LanguageCounts, most_frequent
from pipeline.stages.measures import MicroBatches
from pipeline.stages.stage import not_failed, require_columns
from pipeline.stages.stopwatch import sum_shares


def whole_unit(block: pa.Table) -> Unit:
    """The unit that ``block`` is; PublishError if it is a part of one, or more than one."""
    require_columns(block, ("record_id", "_unit", "_row", "_error"), "publish")
    named = block["_unit"].cast(pa.string()).unique().to_pylist()
    if len(named) != 1:
        raise PublishError(
            f"A block of {block.num_rows} rows holds {len(named)} units; expected one. Each unit "
            "must come as a block of its own (map_batches with batch_size=None)."
        )
    unit = Unit.from_json(named[0])
    rows = block["_row"].to_numpy()
    if not np.array_equal(rows, np.arange(unit.start, unit.stop)):
        raise PublishError(
            f"A block has {len(rows)} rows ({rows[0]} to {rows[-1]}); its unit is rows "
            f"{unit.start} to {unit.stop - 1} of {unit.source.uri}, each once and in order. The "
            "block was split, merged or reordered: set DataContext.target_max_block_size to None."
        )
    return unit


def failed_rows(block: pa.Table) -> tuple[int, ...]:
    """The row numbers of the records that some stage has given up on."""
    return tuple(block.filter(pc.invert(not_failed(block)))["_row"].to_pylist())


def divided(block: pa.Table, left_out: Collection[int]) -> tuple[pa.Table, pa.Table]:
    """``block`` without the rows ``left_out``, and these."""
    is_out = pc.is_in(block["_row"], pa.array(left_out, pa.int64()))
    return block.filter(pc.invert(is_out)), block.filter(is_out)


def batches_of(block: pa.Table) -> MicroBatches:
    """The micro-batches that the models had of ``block``."""
    if schema.BATCHES.name not in block.column_names:
        return MicroBatches()
    return MicroBatches(**{n: round(v) for n, v in sum_shares(block[schema.BATCHES.name]).items()})


def quarantined(unit: Unit, rows: pa.Table) -> pa.Table:
    """``rows`` of a block as rows of ``QUARANTINE``."""
    failures = [error or _UNEXPLAINED.as_row() for error in rows["_error"].to_pylist()]
    return pa.table(
        {
            "record_id": rows["record_id"],
            "file": pa.array([unit.source.uri] * rows.num_rows, pa.string()),
            "row": rows["_row"],
            **{
                field.name: pa.array([failure[field.name] for failure in failures], field.type)
                for field in schema.FAILURE
            },
        },
        schema.QUARANTINE,
    )


def language_counts(part: pa.Table, others: pa.Table) -> dict[str, LanguageCounts]:
    """Counts by language tag of a part and of the rows of its block that are not in it."""
    counts = _counts(part, _tags(part))
    for row in pc.value_counts(_tags(others)).to_pylist():
        tag, failed = row["values"], LanguageCounts(quarantined=row["counts"])
        counts[tag] = counts.get(tag, LanguageCounts()) + failed
    return dict(sorted(most_frequent(counts).items()))


def adapter_counts(part: pa.Table) -> dict[str, LanguageCounts]:
    """Counts by X-MOD language of a part."""
    return dict(sorted(_counts(part, pc.fill_null(part["xmod_language"], NO_ADAPTER)).items()))


def _counts(part: pa.Table, names: pa.ChunkedArray) -> dict[str, LanguageCounts]:
    """Counts of a part by the ``names`` of its rows."""
    entities = (
        pc.list_value_length(part["entities"])
        if "entities" in part.column_names
        else pa.nulls(part.num_rows, pa.int32())
    )
    annotated = pa.table(
        {"language": names, "entities": entities, "tokens": part["n_tokens"]}
    ).group_by("language")
    counts = {
        row["language"]: LanguageCounts(
            records=row["count_all"],
            entities=row["entities_sum"] or 0,
            tokens=row["tokens_sum"] or 0,
        )
        for row in annotated.aggregate(
            [([], "count_all"), ("entities", "sum"), ("tokens", "sum")]
        ).to_pylist()
    }
    sources = part["language_source"]
    for source in sources.drop_null().unique().to_pylist():
        for row in pc.value_counts(names.filter(pc.equal(sources, source))).to_pylist():
            counts[row["values"]] += LanguageCounts(**{source: row["counts"]})
    return counts


_UNEXPLAINED = Failure(
    "publish",
    "EarlierAttempt",
    "An earlier attempt failed on this record and was stopped before it could say why.",
)
"""The reason for a row that a standing part leaves out and that did not fail this time."""


def _tags(rows: pa.Table) -> pa.Array | pa.ChunkedArray:
    """Language tags; a block of which nothing could be read has no such column."""
    if "language" not in rows.column_names:
        return pa.repeat(UNDETERMINED, rows.num_rows)
    return pc.fill_null(rows["language"], UNDETERMINED)
