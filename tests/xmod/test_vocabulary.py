"""Probabilities over a vocabulary, a few places at a time."""

import torch

from pipeline.xmod.vocabulary import log_probabilities, most_probable

HEAD = torch.nn.Linear(4, 50)
HIDDEN = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
TOKENS = torch.arange(300) % 50


@torch.inference_mode()
def test_log_probabilities_are_those_of_the_whole_at_once():
    whole = HEAD(HIDDEN).log_softmax(-1).gather(1, TOKENS.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(log_probabilities(HEAD, HIDDEN, TOKENS), whole)


@torch.inference_mode()
def test_log_probabilities_of_no_place_are_none():
    assert log_probabilities(HEAD, HIDDEN[:0], TOKENS[:0]).shape == (0,)


@torch.inference_mode()
def test_most_probable_are_those_of_the_whole_at_once():
    tokens, probabilities = most_probable(HEAD, HIDDEN, 3)
    whole = HEAD(HIDDEN).softmax(-1).topk(3)
    assert torch.equal(tokens, whole.indices)
    torch.testing.assert_close(probabilities, whole.values)
