"""Lengths, shades and colours of figures."""

import pytest

from pipeline.reporting.page.figures import HUES, SHADES, bars, grid, hues, stretches


def test_bars_are_measured_by_the_longest():
    assert [bar.length for bar in bars({"a": 4, "b": 1, "c": 0})] == [100.0, 25.0, 0.0]


def test_bars_of_nothing_have_no_length():
    assert [bar.length for bar in bars({"a": 0})] == [0.0]


def test_stretches_follow_one_another_and_leave_out_nothing():
    found = stretches({"a": 1, "b": 0, "c": 3}, 4)
    assert [(part.name, part.start, part.length) for part in found] == [
        ("a", 0.0, 25.0),
        ("c", 25.0, 75.0),
    ]


def test_grid_has_the_most_frequent_values_and_says_how_many_it_leaves_out():
    found = grid({"de": {"a": 1, "b": 3}, "fr": {"b": 1, "c": 1}}, 2)
    assert (found.columns, found.left_out) == (("b", "a"), 1)
    assert [(row.name, row.total) for row in found.rows] == [("de", 4), ("fr", 2)]
    assert [cell.count for cell in found.rows[0].cells] == [3, 1]


def test_grid_shades_nothing_as_nothing_and_all_as_the_last():
    found = grid({"de": {"a": 5}, "fr": {"b": 1, "a": 999}}, 2)
    shades = {row.name: [cell.shade for cell in row.cells] for row in found.rows}
    assert shades == {"de": [SHADES, 0], "fr": [SHADES, 1]}


@pytest.mark.parametrize("kinds", [1, HUES, HUES + 3])
def test_hues_are_distinct_until_they_are_grey(kinds: int):
    values = [f"v{kind:02}" for kind in range(kinds) for _ in range(kinds - kind)]
    found = list(hues(values).values())
    coloured = [hue for hue in found if hue]
    assert coloured == list(range(1, min(kinds, HUES) + 1))
    assert len(found) == kinds
