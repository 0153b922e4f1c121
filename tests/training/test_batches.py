"""The order of examples in training."""

from collections import Counter
from itertools import chain

from pipeline.training.batches import EpochLanguageBatches, MixedBatches, SmoothedLanguageBatches


def smoothed(languages, **changes):
    settings = {"batch_size": 4, "batches": 300, "smoothing": 0.5, "seed": 1}
    return SmoothedLanguageBatches(languages, **(settings | changes))


def test_smoothed_batches_hold_one_language():
    languages = [0] * 30 + [1] * 5
    assert all(len({languages[i] for i in batch}) == 1 for batch in smoothed(languages))


def test_smoothed_batches_small_language_is_drawn_above_its_share():
    languages = [0] * 90 + [1] * 10
    drawn = Counter(languages[batch[0]] for batch in smoothed(languages, batches=4000))
    assert abs(drawn[1] / 4000 - 0.25) < 0.03  # sqrt(10) / (sqrt(90) + sqrt(10))


def test_smoothed_batches_all_examples_are_seen_before_one_repeats():
    batches = list(smoothed([0] * 12, batches=3))
    assert sorted(chain(*batches)) == list(range(12))


def test_smoothed_batches_same_seed_same_order():
    assert list(smoothed([0, 1] * 20)) == list(smoothed([0, 1] * 20))


def test_epoch_batches_every_example_once():
    languages, lengths = [0, 1, 1, 0, 1, 0, 1], [3, 9, 4, 1, 5, 9, 2]
    batches = EpochLanguageBatches(languages, lengths, batch_size=2, seed=5)
    seen = list(batches)
    assert sorted(chain(*seen)) == list(range(7))
    assert len(seen) == len(batches) == 4
    assert all(len({languages[i] for i in batch}) == 1 for batch in seen)


def test_epoch_batches_order_changes_with_the_epoch():
    batches = EpochLanguageBatches([0] * 40, [5] * 40, batch_size=4, seed=5)
    assert list(batches) != list(batches)


def test_mixed_batches_second_kind_has_its_share_and_its_offset():
    first, second = smoothed([0] * 20, batches=2000), smoothed([0] * 8, batches=2000)
    batches = list(MixedBatches(first, second, share=0.25, offset=20, seed=2))
    kinds = [{index >= 20 for index in batch} for batch in batches]
    assert len(batches) == 2000
    assert all(len(kind) == 1 for kind in kinds)
    assert max(chain(*batches)) == 27
    assert abs(sum(kind == {True} for kind in kinds) / 2000 - 0.25) < 0.03
