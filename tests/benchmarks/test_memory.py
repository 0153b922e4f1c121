"""Actors over the demonstration model, and what is made of them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness import surroundings
from benchmarks.memory import ALL, FEW, Order, pair_of, record, start_of
from benchmarks.xmod_base import Windows

NER = Path("demo/model/ner")
WINDOWS = Windows([np.array([0, 5, 6, 2])] * 4, [0] * 4)


@pytest.mark.long
def test_second_actor_adds_less_than_the_first_has_and_each_holds_its_model():
    alone, both = pair_of(NER, Order(2), WINDOWS)
    assert 0 < alone < both < 2 * alone
    start = start_of(NER, Order(2), WINDOWS)
    assert min(start.seconds, start.first_unit, start.resident) > 0
    assert start.peak > start.resident


def test_record_compares_with_the_whole_model_of_the_same_round():
    starts = {FEW: [(0.2, 300.0), (0.3, 600.0)], ALL: [(2.0, 1000.0), (2.0, 2000.0)]}
    made = record(surroundings(), 4000, 99, {ALL: (5000.0, 5400.0)}, starts)
    assert [round(one.value.median, 2) for one in made.figures] == [10.0, 30.0, 0.25]
    assert made.figures[1].value.low == made.figures[1].value.high
