"""The class of a checkpoint, by its head's weights."""

import pytest
import torch

from pipeline.errors import CheckpointError
from pipeline.training.importing.head import Claims, with_head
from pipeline.training.importing.weights import Weight

ENCODER = {"roberta.embeddings.word_embeddings.weight": (500, 32)}
POOLER = {"roberta.pooler.dense.weight": (32, 32)}
LANGUAGE = {"lm_head.bias": (500,), "lm_head.dense.weight": (32, 32)}
SEQUENCE = {"classifier.dense.weight": (32, 32), "classifier.out_proj.weight": (3, 32)}
TOKENS = {"classifier.weight": (7, 32), "classifier.bias": (7,)}
CHOICE = {"classifier.weight": (1, 32), "classifier.bias": (1,)}
ANSWERS = {"qa_outputs.weight": (2, 32)}


def headed(shapes: dict, wanted: str | None = None, said: tuple = (), decoder: bool = False):
    weights = {
        name: Weight(torch.float32, shape, lambda: torch.zeros(0))
        for name, shape in (ENCODER | shapes).items()
    }
    return with_head(weights, Claims("it", wanted, said, decoder))


@pytest.mark.parametrize(
    ("shapes", "said", "expected"),
    [
        ({}, (), "XmodModel"),
        (POOLER, (), "XmodModel"),
        (LANGUAGE, (), "XmodForMaskedLM"),
        (LANGUAGE, ("XmodForCausalLM",), "XmodForCausalLM"),
        (SEQUENCE, ("XmodForMaskedLM",), "XmodForSequenceClassification"),
        (TOKENS, (), "XmodForTokenClassification"),
        (CHOICE, (), "XmodForTokenClassification"),
        (CHOICE | POOLER, (), "XmodForMultipleChoice"),
        (CHOICE, ("XmodForMultipleChoice",), "XmodForMultipleChoice"),
        (ANSWERS, (), "XmodForQuestionAnswering"),
    ],
)
def test_class_is_that_of_the_weights(shapes, said, expected):
    found = headed(shapes, said=said)
    assert found.architecture == expected
    assert set(found.weights) == {*ENCODER, *shapes}
    assert bool(found.notes) == (bool(said) and expected not in said)


def test_decoder_without_a_class_is_causal():
    assert headed(LANGUAGE, decoder=True).architecture == "XmodForCausalLM"


def test_several_heads_are_refused_until_one_is_chosen():
    with pytest.raises(CheckpointError, match=r"several heads: of XmodForMaskedLM.*Sequence"):
        headed(LANGUAGE | SEQUENCE)
    found = headed(LANGUAGE | SEQUENCE, "XmodForSequenceClassification")
    assert set(found.weights) == {*ENCODER, *SEQUENCE}
    assert "lm_head.bias" in found.notes[0]


def test_weights_of_no_class_are_named_and_refused():
    with pytest.raises(CheckpointError, match=r"no X-MOD class: mlp\.dense\.weight\. Give --arch"):
        headed({"mlp.dense.weight": (32, 32)})
    assert set(headed({"mlp.dense.weight": (32, 32)}, "XmodModel").weights) == set(ENCODER)


def test_late_interaction_is_refused_as_such():
    with pytest.raises(CheckpointError, match=r"late interaction \(ColBERT\)"):
        headed({"linear.weight": (128, 32)}, said=("HF_ColBERT",))


def test_class_without_its_head_is_refused():
    with pytest.raises(CheckpointError, match="no head of XmodForTokenClassification"):
        headed(LANGUAGE, "XmodForTokenClassification")
