"""Micro-batches of windows."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.xmod.batching import micro_batches

WINDOWS = st.lists(st.tuples(st.integers(2, 60), st.integers(0, 4)), max_size=40)


@given(WINDOWS, st.integers(1, 300), st.integers(1, 5))
def test_micro_batches_any_windows_each_once_within_budget_by_language_and_length(
    windows, budget, lanes
):
    lengths, languages = [w[0] for w in windows], [w[1] for w in windows]
    batches = list(micro_batches(lengths, languages, budget, lanes))
    order = list(chain(*batches))
    assert sorted(order) == list(range(len(windows)))
    keys = [(languages[i], -lengths[i]) for i in order]
    assert keys == sorted(keys)
    for batch in batches:
        assert sum(lengths[i] for i in batch) <= budget or len(batch) == 1


def test_micro_batches_budget_is_filled():
    assert list(micro_batches([2, 5, 4, 2, 3], [0] * 5, 10)) == [[1, 2], [4, 0, 3]]


@pytest.mark.parametrize(("windows", "lanes"), [(100, 2), (1000, 2), (1000, 7)])
def test_micro_batches_give_each_lane_as_much_to_do(windows, lanes):
    lengths = [10 + i % 21 for i in range(windows)]
    batches = list(micro_batches(lengths, [i % 5 for i in range(windows)], 2048, lanes))
    tokens = [sum(lengths[i] for i in batch) for batch in batches]
    assert len(batches) % lanes == 0
    assert max(tokens) - min(tokens) <= 2 * max(lengths)
    assert max(tokens) <= 2048


def test_micro_batches_are_not_made_tiny_for_many_lanes():
    assert len(list(micro_batches([16] * 16, [0] * 16, 2048, 64))) == 1


def test_micro_batches_window_above_the_budget_goes_alone():
    assert list(micro_batches([3, 50, 3], [1, 0, 0], 8)) == [[1], [2, 0]]


def test_micro_batches_no_windows_no_batch():
    assert list(micro_batches([], [], 8)) == []
