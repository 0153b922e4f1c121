"""Memory for a unit that is annotated in pieces and published whole.

Enters: pieces. Leaves: the same. What holds: pieces that do not fit together are refused before
they fill the memory of whoever puts them together; a unit that fits the way of all others fits
here.
"""

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.errors import TooLargeError
from pipeline.stages.read import Reader


class MemoryBudget:
    """What the pieces of ``unit`` may take together: what they were read as, twice.

    What stages found in them does not count: it is as much in the actor pool.
    """

    def __init__(self, unit: Unit, reader: Reader) -> None:
        self._unit = unit
        self._max_bytes = 2 * reader.max_bytes
        self._read = {output for _, output in reader.columns.kept}
        self._read |= {field.name for field in schema.READ_FIELDS}
        self._taken = 0

    def held(self, piece: pa.Table) -> pa.Table:
        """``piece``, counted; raises TooLargeError where there is no room for it."""
        self._taken += piece.select([n for n in piece.column_names if n in self._read]).nbytes
        if self._taken > self._max_bytes:
            raise TooLargeError(
                f"{self._unit.source.uri}: rows {self._unit.start} to {self._unit.stop} take more "
                f"than {self._max_bytes} bytes in memory together. Set runtime.unit_rows lower or "
                "runtime.unit_bytes higher, and start a new run."
            )
        return piece
