"""The pipeline as a callable, for a Ray Dataset or a loop of your own."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.config import JobSettings, load
from pipeline.contract import schema
from pipeline.contract.unit import SourceFile, Unit
from pipeline.corpus.dictionaries import columns_out_of_bounds
from pipeline.corpus.input_schema import gate
from pipeline.errors import DamagedError
from pipeline.planning.job import Job, resolve_job
from pipeline.stages.read import block_of

_HERE = "the batch"
"""What errors call the table that is annotated."""


class Annotator:
    """Identifies the language of each record, routes it to its adapter and annotates it.

    A callable class for ``Dataset.map_batches``::

        dataset.map_batches(
            Annotator,
            fn_constructor_args=("configs/ner.yaml",),
            batch_format="pyarrow",
            batch_size=1024,
            concurrency=2,
        )

    ``config`` is a path, the name of a config that ships with the package, or ``JobSettings``;
    ``overrides`` are ``key=value``, as with ``--set``. Of its input section the columns count, not
    the URI; the output section is not used. Models are loaded at the first batch.

    There is no exactly-once here: no units, no commit records, no retries, no quarantine. What
    raises in a stage is raised to the caller.
    """

    def __init__(self, config: str | Path | JobSettings, overrides: Sequence[str] = ()) -> None:
        self._settings = (
            config if isinstance(config, JobSettings) else load(config, overrides, JobSettings)
        )
        self._job: Job | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` [rows] with the columns of the output contract, and ``error``.

        Every row comes back, in order; one that could not be annotated has nulls and says why in
        ``error``, a struct of stage, error_type and message. Raises SchemaError where the table has
        not the columns that the config names, and StageError where a stage is at fault.
        """
        job = self._job_for(gate(table.schema, self._settings.input, _HERE))
        rows = table.select(job.reader.columns.planned.names)
        if broken := columns_out_of_bounds(rows):
            raise DamagedError(
                f"{_HERE} is damaged: indices of {', '.join(broken)} point beyond their "
                "dictionary. Build these columns anew, or leave them out of input.keep_columns."
            )
        block = block_of(rows, _unit(rows), job.reader.columns, self._settings.input)
        for factory in (job.identify, job.tokenize, job.annotate):
            block = factory.run(block)
        return _with_contract(rows, block, job)

    def _job_for(self, planned: pa.Schema) -> Job:
        if self._job is None or self._job.reader.columns.planned != planned:
            self._job = resolve_job(self._settings, planned, None)
        return self._job


def _unit(rows: pa.Table) -> Unit:
    source = SourceFile(uri="batch", size=rows.nbytes, version="")
    return Unit(source=source, start=0, stop=rows.num_rows, fingerprint="")


def _with_contract(rows: pa.Table, block: pa.Table, job: Job) -> pa.Table:
    """The input's ``rows`` as they came, and beside them what stages added."""
    kept = {output: rows[name] for name, output in job.reader.columns.kept}
    if job.settings.input.id_column is None:
        kept[schema.RECORD_ID.name] = pa.nulls(rows.num_rows, pa.string())
    columns = [
        kept[field.name] if field.name in kept else block[field.name] for field in job.declared
    ]
    cast = [column.cast(field.type) for column, field in zip(columns, job.declared, strict=True)]
    fields = [*job.declared, pa.field("error", schema.FAILURE)]
    return pa.Table.from_arrays([*cast, block[schema.ERROR.name]], schema=pa.schema(fields))
