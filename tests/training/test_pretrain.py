"""Pre-training's own parts; what comes of them is in test_finetune.py."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM, XmodForMaskedLM

from pipeline.errors import CheckpointError
from pipeline.training import pretrain as pretraining
from pipeline.training.learning import alone
from pipeline.xmod.files import INDEX, WEIGHTS
from tests.helpers.training_configs import NEW_MODEL, pretrain_config

LANGUAGES = ["en_XX", "de_DE", "zh_CN"]


def test_pretrain_goes_on_with_more_languages_and_keeps_the_adapters_of_those_it_had(
    corpora, base, tmp_path
):
    """One step at a rate that changes nothing to speak of: what is left is where it started."""
    config = pretrain_config(
        corpora, tmp_path / "more", start=base, languages=["zh_CN", "en_XX"], max_steps=1
    )
    slow = config.optimisation.model_copy(update={"learning_rate": 1e-9})
    pretraining.pretrain(config.model_copy(update={"optimisation": slow}), alone)
    before, after = (load_file(one / WEIGHTS) for one in (base, tmp_path / "more"))
    adapters = {name for name in after if ".adapter_modules." in name}
    assert adapters == {
        name for name in before if ".adapter_modules." in name and ".de_DE." not in name
    }
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in adapters)


def test_pretrain_a_language_that_the_start_has_by_another_tag_keeps_its_adapter(
    corpora, base, tmp_path
):
    config = pretrain_config(
        corpora, tmp_path / "more", start=base, languages=["de", "zh_CN"], max_steps=1
    )
    pretraining.pretrain(config, alone)
    after = XmodForMaskedLM.from_pretrained(tmp_path / "more")
    assert after.config.languages == ["de_DE", "zh_CN"]


def test_pretrain_from_xlm_r_keeps_its_weights_and_adds_adapters(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
        type_vocab_size=1,
    )
    xlm_r = XLMRobertaForMaskedLM(config)
    xlm_r.save_pretrained(tmp_path / "xlm_r")
    tokenizer.save_pretrained(tmp_path / "xlm_r")
    wanted = pretrain_config(corpora, tmp_path / "out", start=tmp_path / "xlm_r", max_steps=1)
    slow = wanted.optimisation.model_copy(update={"learning_rate": 1e-9})
    pretraining.pretrain(wanted.model_copy(update={"optimisation": slow}), alone)
    model = XmodForMaskedLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    query = "roberta.encoder.layer.1.attention.self.query.weight"
    torch.testing.assert_close(
        model.state_dict()[query], xlm_r.state_dict()[query], atol=1e-6, rtol=0
    )
    assert set(model.roberta.encoder.layer[0].output.adapter_modules) == set(LANGUAGES)


def test_pretrain_from_another_kind_of_model_is_refused(corpora, base, tmp_path):
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert", "languages": []}')
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "bert")
    config = pretrain_config(corpora, tmp_path, start=tmp_path / "bert")
    with pytest.raises(CheckpointError, match="type 'bert'; expected 'xmod' or 'xlm-roberta'"):
        pretraining.pretrain(config, alone)


def test_pretrain_start_with_a_shape_that_would_not_be_used_is_refused(corpora, base, tmp_path):
    with pytest.raises(ValueError, match="vocabulary and architecture would not be used"):
        pretrain_config(corpora, tmp_path, start=base, **NEW_MODEL)


def test_start_whose_index_names_a_file_elsewhere_is_refused(corpora, base, tmp_path):
    start = shutil.copytree(base, tmp_path / "start")
    names = dict.fromkeys(load_file(start / WEIGHTS), "../elsewhere/w.bin")
    (start / WEIGHTS).unlink()
    (start / INDEX).write_text(json.dumps({"weight_map": names}))
    config = pretrain_config(corpora, tmp_path / "out", start=start)
    with pytest.raises(CheckpointError, match="expected names of"):
        pretraining.pretrain(config, alone)
