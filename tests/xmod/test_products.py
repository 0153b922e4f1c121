"""Matrix products: what a linear layer and its activation give, row by row."""

import pytest
import torch
from torch import nn
from transformers.activations import ACT2FN

from pipeline.xmod.products import Int8Product, OneDnnProduct, product_maker, torch_product

CPU = torch.device("cpu")


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(48, 40).eval()


@pytest.fixture
def hidden() -> torch.Tensor:
    """Rows of any scale, one of them all zeros, and a dimension with outliers."""
    rows = torch.randn(9, 48, generator=torch.Generator().manual_seed(1))
    rows[:, 7] *= 30
    return rows * torch.tensor([1e-3, 1, 1, 50, 1, 0, 1, 1, 1e4]).unsqueeze(1)


@torch.inference_mode()
@pytest.mark.parametrize("activation", [None, "gelu", "relu", "tanh", "gelu_new", "silu"])
@pytest.mark.parametrize("product", [torch_product, OneDnnProduct])
def test_product_equals_the_layer_and_its_activation(product, activation, linear, hidden):
    wanted = linear(hidden) if activation is None else ACT2FN[activation](linear(hidden))
    torch.testing.assert_close(product(linear, activation)(hidden), wanted, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("activation", [None, "gelu"])
def test_int8_product_is_within_its_rounding(activation, linear, hidden):
    found = Int8Product(linear, activation)(hidden)
    exact = Int8Product(linear, None)(hidden)
    # Each factor is off by half a step at most: of its row's largest value, 127 steps.
    steps = hidden.abs().amax(1, keepdim=True) / 127
    weights = linear.weight.abs().amax(1) / 127
    bound = (
        0.5 * (steps * linear.weight.abs().sum(1) + weights * hidden.abs().sum(1, keepdim=True))
        + 0.25 * steps * weights * hidden.shape[1]
    )
    assert ((exact - linear(hidden)).abs() <= bound + 1e-4).all()
    wanted = exact if activation is None else ACT2FN[activation](exact)
    assert torch.equal(found, wanted)


@torch.inference_mode()
def test_int8_product_zeros_give_the_bias_also_where_subnormal_numbers_count_as_zero(linear):
    torch.set_flush_denormal(True)
    try:
        found = Int8Product(linear, None)(torch.zeros(2, 48))
    finally:
        torch.set_flush_denormal(False)
    assert torch.equal(found, linear.bias.expand(2, -1))


@torch.inference_mode()
def test_int8_product_row_does_not_depend_on_its_neighbours(linear, hidden):
    product = Int8Product(linear, "gelu")
    alone = torch.cat([product(row.unsqueeze(0)) for row in hidden])
    assert torch.equal(product(hidden), alone)


def test_int8_product_holds_a_byte_a_weight(linear):
    buffers = dict(Int8Product(linear, None).named_buffers())
    assert buffers["weight"].dtype == torch.int8
    assert sum(buffer.numel() for buffer in buffers.values()) == 40 * 48 + 40


@pytest.mark.parametrize(
    ("device", "dtype", "int8", "expected"),
    [
        ("cpu", torch.float32, False, OneDnnProduct),
        ("cpu", torch.float32, True, Int8Product),
        ("cpu", torch.bfloat16, False, torch_product),
        ("cuda", torch.float32, False, torch_product),
        ("cuda", torch.bfloat16, False, torch_product),
    ],
)
def test_product_maker_device_and_type_have_their_product(device, dtype, int8, expected):
    assert product_maker(torch.device(device), dtype, int8=int8) is expected


def test_onednn_product_leaves_weights_where_they_are(linear):
    product = OneDnnProduct(linear, "gelu")
    assert [p.data_ptr() for p in product.parameters()] == [
        p.data_ptr() for p in linear.parameters()
    ]
