"""The plan of a run: its job, its units, and what of them is committed already.

Nothing is written here.
"""

from dataclasses import dataclass

from pipeline.config import JobSettings
from pipeline.contract.unit import Unit
from pipeline.corpus.survey import Survey, cut, survey_corpus
from pipeline.errors import ConfigError, InputError
from pipeline.output.changes import Changes, compare
from pipeline.output.output_lock import is_locked_by
from pipeline.output.reconcile import committed_units
from pipeline.planning.job import Job, resolve_job
from pipeline.storage import Store, canonical


@dataclass(frozen=True)
class Options:
    """What the command line adds to the settings."""

    limit: int | None = None
    new_run: bool = False
    allow_bad_files: bool = False


@dataclass(frozen=True)
class Plan:
    """What a run will do: ``committed`` are the ids of units that are in the output already.

    ``changes`` say how the corpus differs from the one that the output is of.
    """

    job: Job
    options: Options
    survey: Survey
    units: tuple[Unit, ...]
    store: Store
    committed: frozenset[str]
    changes: Changes

    @property
    def open_units(self) -> tuple[Unit, ...]:
        """The units that are left to do."""
        return tuple(unit for unit in self.units if unit.unit_id not in self.committed)


def make_plan(settings: JobSettings, options: Options) -> Plan:
    """The plan of a run; reads footers, checkpoints and what is committed, writes nothing.

    Raises InputError where the corpus changed in a way that the settings do not allow.
    """
    _require_apart(settings)
    survey = survey_corpus(settings.input, allow_bad_files=options.allow_bad_files)
    job = resolve_job(settings, survey.planned, options.limit)
    units = cut(survey, settings.runtime, job.fingerprint, options.limit)
    if not units:
        raise InputError(f"{settings.input.uri} holds no records. Check input.uri and --limit.")
    store = Store.open(settings.output.uri)
    resumed = not options.new_run and is_locked_by(store, job.fingerprint)
    committed = committed_units(store) if resumed else frozenset()
    changes = Changes(new=tuple(sorted({unit.source.uri for unit in units})))
    if resumed:
        changes = compare(store, committed, survey, units, settings.input)
    return Plan(job, options, survey, units, store, committed, changes)


def _require_apart(settings: JobSettings) -> None:
    source, target = canonical(settings.input.uri), canonical(settings.output.uri)
    if f"{target}/".startswith(f"{source.rstrip('/')}/"):
        raise ConfigError(
            f"output.uri {target} is in the folder input.uri {source}: the next run would read "
            "this run's parts. Set output.uri to a folder beside the corpus."
        )
