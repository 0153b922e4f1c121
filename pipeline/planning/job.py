"""A job: the settings with everything that they name looked up.

Enters: settings and the corpus's schema. Leaves: ``Job``: a factory for each stage, the output's
schema and the fingerprint. What holds: no weights are loaded; the fingerprint covers everything
that determines the output, and nothing else.
"""

import hashlib
import json
from dataclasses import dataclass

import pyarrow as pa
from pydantic import JsonValue

import pipeline
from pipeline.config import Fallback, JobSettings, LanguageSettings, TaskSettings
from pipeline.contract import schema
from pipeline.corpus.input_schema import input_columns
from pipeline.errors import ConfigError
from pipeline.language.coverage import Coverage
from pipeline.output.publish import Publisher
from pipeline.planning.default_language import with_default
from pipeline.stages.identify import Identify
from pipeline.stages.prepare import Preparation
from pipeline.stages.read import Reader
from pipeline.stages.stage_factory import StageFactory
from pipeline.stages.tokenize import Tokenize
from pipeline.stages.workload import Workload, annotate_stage
from pipeline.storage import Store, canonical
from pipeline.tasks import make_task, reading_of, task_name
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint
from pipeline.xmod.heads import parameter_bytes, require_head
from pipeline.xmod.vetting import require_adapters

_PROCESS_BYTES = 520_000_000
"""Resident memory of an actor's process with Ray, torch and transformers, before any weight."""
_PLACES_AND_MACHINES = {
    *("device", "actors", "cpus_per_actor", "gpus_per_actor"),
    *("readers_per_actor", "max_batch_tokens"),
}
_RETRIES = {
    *("max_attempts", "max_bad_files", "max_quarantined"),
    *("unit_timeout", "row_timeout", "start_timeout", "shutdown_timeout"),
}
_POLICIES = {"missing", "changed"}
"""What becomes of records whose file is gone or changed; those that are annotated are the same."""


@dataclass(frozen=True)
class Job:
    """What a run is made of; workers get its parts. ``languages`` are the adapters to load.

    ``coverage`` says which candidates the language detector does not know.

    ``lang_id`` in the output counts the languages of the first task's checkpoint. ``run`` is the id
    of the run that the output belongs to, once it is known.
    """

    fingerprint: str
    identity: dict[str, JsonValue]
    settings: JobSettings
    reader: Reader
    declared: pa.Schema
    workloads: tuple[Workload, ...]
    languages: tuple[str, ...]
    coverage: Coverage
    identify: StageFactory
    tokenize: StageFactory
    annotate: StageFactory
    run: str = ""

    @property
    def preparation(self) -> Preparation:
        """What begins the flow."""
        factories = (self.identify, self.tokenize)
        return Preparation(self.reader, factories, self.settings.runtime.unit_timeout)

    @property
    def blind_spots(self) -> str:
        """Candidates that the language detector never answers with; empty where it knows all."""
        tagged = self.settings.input.language_column is not None
        return str(self.coverage) if tagged else self.coverage.advice

    @property
    def publisher(self) -> Publisher:
        """What ends the flow."""
        text = self.reader.columns.output_of(self.settings.input.text_column)
        return Publisher(Store.open(self.settings.output.uri), self.declared, text, self.run)

    def actor_bytes(self) -> int:
        """Resident memory that an actor needs, estimated: the process, weights, activations.

        Weights count once an encoder, with the adapters of all ``languages``.
        """
        runtime = self.settings.runtime
        weights = activations = 0
        encoders = {one.encoder: one.checkpoints[0] for one in self.workloads}
        for checkpoint in encoders.values():
            weights += parameter_bytes(checkpoint, self.languages, runtime.arithmetic)
            config = checkpoint.config
            # A layer holds the intermediate product and about six tensors of hidden size at once.
            widths = config.intermediate_size + 6 * config.hidden_size
            tokens = runtime.lanes * runtime.batch_tokens
            activations = max(activations, 4 * widths * tokens)
        return _PROCESS_BYTES + weights + activations


def resolve_job(settings: JobSettings, planned: pa.Schema, limit: int | None) -> Job:
    """The job that ``settings`` describe for a corpus of schema ``planned``.

    Raises ConfigError and CheckpointError where what they name is missing or does not fit.
    """
    opened = [open_checkpoint(task.model) for task in settings.tasks]
    language = with_default(settings.language, opened)
    settings = settings.model_copy(update={"language": language})
    runtime = settings.runtime
    second_texts = settings.input.second_text_column is not None
    readings = [
        reading_of(task, checkpoint, runtime.max_length, second_texts=second_texts)
        for task, checkpoint in zip(settings.tasks, opened, strict=True)
    ]
    distinct = tuple(dict.fromkeys(readings))
    workloads = _workloads(settings.tasks, opened, [distinct.index(one) for one in readings])
    identify = _identifier(settings.language, opened)
    _require_detection(settings, identify)
    languages = identify.reachable
    for checkpoint in opened:
        require_adapters(checkpoint.folder, checkpoint.config, languages)
    Tokenize(runtime, distinct)  # checks the windows now, and not first in a worker
    routing = _restricted(settings.language, languages, opened[0])
    task_fields = _task_fields(settings.tasks, opened)
    columns = input_columns(
        planned, settings.input, schema.RESERVED | {task_field.name for task_field in task_fields}
    )
    declared = pa.schema(
        [
            *columns.fields,
            schema.RECORD_ID,
            *(field for field in identify.produces if not field.name.startswith("_")),
            *schema.TOKEN_FIELDS,
            *task_fields,
        ]
    )
    _require_distinct(declared)
    identity = _identity(settings, opened, declared, limit, identify.version)
    adapters = LoadedAdapters(languages, bypass=settings.language.fallback is Fallback.NONE)
    return Job(
        fingerprint=hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        identity=identity,
        settings=settings,
        reader=Reader(columns, settings.input, runtime.unit_bytes),
        declared=declared,
        workloads=workloads,
        languages=languages,
        coverage=identify.coverage,
        identify=StageFactory("identify", Identify, (routing, opened[0].languages)),
        tokenize=StageFactory("tokenize", Tokenize, (runtime, distinct)),
        annotate=StageFactory("annotate", annotate_stage, (workloads, adapters, runtime)),
    )


def _workloads(
    tasks: tuple[TaskSettings, ...], opened: list[Checkpoint], readings: list[int]
) -> tuple[Workload, ...]:
    """Tasks by forward; ``readings`` are the positions of what the tasks read."""
    grouped: dict[tuple[object, ...], list[int]] = {}
    for place, (task, checkpoint) in enumerate(zip(tasks, opened, strict=True)):
        made = make_task(task, checkpoint)
        alone = task if made.masks or made.generates else None
        grouped.setdefault((checkpoint.encoder, readings[place], alone), []).append(place)
    return tuple(
        Workload(
            tuple(opened[place] for place in places),
            readings[places[0]],
            tuple(tasks[place] for place in places),
        )
        for places in grouped.values()
    )


def _task_fields(tasks: tuple[TaskSettings, ...], opened: list[Checkpoint]) -> tuple[pa.Field, ...]:
    fields: list[pa.Field] = []
    for settings, checkpoint in zip(tasks, opened, strict=True):
        task = make_task(settings, checkpoint)
        require_head(checkpoint, task.architecture)
        fields.extend(task.fields)
    return tuple(fields)


def _require_distinct(declared: pa.Schema) -> None:
    if doubled := schema.clashing(declared.names):
        raise ConfigError(
            f"The output would have two columns {', '.join(doubled)}: a classification's name "
            "makes <name>_label, <name>_score and <name>_probs, a regression's <name> or "
            "<name>_<label>, and names that differ in case alone are one name to DuckDB and Spark. "
            "Choose another name, or set other labels in the checkpoint's id2label."
        )


def _identifier(settings: LanguageSettings, opened: list[Checkpoint]) -> Identify:
    """The stage over the languages that all checkpoints have.

    Raises ConfigError, by way of the stage, where the settings name one that is not among them.
    """
    shared = tuple(
        code for code in opened[0].languages if all(code in other.languages for other in opened)
    )
    if not shared:
        folders = ", ".join(str(checkpoint.folder) for checkpoint in opened)
        raise ConfigError(f"{folders} have no language in common; a record can go to none of them.")
    return Identify(settings, shared)


def _require_detection(settings: JobSettings, identify: Identify) -> None:
    """Raise ConfigError where no record can be given a language."""
    tagged = settings.input.language_column is not None
    if identify.can_detect or tagged or settings.language.fallback is not Fallback.QUARANTINE:
        return
    raise ConfigError(
        f"Detector {settings.language.detector!r} knows none of the languages "
        f"{', '.join(identify.reachable)}. Set language.detector in the config to another, "
        "input.language_column to the column that names them, or language.fallback."
    )


def _restricted(
    settings: LanguageSettings, languages: tuple[str, ...], first: Checkpoint
) -> LanguageSettings:
    """Settings that keep records from languages which another checkpoint of the job lacks."""
    if settings.candidates != "all" or languages == first.languages:
        return settings
    return settings.model_copy(update={"candidates": languages})


def _identity(
    settings: JobSettings,
    opened: list[Checkpoint],
    declared: pa.Schema,
    limit: int | None,
    detector: str,
) -> dict[str, JsonValue]:
    """All that determines the output, as JSON values; no credential is among them.

    Order counts: of tasks, because the first one's languages number ``lang_id``, and of columns.
    """
    tasks: dict[str, JsonValue] = {}
    for task, checkpoint in zip(settings.tasks, opened, strict=True):
        values = task.model_dump(mode="json", exclude={"model"})
        tasks[task_name(task)] = {**values, "weights": checkpoint.digest}
    return {
        "input": {
            **settings.input.model_dump(mode="json", exclude=_POLICIES),
            "uri": canonical(settings.input.uri),
        },
        "language": {
            **settings.language.model_dump(mode="json", exclude={"detector_model"}),
            "detector_version": detector,
        },
        "tasks": tasks,
        "task_order": list(tasks),
        "runtime": {
            **settings.runtime.model_dump(mode="json", exclude=_PLACES_AND_MACHINES | _RETRIES),
            "dtype": str(settings.runtime.arithmetic),
        },
        "limit": limit,
        "output_columns": {column.name: str(column.type) for column in declared},
        "schema_version": schema.SCHEMA_VERSION,
        "package_version": pipeline.__version__,
    }
