"""How likely texts are to a model that reads from left to right."""

import numpy as np
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodForCausalLM

from pipeline.config import CausalLmSettings, ModelSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.causal_lm import CausalLmTask, likelihood
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


def settings(checkpoint: Checkpoint) -> CausalLmSettings:
    return CausalLmSettings(type="causal_lm", model=ModelSettings(path=str(checkpoint.folder)))


@torch.inference_mode()
def by_transformers(checkpoint: Checkpoint, ids: torch.Tensor, code: str) -> np.ndarray:
    """Log-probabilities of all ids but the first, given those before."""
    model = XmodForCausalLM.from_pretrained(checkpoint.folder).eval()
    model.set_default_language(code)
    logits = model(ids.unsqueeze(0)).logits[0, :-1].log_softmax(-1)
    return logits.gather(1, ids[1:].unsqueeze(1)).squeeze(1).numpy()


def test_causal_lm_equals_transformers(decoder):
    table = annotated(settings(decoder), decoder, SENTENCES, CODES)
    for text, code, row in zip(SENTENCES, CODES, table.to_pylist(), strict=True):
        ids = decoder.tokenizer(text, return_tensors="pt")["input_ids"][0]
        expected = by_transformers(decoder, ids, code)[:-1]  # without </s>
        assert row["log_likelihood"] == pytest.approx(expected.sum(), rel=1e-4)
        assert row["perplexity"] == pytest.approx(np.exp(-expected.mean()), rel=1e-4)


def test_causal_lm_guesses_what_windows_share_in_the_first(decoder):
    text, stride = " ".join(SENTENCES[:2] * 2), 9
    runtime = {"max_length": 40, "stride": stride}
    (row,) = annotated(settings(decoder), decoder, [text], runtime=runtime).to_pylist()
    windows = decoder.tokenizer(
        text, truncation=True, max_length=40, stride=stride, return_overflowing_tokens=True
    )["input_ids"]
    total = 0.0
    for number, ids in enumerate(windows):
        found = by_transformers(decoder, torch.tensor(ids), "en_XX")[:-1]
        total += found[stride if number else 0 :].sum()
    assert len(windows) > 2
    assert row["log_likelihood"] == pytest.approx(total, rel=1e-4)


def test_causal_lm_of_an_encoder_is_refused(masked):
    with pytest.raises(CheckpointError, match="is_decoder false"):
        CausalLmTask(settings(masked), masked)


def test_likelihood_is_the_sum_and_the_perplexity_of_the_mean():
    total, perplexity = likelihood(np.log(np.float32([0.5, 0.125])))
    assert total == pytest.approx(np.log(0.0625))
    assert perplexity == pytest.approx(4)


def test_likelihood_of_nothing_has_no_perplexity():
    assert likelihood(np.zeros(0, dtype=np.float32)) == (0.0, None)
