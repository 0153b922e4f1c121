"""Which examples make a batch, and their order."""

from collections import Counter
from itertools import chain, islice

import numpy as np

from pipeline.training.batches import EpochBatches, SmoothedBatches


def smoothed(languages, lengths=None):
    pairs = zip(languages, lengths or [5] * len(languages), strict=True)
    examples = [{"lang_id": language, "input_ids": [0] * length} for language, length in pairs]
    return SmoothedBatches(examples, batch_size=4, count=5000, smoothing=0.5, seed=(1,))


def first(batches, count):
    return list(islice(batches, count))


def test_smoothed_batches_mix_languages():
    batches = first(smoothed([0] * 30 + [1] * 30), 50)
    mixed = sum(len({index >= 30 for index in batch}) == 2 for batch in batches)
    assert mixed > 30


def test_smoothed_batches_small_language_is_drawn_above_its_share():
    drawn = Counter(chain(*first(smoothed([0] * 90 + [1] * 10), 4000)))
    small = sum(drawn[index] for index in range(90, 100)) / 16_000
    assert abs(small - 0.25) < 0.03  # sqrt(10) / (sqrt(90) + sqrt(10))


def test_smoothed_batches_all_examples_are_seen_before_one_repeats():
    seen = Counter(chain(*first(smoothed([0] * 64), 16)))  # one pool
    assert seen == Counter(range(64))


def test_smoothed_batches_hold_neighbours_in_length():
    lengths = np.random.default_rng(0).permutation(64).tolist()
    for batch in first(smoothed([0] * 64, lengths), 16):
        values = sorted(lengths[index] for index in batch)
        assert values == list(range(values[0], values[0] + 4))


def test_smoothed_batches_same_seed_same_order():
    assert first(smoothed([0, 1] * 20), 40) == first(smoothed([0, 1] * 20), 40)


def test_epoch_batches_every_example_once():
    batches = EpochBatches([3, 9, 4, 1, 5, 9, 2], batch_size=2, seed=(5,))
    seen = list(batches)
    assert sorted(chain(*seen)) == list(range(7))
    assert len(seen) == len(batches) == 4


def test_epoch_batches_order_changes_with_the_epoch():
    batches = EpochBatches([5] * 40, batch_size=4, seed=(5,))
    first = list(batches)
    batches.set_epoch(1)
    assert first != list(batches)
    batches.set_epoch(0)
    assert first == list(batches)
