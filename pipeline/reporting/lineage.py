"""OpenLineage events of a run: start and end, schemas, and the source of each output column.

Events (openlineage.io, spec 2-0-2) go where the client's own environment variables say, such as
``OPENLINEAGE_URL`` or ``OPENLINEAGE__TRANSPORT__TYPE=file``. Without any, nothing is sent and the
client need not be installed. No text of records is sent, and a failing service fails no run.
"""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
_SETTINGS = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__")


@dataclass(frozen=True)
class Lineage:
    """Sends the events of one run; without a client it sends nothing."""

    plan: Plan
    client: Any | None
    run: str = field(default_factory=lambda: str(uuid.uuid4()))

    def send(self, state: str, rows: int | None = None, error: BaseException | None = None) -> None:
        """Send an event of type ``state``: START, COMPLETE, ABORT or FAIL."""
        if self.client is None:
            return
        try:
            self.client.emit(event(self.plan, self.run, state, rows, error))
        except Exception as problem:  # a failing service fails no run
            logger.warning("OpenLineage event %s not sent: %s", state, type(problem).__name__)

    def complete(self, report: RunReport) -> None:
        """Send that the run succeeded."""
        self.send("COMPLETE", rows=report.rows_out)


@contextmanager
def lineage(plan: Plan) -> Iterator[Lineage]:
    """Sends that the run starts and, where the block raises, that it failed or was stopped.

    Raises ConfigError where the environment configures OpenLineage and its client is not usable.
    """
    events = Lineage(plan, _client())
    events.send("START")
    try:
        yield events
    except BaseException as error:
        stopped = isinstance(error, StoppedError | KeyboardInterrupt)
        events.send("ABORT" if stopped else "FAIL", error=error)
        raise


def event(
    plan: Plan, run: str, state: str, rows: int | None, error: BaseException | None
) -> "RunEvent":
    """The event that the run with the id ``run`` is in ``state``."""
    from openlineage.client import event_v2
    from openlineage.client.generated import error_message_run, output_statistics_output_dataset

    job = plan.job
    corpus, enriched = dataset_name(job.settings.input.uri), dataset_name(plan.store.uri)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    # Messages of other exceptions than this package's may quote a record.
    message = str(error) if isinstance(error, PipelineError) else type(error).__name__
    failure = error_message_run.ErrorMessageRunFacet(message, programmingLanguage="PYTHON")
    return event_v2.RunEvent(
        eventTime=datetime.now(UTC).isoformat(),
        producer=PRODUCER,
        run=event_v2.Run(run, facets={"errorMessage": failure} if error else {}),
        job=event_v2.Job(
            namespace=os.environ.get("OPENLINEAGE_NAMESPACE", "xmod"),
            name=f"annotate.{enriched[1].strip('/')}",
        ),
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
    """Namespace and name by OpenLineage's naming rules: scheme with bucket, and path."""
    parts = urlsplit(canonical(uri))
    if parts.scheme == "file":
        return "file", parts.path
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")


def origins(job: Job) -> dict[str, tuple[list[str], bool]]:
    """For each output column the input columns it is made from, and whether it is a plain copy."""
    given = job.settings.input
    text, tags = given.text_column, (given.language_column, given.language_prior_column)
    of_language = [text, *filter(None, tags)]
    beside = (given.question_column, given.choices_column, given.second_text_column)
    of_tasks = [*of_language, *filter(None, beside)]
    languages = {field.name for field in (*schema.LANGUAGE_FIELDS, schema.LANGUAGE_FRACTIONS)}
    tokens = {field.name for field in schema.TOKEN_FIELDS}
    copied = {output: ([name], True) for name, output in job.reader.columns.kept}
    copied[schema.RECORD_ID.name] = ([given.id_column] if given.id_column else [], True)
    made = {
        name: ([text] if name in tokens else of_language if name in languages else of_tasks, False)
        for name in job.declared.names
    }
    found = made | copied
    return {name: found[name] for name in job.declared.names if found[name][0]}


def _origins(job: Job, corpus: tuple[str, str]) -> dict[str, Any]:
    from openlineage.client.generated import column_lineage_dataset as facet

    fields = {}
    for name, (sources, is_copy) in origins(job).items():
        step = facet.Transformation("DIRECT", subtype="IDENTITY" if is_copy else "TRANSFORMATION")
        fields[name] = facet.Fields([facet.InputField(*corpus, one, [step]) for one in sources])
    return {"columnLineage": facet.ColumnLineageDatasetFacet(fields=fields)}


def _schema(columns: pa.Schema) -> dict[str, Any]:
    from openlineage.client.generated import schema_dataset as facet

    fields = [facet.SchemaDatasetFacetFields(name=one.name, type=str(one.type)) for one in columns]
    return {"schema": facet.SchemaDatasetFacet(fields=fields)}


def _client() -> Any | None:  # noqa: ANN401
    """OpenLineage's client, where the environment configures it."""
    settings = sorted(name for name in os.environ if name.startswith(_SETTINGS))
    if not settings:
        return None
    try:
        from openlineage.client import OpenLineageClient
    except ImportError as error:
        raise ConfigError(
            "The environment configures OpenLineage, but its client is not installed. "
            "Run pip install 'xmod-pipeline[lineage]', or unset OPENLINEAGE_*."
        ) from error
    try:
        return OpenLineageClient()
    except Exception as error:
        raise ConfigError(
            f"OpenLineage's client cannot be set up from the environment: {error}. Correct or "
            f"unset {', '.join(settings)}."
        ) from error
