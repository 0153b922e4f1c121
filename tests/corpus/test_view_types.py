"""Types with views in them, and what they become."""

import pyarrow as pa
import pytest

from pipeline.corpus.view_types import without_views

VIEW, PLAIN = pa.string_view(), pa.string()


@pytest.mark.parametrize(
    ("kind", "expected", "values"),
    [
        (VIEW, PLAIN, ["a", None]),
        (pa.binary_view(), pa.binary(), [b"a", None]),
        (pa.list_(VIEW), pa.list_(PLAIN), [["a"], None]),
        (pa.list_view(VIEW), pa.list_(PLAIN), [["a"], None]),
        (pa.large_list_view(pa.int8()), pa.large_list(pa.int8()), [[1], None]),
        (pa.list_(VIEW, 1), pa.list_(PLAIN, 1), [["a"], None]),
        (pa.map_(VIEW, VIEW), pa.map_(PLAIN, PLAIN), [[("a", "b")], None]),
        (
            pa.struct({"x": pa.list_(pa.struct({"y": VIEW}))}),
            pa.struct({"x": pa.list_(pa.struct({"y": PLAIN}))}),
            [{"x": [{"y": "a"}]}, None],
        ),
    ],
    ids=str,
)
def test_without_views_has_the_same_values_and_can_be_taken(kind, expected, values):
    assert without_views(kind) == expected
    column = pa.array(values, kind).cast(expected)
    assert column.take(pa.array([0])).to_pylist() == values[:1]


@pytest.mark.parametrize("kind", [pa.int8(), PLAIN, pa.list_(pa.field("element", pa.float32()))])
def test_without_views_other_types_stay(kind):
    assert without_views(kind).equals(kind)
