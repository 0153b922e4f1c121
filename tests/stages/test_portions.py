"""What rows carry of a block's measures, added up again."""

import pyarrow as pa
import pytest

from pipeline.stages.stopwatch import row_shares, sum_shares

KIND = pa.struct([pa.field("number", pa.float64()), pa.field("tokens", pa.float64())])


def column(rows: int, number: float, tokens: float) -> pa.ChunkedArray:
    return pa.chunked_array([row_shares({"number": number, "tokens": tokens}, KIND, rows)])


@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
def test_portions_add_up_to_the_whole(rows):
    assert sum_shares(column(rows, 2, 90)) == pytest.approx({"number": 2, "tokens": 90})


def test_portions_cut_joined_and_beside_others_add_up():
    shares = column(6, 2, 90)
    pieces = [shares.slice(0, 1), shares.slice(1, 2), shares.take(pa.array([5, 4, 3]))]
    joined = pa.chunked_array([chunk for piece in pieces for chunk in piece.chunks])
    both = pa.chunked_array([*joined.chunks, *column(3, 1, 10).chunks])
    assert sum_shares(both) == pytest.approx({"number": 3, "tokens": 100})


def test_portions_of_no_rows_and_of_rows_without_any_are_nothing():
    assert sum_shares(column(0, 2, 90)) == {"number": 0, "tokens": 0}
    assert sum_shares(pa.chunked_array([pa.nulls(3, KIND)])) == {"number": 0, "tokens": 0}
