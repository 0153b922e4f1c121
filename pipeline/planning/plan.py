"""The plan of a run: its job, its units, and which of them are committed. Nothing is written."""

from dataclasses import dataclass

from pipeline.config import JobSettings
from pipeline.contract.unit import Unit
from pipeline.corpus.survey import Survey, complaint, cut, survey_corpus
from pipeline.errors import InputError, LossError
from pipeline.output.changes import Changes, compare
from pipeline.output.output_lock import is_locked_by
from pipeline.output.reconcile import committed_units
from pipeline.output.replaced import require_same_rows
from pipeline.planning.job import Job, resolve_job
from pipeline.storage import Store, list_input
from pipeline.storage.overlap import require_apart


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

    Raises ConfigError where input and output overlap, InputError where the corpus changed in a way
    that the settings do not allow, and LossError where more files are bad than these allow.
    """
    listing = list_input(settings.input.uri)
    require_apart(settings.input.uri, listing, settings.output.uri)
    survey = survey_corpus(settings.input, allow_bad_files=options.allow_bad_files, listing=listing)
    _require_few_bad_files(survey, settings.runtime.max_bad_files)
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
        require_same_rows(job.publisher, units, committed, job.reader)
    return Plan(job, options, survey, units, store, committed, changes)


def _require_few_bad_files(survey: Survey, share: float) -> None:
    bad, total = survey.bad_files, len(survey.files) + len(survey.bad_files)
    if len(bad) > share * total and (len(bad) > 1 or share == 0):
        raise LossError(
            f"{complaint(bad, total)}\n"
            f"That is {len(bad) / total:.1%} of the files; --allow-bad-files leaves out at most "
            f"{share:.1%}. Mend them, or set runtime.max_bad_files higher."
        )
