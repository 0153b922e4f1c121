"""A run as OpenLineage has it: start, complete or fail, with schemas and the origin of each column.

Enters: a plan, and the report of its run. Leaves: events (openlineage.io, spec 2-0-2) to wherever
the client's own settings say, such as `OPENLINEAGE_URL` or `OPENLINEAGE__TRANSPORT__TYPE=file`.
Holds: without such settings nothing is told and the client need not be installed; no text of
records is in an event; a service that does not answer costs no run.
"""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

import pipeline
from pipeline.contract import schema
from pipeline.errors import ConfigError, PipelineError, StoppedError
from pipeline.planning.job import Job
from pipeline.planning.plan import Plan
from pipeline.reporting.run_report import RunReport
from pipeline.storage import canonical

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

logger = logging.getLogger(__name__)

PRODUCER = f"xmod-pipeline/{pipeline.__version__}"
NAMESPACE = "OPENLINEAGE_NAMESPACE"
_SETTINGS = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__")


class Lineage:
    """Tells of one run; without a client it is silent."""

    def __init__(self, plan: Plan, client: Any | None) -> None:  # noqa: ANN401
        self._plan = plan
        self._client = client
        self._run = str(uuid.uuid4())

    def tell(self, state: str, rows: int | None = None, error: BaseException | None = None) -> None:
        """Emit an event of type `state`: START, COMPLETE, ABORT or FAIL."""
        if self._client is None:
            return
        try:
            self._client.emit(event(self._plan, self._run, state, rows, error))
        except Exception as problem:  # whatever the service says, the run goes on
            logger.warning("OpenLineage was not told of %s: %s", state, type(problem).__name__)

    def complete(self, report: RunReport) -> None:
        """The run ended well."""
        self.tell("COMPLETE", rows=report.rows_out)


@contextmanager
def lineage(plan: Plan) -> Iterator[Lineage]:
    """Tells that the run starts, and, where the block raises, that it failed."""
    told = Lineage(plan, _client())
    told.tell("START")
    try:
        yield told
    except BaseException as error:
        stopped = isinstance(error, StoppedError | KeyboardInterrupt)
        told.tell("ABORT" if stopped else "FAIL", error=error)
        raise


def event(
    plan: Plan, run: str, state: str, rows: int | None, error: BaseException | None
) -> "RunEvent":
    """What OpenLineage is told of the run with the id `run`."""
    from openlineage.client import event_v2
    from openlineage.client.generated.output_statistics_output_dataset import (
        OutputStatisticsOutputDatasetFacet,
    )

    job = plan.job
    corpus, enriched = dataset_name(job.settings.input.uri), dataset_name(plan.store.uri)
    statistics = OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return event_v2.RunEvent(
        eventTime=datetime.now(UTC).isoformat(),
        producer=PRODUCER,
        run=event_v2.Run(run, facets=_failure(error) if error else {}),
        job=event_v2.Job(os.environ.get(NAMESPACE, "xmod"), f"annotate.{enriched[1].strip('/')}"),
        eventType=event_v2.RunState[state],
        inputs=[event_v2.InputDataset(*corpus, facets=_schema(plan.survey.planned))],
        outputs=[
            event_v2.OutputDataset(
                *enriched,
                outputFacets={"outputStatistics": statistics} if rows is not None else {},
                facets=_schema(job.declared) | _origins(job, corpus),
            )
        ],
    )


def dataset_name(uri: str) -> tuple[str, str]:
    """Namespace and name, by OpenLineage's naming: store with its bucket, and the path."""
    parts = urlsplit(canonical(uri))
    if parts.scheme == "file":
        return "file", parts.path
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")


def origins(job: Job) -> dict[str, tuple[list[str], bool]]:
    """Of each column of the output: the columns that it comes from, and whether unchanged."""
    given = job.settings.input
    found = {output: ([name], True) for name, output in job.reader.columns.kept}
    found[schema.RECORD_ID.name] = ([given.id_column] if given.id_column else [], True)
    said = (given.language_column, given.language_prior_column)
    asked = (given.question_column, given.choices_column)
    of_language = [given.text_column, *filter(None, said)]
    of_tasks = [*of_language, *filter(None, asked)]
    languages = {field.name for field in (*schema.LANGUAGE_FIELDS, schema.LANGUAGE_FRACTIONS)}
    tokens = {field.name for field in schema.TOKEN_FIELDS}
    for name in job.declared.names:
        sources = of_language if name in languages else of_tasks
        found.setdefault(name, ([given.text_column] if name in tokens else sources, False))
    return {name: found[name] for name in job.declared.names if found[name][0]}


def _origins(job: Job, corpus: tuple[str, str]) -> dict[str, Any]:
    from openlineage.client.generated import column_lineage_dataset as facet

    return {
        "columnLineage": facet.ColumnLineageDatasetFacet(
            fields={
                name: facet.Fields(
                    [facet.InputField(*corpus, source, [_step(same)]) for source in sources]
                )
                for name, (sources, same) in origins(job).items()
            }
        )
    }


def _step(same: bool) -> Any:  # noqa: ANN401
    from openlineage.client.generated.column_lineage_dataset import Transformation

    return Transformation(type="DIRECT", subtype="IDENTITY" if same else "TRANSFORMATION")


def _schema(columns: pa.Schema) -> dict[str, Any]:
    from openlineage.client.generated import schema_dataset as facet

    fields = [
        facet.SchemaDatasetFacetFields(name=column.name, type=str(column.type))
        for column in columns
    ]
    return {"schema": facet.SchemaDatasetFacet(fields=fields)}


def _failure(error: BaseException) -> dict[str, Any]:
    """Of an exception of this package its message, of any other its name: it may quote a text."""
    from openlineage.client.generated.error_message_run import ErrorMessageRunFacet

    message = str(error) if isinstance(error, PipelineError) else type(error).__name__
    return {"errorMessage": ErrorMessageRunFacet(message=message, programmingLanguage="PYTHON")}


def _client() -> Any | None:  # noqa: ANN401
    """OpenLineage's client, where the environment says where events go."""
    given = sorted(name for name in os.environ if name.startswith(_SETTINGS))
    if not given:
        return None
    try:
        from openlineage.client import OpenLineageClient
    except ImportError as error:
        raise ConfigError(
            "The environment has settings of OpenLineage, and its client is not installed. "
            "Run pip install 'xmod-pipeline[lineage]', or unset OPENLINEAGE_*."
        ) from error
    try:
        return OpenLineageClient()
    except Exception as error:  # whatever it says of settings that are the user's
        raise ConfigError(
            f"OpenLineage's client cannot be set up from the environment: {error}. Mend or unset "
            f"{', '.join(given)}."
        ) from error
