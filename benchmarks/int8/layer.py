"""The matrix products of one X-MOD base layer, and what goes into them.

Enters: a seed. Leaves: linear layers, and hidden states. What holds: products are chained as in the
model where one feeds the next, without attention, residuals and norms, so that only products are
timed; a few columns of the hidden states are outliers, as in XLM-R.

X-MOD base is XLM-R base with an adapter after each layer, half as wide as the layer (Pfeiffer et
al., NAACL 2022).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from pipeline.xmod.products import MakeProduct

HIDDEN = 768


class Shape(NamedTuple):
    """Of a product: how wide it is, and whether GELU follows."""

    inputs: int
    outputs: int
    gelu: bool = False


PRODUCTS = {
    "query": Shape(HIDDEN, HIDDEN),
    "key": Shape(HIDDEN, HIDDEN),
    "value": Shape(HIDDEN, HIDDEN),
    "projection": Shape(HIDDEN, HIDDEN),
    "up": Shape(HIDDEN, 3072, gelu=True),
    "down": Shape(3072, HIDDEN),
    "adapter_down": Shape(HIDDEN, 384, gelu=True),
    "adapter_up": Shape(384, HIDDEN),
}

OUTPUTS = ("query", "key", "projection", "down", "adapter_up")
"""The products whose results leave the layer, in this order."""

GIGAFLOP_A_TOKEN = 2e-9 * sum(shape.inputs * shape.outputs for shape in PRODUCTS.values())

Linears = Mapping[str, nn.Linear]
T = TypeVar("T")

_WEIGHT, _BIAS = 0.04, 0.1
"""Standard deviations, about XLM-R's."""
_OUTLIERS = {77: 20.0, 217: 30.0, 453: 40.0, 588: 50.0}
"""Columns, and how many times as large they are as the others."""


def linears(seed: int = 0) -> Linears:
    """The products' weights, float32."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for name, shape in PRODUCTS.items():
        linear = nn.utils.skip_init(nn.Linear, shape.inputs, shape.outputs)
        nn.init.normal_(linear.weight, std=_WEIGHT, generator=generator)
        nn.init.normal_(linear.bias, std=_BIAS, generator=generator)
        made[name] = linear.requires_grad_(False)
    return made


def hidden_states(tokens: int, seed: int = 1) -> Tensor:
    """[tokens, HIDDEN]; rows differ in size, and the columns of ``_OUTLIERS`` are larger."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(tokens, HIDDEN, generator=generator)
    hidden *= torch.exp(0.3 * torch.randn(tokens, 1, generator=generator))
    hidden[:, list(_OUTLIERS)] *= torch.tensor(list(_OUTLIERS.values()))
    return hidden


def chained(product: Callable[[str, T], T], hidden: T) -> tuple[T, ...]:
    """``OUTPUTS``, from ``product(name, input)`` of tensors or of nodes of a graph."""
    return (
        product("query", hidden),
        product("key", hidden),
        product("projection", product("value", hidden)),
        product("down", product("up", hidden)),
        product("adapter_up", product("adapter_down", hidden)),
    )


class Layer(nn.Module):
    """All products as ``make`` makes them."""

    def __init__(self, linears: Linears, make: MakeProduct) -> None:
        super().__init__()
        self.products = nn.ModuleDict(
            {name: make(own, _activation(name)) for name, own in linears.items()}
        )

    def forward(self, hidden: Tensor) -> tuple[Tensor, ...]:
        """[tokens, HIDDEN] → ``OUTPUTS``, [tokens, HIDDEN] each."""
        return chained(lambda name, own: self.products[name](own), hidden)


def _activation(name: str) -> str | None:
    return "gelu" if PRODUCTS[name].gelu else None
