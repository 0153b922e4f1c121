"""The matrix products of a layer, in the ways that machines have for them.

Enters: a linear layer, and the name of the activation after it. Leaves: a module that gives the
numbers of the two, int8 but for its rounding. What holds: a row's result does not depend on the
rows beside it; float32 weights stay where they are, shared with other processes where they are
mapped from a file.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

MakeProduct = Callable[[nn.Linear, str | None], nn.Module]
"""From a linear layer and the activation after it (transformers' ``ACT2FN``), None for none."""

_POST_OPERATIONS = {"gelu": ("gelu", "none"), "relu": ("relu", None), "tanh": ("tanh", None)}
"""Activations that oneDNN applies while a product is still in the cache, with its variant."""

_PIECE = 512
"""Rows whose sums stay in the cache until they are scaled."""

_LEAST = 1e-30
"""A row's largest value at least: a scale that is a subnormal number may count as 0."""


def product_maker(device: torch.device, dtype: torch.dtype, *, int8: bool) -> MakeProduct:
    """What is fastest where the model runs."""
    if int8:
        return Int8Product
    if device.type == "cpu" and dtype == torch.float32 and torch._C._has_mkldnn:
        return OneDnnProduct
    return TorchProduct


class TorchProduct(nn.Module):
    """torch's own: on a GPU, and on a CPU in half precision."""

    def __init__(self, linear: nn.Linear, activation: str | None) -> None:
        super().__init__()
        self._linear = linear
        self._activation = _activation(activation)

    def forward(self, hidden: Tensor) -> Tensor:
        """[rows, inputs] → [rows, outputs]."""
        product: Tensor = self._activation(self._linear(hidden))
        return product


class OneDnnProduct(nn.Module):
    """oneDNN's inner product with the activation in it, for float32 on a CPU.

    torch's linear layers go to MKL, which is slower here, most of all for few rows. oneDNN takes
    weights as they lie in the file.
    """

    def __init__(self, linear: nn.Linear, activation: str | None) -> None:
        super().__init__()
        self._linear = linear
        self._post_operation, self._variant = _POST_OPERATIONS.get(activation or "", ("none", None))
        fused = activation in _POST_OPERATIONS
        self._activation = _activation(None if fused else activation)

    def forward(self, hidden: Tensor) -> Tensor:
        """[rows, inputs] → [rows, outputs]."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            *(hidden, self._linear.weight, self._linear.bias),
            *(self._post_operation, [], self._variant),
        )
        return self._activation(product)


class Int8Product(nn.Module):
    """Integers of 8 bits on both sides: a scale for each output of the weights, and for each row.

    Scales of rows are found as they come, so that nothing has to be calibrated and a row with an
    outlier costs no other its digits (Dettmers et al., LLM.int8(), 2022, vector-wise
    quantisation). Sums are exact in 32 bits, so that results do not depend on how many rows there
    are.
    """

    def __init__(self, linear: nn.Linear, activation: str | None) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scales = _scales(weight)
        self.weight: Tensor
        self.register_buffer("weight", _rounded(weight, scales).t().contiguous())
        self.scales: Tensor
        self.register_buffer("scales", scales.squeeze(1))
        self.bias = linear.bias
        self._activation = _activation(activation)

    def forward(self, hidden: Tensor) -> Tensor:
        """[rows, inputs] → [rows, outputs], float32."""
        product = hidden.new_empty(len(hidden), len(self.scales))
        pieces = zip(torch.split(hidden, _PIECE), torch.split(product, _PIECE), strict=True)
        for rows, place in pieces:
            scales = _scales(rows)
            sums = torch._int_mm(_rounded(rows, scales), self.weight) * scales
            place.copy_(self._activation(torch.addcmul(self.bias, sums, self.scales)))
        return product


def _activation(name: str | None) -> Callable[[Tensor], Tensor]:
    activation: Callable[[Tensor], Tensor] = nn.Identity() if name is None else ACT2FN[name]
    return activation


def _scales(rows: Tensor) -> Tensor:
    """What 1 stands for in each of ``rows`` [rows, inputs], as [rows, 1]; never 0."""
    return rows.abs().amax(1, keepdim=True).clamp_(min=_LEAST).div_(127)


def _rounded(rows: Tensor, scales: Tensor) -> Tensor:
    return rows.div(scales).round_().to(torch.int8)
