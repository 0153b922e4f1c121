"""Corpora that change from run to run, without a disk and without Ray."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract.unit import SourceFile, Unit
from pipeline.corpus.survey import BadFile, CorpusFile, Survey, cut
from pipeline.errors import PipelineError
from pipeline.output.changes import Changes, compare
from pipeline.output.output_lock import acquire_lock, is_locked_by
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import Reconciliation, committed_units, reconcile, reopen
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, FINGERPRINT, make_block

ROWS = 5
"""Of a file, which makes three units."""


@dataclass(frozen=True)
class Corpus:
    """Files by name, each with a letter for its content; those in ``bad`` cannot be read."""

    files: Mapping[str, str]
    bad: Collection[str] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None

    @property
    def survey(self) -> Survey:
        """What a plan finds of it."""
        sources = {
            name: SourceFile(uri=uri_of(name), size=100, version="1", content=content)
            for name, content in sorted(self.files.items())
        }
        good = [
            CorpusFile(source, self.rows.get(name, ROWS), 1000)
            for name, source in sources.items()
            if name not in self.bad
        ]
        bad = [BadFile(sources[name], "damaged") for name in self.bad]
        return Survey(tuple(good), tuple(bad), pa.schema([]))

    @property
    def units(self) -> tuple[Unit, ...]:
        """Its plan."""
        return cut(self.survey, RuntimeSettings(unit_rows=2), FINGERPRINT, self.limit)


def corpus(bad: Collection[str] = (), **files: str) -> Corpus:
    """``corpus(a="x")`` has a file a.parquet with the content x."""
    return Corpus(files, bad)


def uri_of(name: str) -> str:
    return f"file:///corpus/{name}.parquet"


def settings_of(**policy: str) -> InputSettings:
    return InputSettings.model_validate({"uri": "file:///corpus", **policy})


def changes_of(store: Store, found: Corpus, **policy: str) -> Changes:
    """What a plan says of the output; it is refused with InputError where the policy says so."""
    if not is_locked_by(store, FINGERPRINT):
        return Changes()
    committed = committed_units(store)
    return compare(store, committed, found.survey, found.units, settings_of(**policy))


def run(store: Store, found: Corpus, *, most: int | None = None, **policy: str) -> Reconciliation:
    """What a job does, in its order; it can publish ``most`` units. The first row fails."""
    changes = changes_of(store, found, **policy)
    acquire_lock(store, FINGERPRINT, {})
    committed = committed_units(store)
    left = [unit for unit in found.units if unit.unit_id not in committed]
    if left:
        reopen(store)
    for unit in left[:most]:
        try:
            Publisher(store, DECLARED)(block_of(unit))
        except PipelineError:
            continue
    return reconcile(store, found.units, FINGERPRINT, changes)


def block_of(unit: Unit) -> pa.Table:
    """The records of ``unit``, whose ids say of which content they are."""
    ids = [record_id(unit.source, row) for row in range(unit.start, unit.stop)]
    failed = (0,) if unit.start == 0 else ()
    return make_block(unit, failed, record_id=ids)


def record_id(source: SourceFile, row: int) -> str:
    return f"{source.uri}#{source.content}#{row}"


def ids_of(*found: Corpus) -> list[str]:
    """The record ids of all files of ``found`` that can be read."""
    return sorted(
        record_id(unit.source, row)
        for each in found
        for unit in each.units
        for row in range(unit.start, unit.stop)
    )
