import pytest

from benchmarks.engine import every, padding


def test_some_batches_are_spread_over_all():
    batches = [[number] for number in range(12)]
    assert every(batches, 3) == [[1], [5], [9]]
    assert every(batches, 50) == batches


def test_padding_counts_tokens_up_to_the_longest_of_a_batch():
    lengths = [1] * 32 + [3] * 32
    assert padding(lengths, range(64)) == 1
    mixed = [place for pair in zip(range(32), range(32, 64), strict=True) for place in pair]
    assert padding(lengths, mixed) == pytest.approx(64 * 3 / 128)
