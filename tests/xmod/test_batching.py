"""Micro-batches of windows."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from pipeline.xmod.batching import micro_batches, padded

WINDOWS = st.lists(st.tuples(st.integers(2, 60), st.integers(0, 4)), max_size=40)


@given(WINDOWS, st.integers(1, 300))
def test_micro_batches_any_windows_each_once_within_budget_sorted_by_language(windows, budget):
    lengths, languages = [w[0] for w in windows], [w[1] for w in windows]
    batches = list(micro_batches(lengths, languages, budget))
    assert sorted(chain(*batches)) == list(range(len(windows)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) * longest <= budget or len(batch) == 1
        assert [languages[i] for i in batch] == sorted(languages[i] for i in batch)


def test_micro_batches_budget_is_filled_longest_first():
    batches = [sorted(batch) for batch in micro_batches([2, 5, 4, 2, 3], [0] * 5, 10)]
    assert batches == [[1, 2], [0, 3, 4]]


def test_micro_batches_window_above_the_budget_goes_alone():
    assert list(micro_batches([3, 50, 3], [1, 0, 0], 8)) == [[1], [2, 0]]


def test_micro_batches_no_windows_no_batch():
    assert list(micro_batches([], [], 8)) == []


def test_padded_rows_are_filled_with_the_padding_id():
    ids, mask = padded([[0, 7, 2], [0, 2]], padding_id=1)
    assert ids.tolist() == [[0, 7, 2], [0, 2, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]


def test_padded_token_equal_to_the_padding_id_is_not_masked():
    assert padded([[0, 1, 2]], padding_id=1)[1].tolist() == [[1, 1, 1]]
