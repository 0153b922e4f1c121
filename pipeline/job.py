"""A job: the settings with everything that they name looked up.

Enters: settings and the corpus's schema. Leaves: ``Job``, which every worker gets and makes its
stages from. What holds: weights are not loaded here; two jobs are equal if their fingerprints are,
and the fingerprint covers all that determines the output and nothing else.
"""

import hashlib
import json
from dataclasses import dataclass, field

import pyarrow as pa
from pydantic import JsonValue

import pipeline
from pipeline import schema
from pipeline.annotate import Annotate, Workload
from pipeline.errors import ConfigError
from pipeline.gate import InputColumns, input_columns
from pipeline.language.route import Identify
from pipeline.settings import JobSettings, LanguageSettings, TaskSettings
from pipeline.storage import canonical
from pipeline.tasks import make_task, task_name
from pipeline.tokenize import Tokenize
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint, parameter_bytes, require_head

_PLACES_AND_MACHINES = {"device", "actors", "cpus_per_actor", "gpus_per_actor", "max_batch_tokens"}
_RETRIES = {"rounds", "unit_timeout", "row_timeout"}


@dataclass(frozen=True)
class Job:
    """What a worker needs to know. ``languages`` are the adapters to load.

    ``lang_id`` in the output counts the languages of the first task's checkpoint.
    """

    fingerprint: str
    identity: dict[str, JsonValue] = field(compare=False)
    settings: JobSettings = field(compare=False)
    columns: InputColumns = field(compare=False)
    workloads: tuple[Workload, ...] = field(compare=False)
    tokenizers: tuple[Checkpoint, ...] = field(compare=False)
    languages: tuple[str, ...] = field(compare=False)
    declared: pa.Schema = field(compare=False)

    def identify(self) -> Identify:
        """The stage that finds each record's language and adapter."""
        settings = _restricted(self.settings.language, self.languages)
        return Identify(settings, self.workloads[0].checkpoint.languages)

    def tokenize(self) -> Tokenize:
        """The stage that cuts texts into windows."""
        return Tokenize(self.settings.runtime, self.tokenizers)

    def annotate(self) -> Annotate:
        """The stage that holds the models; loads them."""
        return Annotate(self.workloads, self.languages, self.settings.runtime)

    def actor_bytes(self) -> int:
        """Memory that an actor needs, estimated: weights, and one micro-batch's activations."""
        weights = activations = 0
        for workload in self.workloads:
            tasks = [make_task(settings, workload.checkpoint) for settings in workload.tasks]
            classes = {task.model_class for task in tasks}
            weights += max(
                parameter_bytes(workload.checkpoint, model_class, self.languages)
                for model_class in classes
            )
            config = workload.checkpoint.config
            # A layer holds the intermediate product and about six tensors of hidden size at once.
            widths = config.intermediate_size + 6 * config.hidden_size
            activations = max(activations, 4 * widths * self.settings.runtime.max_batch_tokens)
        return weights + activations


def resolve_job(settings: JobSettings, planned: pa.Schema, limit: int | None) -> Job:
    """The job that ``settings`` describe for a corpus of schema ``planned``.

    Raises ConfigError and CheckpointError where what they name is missing or does not fit.
    """
    opened = [open_checkpoint(task.model) for task in settings.tasks]
    tokenizers = _tokenizers(opened)
    workloads = _workloads(settings.tasks, opened, tokenizers)
    task_fields = _task_fields(settings.tasks, opened)
    columns = input_columns(
        planned, settings.input, schema.RESERVED | {task_field.name for task_field in task_fields}
    )
    declared = pa.schema(
        [
            *columns.fields,
            schema.RECORD_ID,
            *schema.LANGUAGE_FIELDS,
            *schema.TOKEN_FIELDS,
            *task_fields,
        ]
    )
    _require_distinct(declared)
    identity = _identity(settings, opened, declared, limit)
    return Job(
        fingerprint=hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        identity=identity,
        settings=settings,
        columns=columns,
        workloads=workloads,
        tokenizers=tokenizers,
        languages=_reachable(settings.language, opened),
        declared=declared,
    )


def _tokenizers(opened: list[Checkpoint]) -> tuple[Checkpoint, ...]:
    """One checkpoint for each distinct way to cut texts into windows."""
    distinct: list[Checkpoint] = []
    for checkpoint in opened:
        if not any(checkpoint.tokenizes_like(other) for other in distinct):
            distinct.append(checkpoint)
    return tuple(distinct)


def _workloads(
    tasks: tuple[TaskSettings, ...], opened: list[Checkpoint], tokenizers: tuple[Checkpoint, ...]
) -> tuple[Workload, ...]:
    by_checkpoint: dict[Checkpoint, list[TaskSettings]] = {}
    for task, checkpoint in zip(tasks, opened, strict=True):
        by_checkpoint.setdefault(checkpoint, []).append(task)
    return tuple(
        Workload(
            checkpoint,
            next(k for k, other in enumerate(tokenizers) if checkpoint.tokenizes_like(other)),
            tuple(some),
        )
        for checkpoint, some in by_checkpoint.items()
    )


def _task_fields(tasks: tuple[TaskSettings, ...], opened: list[Checkpoint]) -> tuple[pa.Field, ...]:
    fields: list[pa.Field] = []
    for settings, checkpoint in zip(tasks, opened, strict=True):
        task = make_task(settings, checkpoint)
        require_head(checkpoint, task.model_class)
        fields.extend(task.fields)
    return tuple(fields)


def _require_distinct(declared: pa.Schema) -> None:
    doubled = sorted({name for name in declared.names if declared.names.count(name) > 1})
    if doubled:
        raise ConfigError(
            f"The output would have two columns {', '.join(doubled)}: a classification's name "
            "makes <name>_label, <name>_score and <name>_probs. Choose another name."
        )


def _reachable(settings: LanguageSettings, opened: list[Checkpoint]) -> tuple[str, ...]:
    """The languages that a record may be given: candidates and default that all checkpoints have.

    Raises ConfigError, by way of the stage, where the settings name one that is not among them.
    """
    shared = tuple(
        code for code in opened[0].languages if all(code in other.languages for other in opened)
    )
    if not shared:
        folders = ", ".join(str(checkpoint.folder) for checkpoint in opened)
        raise ConfigError(f"{folders} have no language in common; a record can go to none of them.")
    return Identify(settings, shared).reachable


def _restricted(settings: LanguageSettings, languages: tuple[str, ...]) -> LanguageSettings:
    candidates = languages if settings.candidates == "all" else settings.candidates
    return settings.model_copy(update={"candidates": candidates})


def _identity(
    settings: JobSettings, opened: list[Checkpoint], declared: pa.Schema, limit: int | None
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
            **settings.input.model_dump(mode="json"),
            "uri": canonical(settings.input.uri),
        },
        "language": settings.language.model_dump(mode="json"),
        "tasks": tasks,
        "task_order": list(tasks),
        "runtime": settings.runtime.model_dump(
            mode="json", exclude=_PLACES_AND_MACHINES | _RETRIES
        ),
        "limit": limit,
        "output_columns": {column.name: str(column.type) for column in declared},
        "schema_version": schema.SCHEMA_VERSION,
        "package_version": pipeline.__version__,
    }
