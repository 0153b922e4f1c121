"""Micro-batches of windows."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from pipeline.xmod.batching import micro_batches

WINDOWS = st.lists(st.tuples(st.integers(2, 60), st.integers(0, 4)), max_size=40)


@given(WINDOWS, st.integers(1, 300))
def test_micro_batches_any_windows_each_once_within_budget_by_language_and_length(windows, budget):
    lengths, languages = [w[0] for w in windows], [w[1] for w in windows]
    batches = list(micro_batches(lengths, languages, budget))
    order = list(chain(*batches))
    assert sorted(order) == list(range(len(windows)))
    keys = [(languages[i], -lengths[i]) for i in order]
    assert keys == sorted(keys)
    for batch in batches:
        assert sum(lengths[i] for i in batch) <= budget or len(batch) == 1


def test_micro_batches_budget_is_filled():
    assert list(micro_batches([2, 5, 4, 2, 3], [0] * 5, 10)) == [[1, 2], [4, 0, 3]]


def test_micro_batches_window_above_the_budget_goes_alone():
    assert list(micro_batches([3, 50, 3], [1, 0, 0], 8)) == [[1], [2, 0]]


def test_micro_batches_no_windows_no_batch():
    assert list(micro_batches([], [], 8)) == []
