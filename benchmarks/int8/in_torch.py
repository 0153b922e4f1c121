"""The layer in torch: float32, bfloat16, and 8-bit integers in several ways.

Enters: linear layers. Leaves: a callable from hidden states to the layer's outputs, all float32.
What holds: weights are scaled by output; inputs as they come, by row or, in torch.ao, by tensor.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.ao import quantization

from benchmarks.int8.layer import Layer, Linears
from pipeline.xmod.products import MakeProduct, product_maker


def float32(linears: Linears) -> Layer:
    """Linear layers as they are in torch, which is MKL."""
    return Layer(linears, _plain)


def float32_onednn(linears: Linears) -> Layer:
    """The pipeline's: oneDNN's inner product, with GELU in it."""
    return Layer(linears, _of_pipeline(int8=False))


def bfloat16(linears: Linears) -> nn.Module:
    """Linear layers as they are in torch, in bfloat16."""
    return _InBfloat16(Layer(linears, _plain))


def int8_own(linears: Linears) -> Layer:
    """The pipeline's."""
    return Layer(linears, _of_pipeline(int8=True))


def int8_torch(linears: Linears, engine: str) -> nn.Module:
    """Dynamic quantization by torch.ao with ``engine``: x86, fbgemm or onednn."""
    # The engine is read while weights are packed; what is packed keeps it.
    torch.backends.quantized.engine = engine
    how = {nn.Linear: quantization.per_channel_dynamic_qconfig}
    layer: nn.Module = quantization.quantize_dynamic(float32(linears), how)
    return layer


def int8_torchao(linears: Linears) -> nn.Module:
    """Dynamic quantization by torchao, with a scale for each row."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, PerRow, quantize_

    layer = deepcopy(float32(linears))
    quantize_(layer, Int8DynamicActivationInt8WeightConfig(granularity=PerRow()))
    return layer


def compiled(layer: nn.Module) -> nn.Module:
    """``layer`` through inductor, for any number of tokens; needs a C++ compiler."""
    layer.compile(dynamic=True)
    return layer


def _of_pipeline(*, int8: bool) -> MakeProduct:
    return product_maker(torch.device("cpu"), torch.float32, int8=int8)


def _plain(linear: nn.Linear, activation: str | None) -> nn.Module:
    return nn.Sequential(linear, nn.GELU() if activation else nn.Identity())


class _InBfloat16(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self._layer = deepcopy(layer).bfloat16()

    def forward(self, hidden: Tensor) -> tuple[Tensor, ...]:
        return tuple(one.float() for one in self._layer(hidden.bfloat16()))
