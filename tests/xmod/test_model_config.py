"""What is read of ``config.json``, and the encoder that it makes."""

import pytest

from pipeline.errors import CheckpointError
from pipeline.xmod.model_config import encoder_shapes, read_config
from pipeline.xmod.shapes import weight_shapes, without_prefix
from tests.xmod.test_checkpoint import change_config


def test_config_keys_that_are_no_xmods_have_no_effect(copied, ner_folder):
    change_config(copied, _name_or_path="../elsewhere", use_kernels=True, torch_dtype="int4", _x=1)
    assert read_config(copied).to_dict() == read_config(ner_folder).to_dict()


@pytest.mark.parametrize("labels", [10**12, -1, "many", 1e9])
def test_config_with_absurd_labels_is_refused(copied, labels):
    change_config(copied, num_labels=labels)
    with pytest.raises(CheckpointError, match="num_labels"):
        read_config(copied)


def test_encoder_shapes_are_those_of_the_weights(ner_folder):
    found = without_prefix(weight_shapes(ner_folder))
    expected = encoder_shapes(ner_folder, read_config(ner_folder))
    assert expected == {name: found[name] for name in expected}
    assert found.keys() - expected.keys() == {"classifier.weight", "classifier.bias"}
