import pytest
import torch

from benchmarks.int8.checks import checks
from benchmarks.int8.layer import HIDDEN, OUTPUTS, hidden_states, linears
from benchmarks.int8.sides import BASE, OWN, SIDES, Side

ROWS = 24


@pytest.mark.parametrize("name", [OWN, "fp32 oneDNN", "bf16 torch"])
def test_side_gives_what_float32_does_and_its_rows_stand_alone(name: str):
    weights = linears()
    base, side = (SIDES[one].make(weights, 1) for one in (BASE, name))
    found = checks(side, base, hidden_states(ROWS))
    assert found.cosine > 0.998
    assert found.stands_alone
    assert [one.shape for one in side(hidden_states(ROWS))] == [(ROWS, HIDDEN)] * len(OUTPUTS)


def test_side_with_one_scale_for_all_rows_does_not_stand_alone():
    def by_tensor(hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scale = hidden.abs().max() / 127
        return (hidden.div(scale).round() * scale,)

    found = checks(by_tensor, lambda hidden: (hidden,), hidden_states(ROWS))
    assert not found.stands_alone


def test_side_without_its_packages_says_what_to_install():
    side = Side(SIDES[OWN].make, ("torch", "no_such_package"))
    assert side.lacks() == "pip install no_such_package"
    assert SIDES[OWN].lacks() is None
