"""All stages in one process: what an isolation runs.

Enters: a unit or a part of one. Leaves: its block after all stages. What holds: parts of a unit
that is held are what they would be if it were annotated whole; where none is, each is read anew.
"""

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.corpus.dictionaries import trimmed
from pipeline.stages.read import Reader
from pipeline.stages.stage_factory import StageFactory


class LocalPipeline:
    """Reads, prepares and annotates parts of units."""

    def __init__(
        self, reader: Reader, preparing: list[StageFactory], annotate: StageFactory
    ) -> None:
        self._reader = reader
        self._preparing = preparing
        self._annotate = annotate
        self._held: tuple[Unit, pa.Table] | None = None
        for factory in (*preparing, annotate):
            factory.stage()

    def ready(self) -> None:
        """Return once the models are loaded."""

    def hold(self, unit: Unit) -> None:
        """Keep ``unit`` prepared, to take parts of it, until another is to be held."""
        self._held = None
        block = self._prepared(unit)
        # Its parts wait for one another, and for no stage.
        self._held = unit, block.drop_columns([schema.ENDED.name])

    def read(self, part: Unit) -> pa.Table:
        """``part`` as it is read."""
        return self._reader(part)

    def annotate(self, part: Unit) -> pa.Table:
        """``part`` after all stages, with no more of dictionaries than it needs."""
        if self._held is None:
            block = self._prepared(part)
        else:
            unit, whole = self._held
            block = whole.slice(part.start - unit.start, part.rows)
        return self._annotate.run(trimmed(block))

    def _prepared(self, unit: Unit) -> pa.Table:
        block = self._reader(unit)
        for factory in self._preparing:
            block = factory.run(block)
        return block
