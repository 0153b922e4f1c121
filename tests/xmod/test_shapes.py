"""Names and shapes of weights."""

import pytest
from safetensors.torch import load_file, save_file

from pipeline.errors import CheckpointError
from pipeline.xmod.shapes import adapters_of, weight_shapes
from tests.helpers.checkpoints import LANGUAGES


def test_weight_shapes_are_those_of_the_file(ner_folder):
    weights = load_file(ner_folder / "model.safetensors")
    assert weight_shapes(ner_folder) == {name: tuple(one.shape) for name, one in weights.items()}


def test_adapters_are_those_that_have_a_weight(copied):
    weights = load_file(copied / "model.safetensors")
    save_file(
        {n: w for n, w in weights.items() if ".th_TH." not in n}, copied / "model.safetensors"
    )
    assert adapters_of(copied) == tuple(sorted(set(LANGUAGES) - {"th_TH"}))


def test_weights_that_are_no_floating_point_numbers_are_refused(copied):
    weights = {name: one.char() for name, one in load_file(copied / "model.safetensors").items()}
    save_file(weights, copied / "model.safetensors")
    with pytest.raises(CheckpointError, match="weights of type I8"):
        weight_shapes(copied)
