"""Token vectors → one vector a window."""

import numpy as np
import pytest
import torch

from pipeline.config import Pooling
from pipeline.xmod.packed import Packer
from pipeline.xmod.pooling import POOLING

HIDDEN = torch.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 1.0], [2.0, 0.0], [4.0, 8.0]])


class Nothing:
    """A layout that pooling does not look at."""

    def layout(self, values: np.ndarray, device: torch.device) -> None:
        return None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(Pooling.MEAN, [[3.0, 3.0], [3.0, 4.0]]), (Pooling.CLS, [[1.0, 2.0], [2.0, 0.0]])],
)
def test_pooling_equals_the_value_by_hand(mode, expected):
    packer = Packer(Nothing(), Nothing(), padding_id=1, device=torch.device("cpu"))
    packed = packer([[0, 9, 2], [0, 2]], [0, 0])
    assert POOLING[mode](HIDDEN, packed).tolist() == expected


def test_pooling_every_mode_has_a_function():
    assert set(POOLING) == set(Pooling) - {Pooling.POOLER}  # which is a layer of the model
