"""A linear layer and the activation after it, as one module: the fastest that a machine has.

A row's result does not depend on the rows beside it. Float32 weights are not copied, so that
processes share those that are mapped from a file.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

from pipeline.xmod.mapped import Conversion, cast

MakeProduct = Callable[[nn.Linear, str | None], nn.Module]
"""From a linear layer and its activation's name in transformers' ``ACT2FN``, or None."""

_POST_OPERATIONS = {"gelu": ("gelu", "none"), "relu": ("relu", None), "tanh": ("tanh", None)}
"""Activation → oneDNN's post-operation, which runs in the cache, and its variant."""

_PIECE = 512
"""Rows whose integer sums stay in the cache until they are scaled."""

_LEAST = 1e-30
"""Lower bound of a row's largest value: a subnormal scale may count as 0."""


def product_maker(device: torch.device, dtype: torch.dtype, *, int8: bool) -> MakeProduct:
    """The fastest kind for ``device`` and ``dtype``, as measured in ``benchmarks/``."""
    if int8:
        return Int8Product
    if device.type == "cpu" and dtype == torch.float32 and torch._C._has_mkldnn:
        return OneDnnProduct
    return torch_product


def converting(make: MakeProduct, conversion: Conversion) -> MakeProduct:
    """``make`` for a product that keeps none of the file's weights, whose pages are given back."""

    def converted(linear: nn.Linear, activation: str | None) -> nn.Module:
        product = make(cast(linear, conversion.dtype), activation)
        conversion.pages.release(linear.weight)
        return product

    return converted


def torch_product(linear: nn.Linear, activation: str | None) -> nn.Module:
    """The linear layer as it is: for a GPU, and for half precision on a CPU."""
    return nn.Sequential(linear, _activation(activation))


class OneDnnProduct(nn.Module):
    """oneDNN's inner product, fused with the activation: for float32 on a CPU.

    torch's linear layers use MKL, which is slower here, above all for few rows. oneDNN takes the
    weights in the layout of the file.
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
        activated: Tensor = self._activation(product)
        return activated


class Int8Product(nn.Module):
    """8-bit integers on both sides, with a scale for each output of the weights and each row.

    This is vector-wise quantization (Dettmers et al., LLM.int8(), 2022). The scales of rows are
    computed as the rows come: nothing is calibrated, and an outlier costs no other row precision.
    Sums are exact in 32 bits, so that results do not depend on the number of rows.
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


def _activation(name: str | None) -> nn.Module:
    activation: nn.Module = nn.Identity() if name is None else ACT2FN[name]
    return activation


def _scales(rows: Tensor) -> Tensor:
    """The value of one integer step in each of ``rows`` [rows, inputs]: [rows, 1], never 0."""
    return rows.abs().amax(1, keepdim=True).clamp_(min=_LEAST).div_(127)


def _rounded(rows: Tensor, scales: Tensor) -> Tensor:
    return rows.div(scales).round_().to(torch.int8)
