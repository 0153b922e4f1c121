"""How fast the matrix products of X-MOD base's forward can go on this machine.

Enters: lengths of windows, and lanes. Leaves: a side for the clock that does the products of the
linear layers of one layer, and for how many tokens' whole forward its time would be enough. What
holds: weights are packed and stay in the cache, which is better than any forward can have it; lanes
do not wait for each other.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.base.checkpoint import base_config
from pipeline.xmod.lanes import Lanes

_ROWS = 1024
"""As fast as any number of rows that was tried."""


class ProductsAlone:
    """A call does the products of one layer for ``_ROWS`` tokens, ``_REPEATS`` times a lane.

    ``tokens`` are those whose forward has as many multiplications, attention's at ``lengths``
    included.
    """

    _REPEATS = 16

    def __init__(self, lengths: NDArray[np.int64], lanes: Lanes) -> None:
        config = base_config()
        hidden, inner = config.hidden_size, config.intermediate_size
        adapter = hidden // config.adapter_reduction_factor
        shapes = [(hidden, hidden)] * 4 + [(hidden, inner), (inner, hidden)]
        shapes += [(hidden, adapter), (adapter, hidden)]
        self._products = [_product(inputs, outputs) for inputs, outputs in shapes]
        linear = sum(inputs * outputs for inputs, outputs in shapes)
        # A token's query meets all keys of its window, and its weights all values.
        attention = 2 * hidden * float((lengths**2).sum() / lengths.sum())
        self._lanes = lanes
        done = lanes.number * self._REPEATS * _ROWS * linear
        self.tokens = done / ((linear + attention) * config.num_hidden_layers)

    def __call__(self) -> None:
        """The products in each lane."""
        list(self._lanes.map(self._layers, range(self._lanes.number)))

    @torch.inference_mode()
    def _layers(self, lane: int) -> None:
        for _ in range(self._REPEATS):
            for rows, weight, bias in self._products:
                torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], None)


def _product(inputs: int, outputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    weight = torch.randn(outputs, inputs)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
    return torch.randn(_ROWS, inputs), packed, torch.randn(outputs)
