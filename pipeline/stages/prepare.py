"""The stages before the model, in one process: a unit → a block that is ready to be annotated.

Enters: a ``Unit``. Leaves: its block, read, identified and tokenized, or a failed block that names
the stage. What holds: each stage has its own time limit and stopwatch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.contract.unit import Unit
from pipeline.stages.failure import failed_block, failure_of
from pipeline.stages.read import Reader
from pipeline.stages.stage_factory import StageFactory, TimeLimited


@dataclass(frozen=True)
class Preparation:
    """Reads units of one corpus and runs ``factories`` over each, in their order.

    A factory that takes more than ``timeout`` seconds ends the process.
    """

    reader: Reader
    factories: Sequence[StageFactory]
    timeout: float

    def __call__(self, unit: Unit) -> pa.Table:
        """The block of ``unit``, or one that stands for its failure."""
        block = self._read(unit)
        for factory in self.factories:
            block = TimeLimited(factory, self.timeout)(block)
        return block

    def _read(self, unit: Unit) -> pa.Table:
        try:
            return self.reader(unit)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # some libraries exit or panic
            return failed_block(unit.to_json(), failure_of(error, "read"))
