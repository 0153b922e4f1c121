"""What a block has as a whole, kept with its rows.

Enters: measures of a block. Leaves: a column in which each row carries its share of them, or the
sums of such a column. What holds: shares add up to what was measured, however a block is cut, put
together again, or done piece by piece.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc


def portions(whole: Mapping[str, float], kind: pa.StructType, rows: int) -> pa.Array:
    """``whole`` over ``rows`` rows, as structs of ``kind``."""
    share = {name: value / max(1, rows) for name, value in whole.items()}
    return pa.repeat(pa.scalar(share, kind), rows)


def wholes(shares: pa.ChunkedArray) -> dict[str, float]:
    """The sums over a column of portions; rows without any add nothing."""
    fields = (field.name for field in shares.type)
    return {name: pc.sum(pc.struct_field(shares, name)).as_py() or 0.0 for name in fields}
