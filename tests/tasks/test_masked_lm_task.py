"""How likely texts are to a masked language model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodForMaskedLM

from pipeline.config import MaskedLmSettings, ModelSettings
from pipeline.errors import CheckpointError
from pipeline.tasks.masked_lm import MaskedLmTask
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES, open_folder
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


def settings(checkpoint: Checkpoint, passes: int) -> MaskedLmSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return MaskedLmSettings(type="masked_lm", model=model, passes=passes)


@torch.inference_mode()
def one_by_one(checkpoint: Checkpoint, text: str, code: str) -> np.ndarray:
    """Log-probabilities of the tokens of ``text``, each masked alone, by plain transformers."""
    model = XmodForMaskedLM.from_pretrained(checkpoint.folder).eval()
    model.set_default_language(code)
    ids = checkpoint.tokenizer(text, return_tensors="pt")["input_ids"][0]
    found = []
    for place in range(1, len(ids) - 1):
        masked = ids.clone()
        masked[place] = checkpoint.tokenizer.mask_token_id
        logits = model(masked.unsqueeze(0)).logits[0, place]
        found.append(float(logits.log_softmax(-1)[ids[place]]))
    return np.array(found)


def test_masked_lm_with_a_pass_for_each_token_is_the_pseudo_likelihood(masked):
    table = annotated(settings(masked, 500), masked, SENTENCES, CODES)
    for text, code, row in zip(SENTENCES, CODES, table.to_pylist(), strict=True):
        expected = one_by_one(masked, text, code)
        assert row["pseudo_log_likelihood"] == pytest.approx(expected.sum(), rel=1e-4)
        assert row["pseudo_perplexity"] == pytest.approx(np.exp(-expected.mean()), rel=1e-4)


@torch.inference_mode()
def test_masked_lm_of_few_passes_masks_each_token_once_with_others(masked):
    text, passes = SENTENCES[0], 3
    model = XmodForMaskedLM.from_pretrained(masked.folder).eval()
    ids = masked.tokenizer(text, return_tensors="pt")["input_ids"][0]
    total = 0.0
    for first in range(passes):
        places = torch.arange(1 + first, len(ids) - 1, passes)
        hidden = ids.index_fill(0, places, masked.tokenizer.mask_token_id)
        logits = model(hidden.unsqueeze(0)).logits[0, places].log_softmax(-1)
        total += float(logits.gather(1, ids[places].unsqueeze(1)).sum())
    (row,) = annotated(settings(masked, passes), masked, [text]).to_pylist()
    assert row["pseudo_log_likelihood"] == pytest.approx(total, rel=1e-4)


def test_masked_lm_of_a_text_without_tokens_has_no_perplexity(masked):
    (row,) = annotated(settings(masked, 8), masked, [""]).to_pylist()
    assert (row["pseudo_log_likelihood"], row["pseudo_perplexity"]) == (0.0, None)


def test_masked_lm_counts_each_token_of_a_long_text_once(masked):
    long = " ".join(SENTENCES[:2] * 4)
    table = annotated(settings(masked, 4), masked, [long], runtime={"max_length": 40})
    (row,) = table.to_pylist()
    assert row["n_windows"] > 2
    mean = row["pseudo_log_likelihood"] / row["n_tokens"]
    assert row["pseudo_perplexity"] == pytest.approx(np.exp(-mean), rel=1e-4)


def test_masked_lm_of_a_tokenizer_without_a_mask_is_refused(masked, tmp_path: Path):
    copied = shutil.copytree(masked.folder, tmp_path / "maskless")
    config = json.loads((copied / "tokenizer_config.json").read_text())
    del config["mask_token"]
    (copied / "tokenizer_config.json").write_text(json.dumps(config))
    without = open_folder(copied)
    with pytest.raises(CheckpointError, match="tokenizer without a mask token"):
        MaskedLmTask(settings(without, 8), without)
