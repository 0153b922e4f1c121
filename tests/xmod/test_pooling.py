"""Token vectors → one vector a window."""

import pytest
import torch

from pipeline.settings import Pooling
from pipeline.xmod.pooling import POOLING

HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [5.0, 1.0]], [[2.0, 0.0], [4.0, 8.0], [9.0, 9.0]]])
MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(Pooling.MEAN, [[3.0, 3.0], [3.0, 4.0]]), (Pooling.CLS, [[1.0, 2.0], [2.0, 0.0]])],
)
def test_pooling_equals_the_value_by_hand(mode, expected):
    assert POOLING[mode](HIDDEN, MASK).tolist() == expected


@pytest.mark.parametrize("mode", Pooling)
def test_pooling_padding_changes_nothing(mode):
    garbage = torch.full((2, 4, 2), 1e6)
    hidden = torch.cat([HIDDEN, garbage], 1)
    mask = torch.cat([MASK, torch.zeros(2, 4, dtype=torch.int64)], 1)
    assert torch.equal(POOLING[mode](hidden, mask), POOLING[mode](HIDDEN, MASK))


def test_pooling_every_mode_has_a_function():
    assert set(POOLING) == set(Pooling)
