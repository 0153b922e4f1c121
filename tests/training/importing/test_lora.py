"""LoRA adapters merged into their base, against the formula as PEFT applies it in a forward."""

import json

import pytest
import torch
from transformers import XmodForMaskedLM, XmodForTokenClassification

from pipeline.errors import CheckpointError
from tests.helpers import origins
from tests.helpers.checkpoints import tiny_model
from tests.training.importing.test_importing import imported, loaded, outputs

QUERY = "roberta.encoder.layer.0.attention.self.query"
VALUE = "roberta.encoder.layer.1.attention.self.value"
ADAPTER = "roberta.encoder.layer.1.output.adapter_modules.de_DE.dense1"


@pytest.mark.parametrize(
    ("config", "ranks", "scales"),
    [
        ({"r": 4, "lora_alpha": 8}, {QUERY: 4, VALUE: 4}, {QUERY: 2, VALUE: 2}),
        ({"r": 4, "use_rslora": True}, {QUERY: 4, ADAPTER: 4}, {QUERY: 4, ADAPTER: 4}),
        (
            {"rank_pattern": {"value": 2}, "alpha_pattern": {"layer.0.attention.self.query": 3}},
            {QUERY: 4, VALUE: 2},
            {QUERY: 3 / 4, VALUE: 4},
        ),
        ({"fan_in_fan_out": True}, {VALUE: 4}, {VALUE: 2}),
    ],
    ids=["plain", "rslora", "patterns", "fan_in_fan_out"],
)
def test_merged_adapter_gives_what_the_unmerged_one_gives(tmp_path, config, ranks, scales):
    base = origins.xmod_base(tmp_path / "base")
    adapter = tmp_path / "adapter"
    named = {"base_model_name_or_path": str(tmp_path / "base"), **config}
    weights = origins.lora_adapter(base, adapter, named, ranks)
    imported(adapter, tmp_path / "out")
    for module, scale in scales.items():
        a, b = (weights[f"base_model.model.{module}.lora_{side}.weight"] for side in "AB")
        base.get_submodule(module).register_forward_hook(
            lambda _, inputs, output, a=a, b=b, scale=scale: output + inputs[0] @ a.T @ b.T * scale
        )
    merged = loaded(tmp_path / "out", "XmodForMaskedLM")
    assert torch.allclose(outputs(base), outputs(merged), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(outputs(tiny_model(XmodForMaskedLM)), outputs(merged), atol=1e-3)


def test_adapter_of_embeddings_leaves_the_decoder_that_shares_them(tmp_path):
    base = origins.xmod_base(tmp_path / "base")
    module = "base_model.model.roberta.embeddings.word_embeddings"
    a, b = torch.randn(4, 500), torch.randn(32, 4)
    origins.write_adapter(
        tmp_path / "adapter",
        {"base_model_name_or_path": str(tmp_path / "base")},
        {f"{module}.lora_embedding_A": a, f"{module}.lora_embedding_B": b},
    )
    imported(tmp_path / "adapter", tmp_path / "out")
    merged = loaded(tmp_path / "out", "XmodForMaskedLM")
    embeddings = base.roberta.embeddings.word_embeddings.weight
    found = merged.roberta.embeddings.word_embeddings.weight
    assert torch.allclose(found, embeddings + 2 * (b @ a).T, atol=1e-5)
    assert torch.equal(merged.lm_head.decoder.weight, embeddings)


def test_head_that_was_trained_beside_the_adapter_replaces_that_of_the_base(tmp_path):
    origins.xmod_base(tmp_path / "base")
    weights = {
        "base_model.model.classifier.weight": torch.randn(3, 32),
        "base_model.model.classifier.modules_to_save.default.bias": torch.randn(3),
        f"base_model.model.{QUERY}.base_layer.bias": torch.randn(32),
    }
    named = {"task_type": "TOKEN_CLS", "bias": "all", "modules_to_save": ["classifier"]}
    origins.write_adapter(tmp_path / "adapter", named, weights)
    found = imported(tmp_path / "adapter", tmp_path / "out", base=str(tmp_path / "base"))
    assert found.architecture == "XmodForTokenClassification"
    assert any("lm_head" in note for note in found.notes)
    model = loaded(tmp_path / "out", "XmodForTokenClassification")
    assert torch.equal(model.classifier.weight, weights["base_model.model.classifier.weight"])
    bias = model.get_submodule(QUERY).bias
    assert torch.equal(bias, weights[f"base_model.model.{QUERY}.base_layer.bias"])


def test_task_whose_head_nobody_saved_is_refused(tmp_path):
    base = origins.xmod_base(tmp_path / "base")
    named = {"base_model_name_or_path": str(tmp_path / "base"), "task_type": "SEQ_CLS"}
    origins.lora_adapter(base, tmp_path / "adapter", named, {QUERY: 4})
    with pytest.raises(CheckpointError, match="has no head of XmodForSequenceClassification"):
        imported(tmp_path / "adapter", tmp_path / "out")


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"peft_type": "IA3"}, "type 'IA3'"),
        ({"peft_type": "ADALORA"}, "type 'ADALORA'"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights 'pissa', which changed its base"),
        ({"init_lora_weights": "loftq"}, "init_lora_weights 'loftq'"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"lora_bias": True}, "lora_bias"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"something_new": {"a": 1}}, "something_new"),
        ({"r": 8}, "rank 8 for"),
        ({"r": 0}, "r 0 and lora_alpha"),
        ({"r": "4"}, "r '4' and lora_alpha"),
        ({"rank_pattern": {"(": 4}}, "in rank_pattern"),
        ({"alpha_pattern": {"[": 4}}, "in alpha_pattern"),
    ],
    ids=str,
)
def test_adapter_of_another_kind_is_refused_by_name(tmp_path, config, named):
    base = tiny_model(XmodForMaskedLM)
    base.save_pretrained(tmp_path / "base")
    folder = tmp_path / "adapter"
    origins.lora_adapter(base, folder, {**config, "base_model_name_or_path": "../base"}, {QUERY: 4})
    with pytest.raises(CheckpointError, match=r"merge_and_unload") as refused:
        imported(folder, tmp_path / "out")
    assert named in str(refused.value)


def test_adapter_that_fits_no_weight_of_its_base_is_refused(tmp_path):
    base = tiny_model(XmodForTokenClassification)
    base.save_pretrained(tmp_path / "base")
    folder = tmp_path / "adapter"
    weights = {f"base_model.model.elsewhere.lora_{side}.weight": torch.ones(4, 4) for side in "AB"}
    origins.write_adapter(folder, {"base_model_name_or_path": "../base"}, weights)
    with pytest.raises(CheckpointError, match="weights for elsewhere, which its base has not"):
        imported(folder, tmp_path / "out")


@pytest.mark.parametrize("base", ["", "facebook/xmod-base", "/nowhere", None])
def test_base_that_is_not_here_or_could_change_is_asked_for(tmp_path, base):
    model = tiny_model(XmodForMaskedLM)
    folder = tmp_path / "adapter"
    origins.lora_adapter(model, folder, {"base_model_name_or_path": base}, {QUERY: 4})
    with pytest.raises(CheckpointError, match=r"Give --base with the folder or owner/name@commit"):
        imported(folder, tmp_path / "out")


def test_base_whose_revision_could_change_is_named_as_the_base(tmp_path):
    named = {"base_model_name_or_path": "facebook/xmod-base", "revision": "main"}
    origins.lora_adapter(tiny_model(XmodForMaskedLM), tmp_path / "adapter", named, {QUERY: 4})
    with pytest.raises(CheckpointError, match=r"--base is 'facebook/xmod-base@main'"):
        imported(tmp_path / "adapter", tmp_path / "out")


@pytest.mark.parametrize("saved", [{}, {"problem_type": "regression"}], ids=["alone", "config"])
def test_head_of_one_output_is_a_head_of_one_label(tmp_path, saved):
    base = origins.xmod_base(tmp_path / "base")
    weights = {
        "base_model.model.classifier.dense.weight": torch.randn(32, 32),
        "base_model.model.classifier.dense.bias": torch.randn(32),
        "base_model.model.classifier.out_proj.weight": torch.randn(1, 32),
        "base_model.model.classifier.out_proj.bias": torch.randn(1),
    }
    named = {"task_type": "SEQ_CLS", "modules_to_save": ["classifier"]}
    origins.write_adapter(tmp_path / "adapter", named, weights)
    if saved:
        values = {**base.config.to_dict(), **saved, "id2label": {"0": "score"}}
        (tmp_path / "adapter" / "config.json").write_text(json.dumps(values))
    imported(tmp_path / "adapter", tmp_path / "out", base=str(tmp_path / "base"))
    model = loaded(tmp_path / "out", "XmodForSequenceClassification")
    assert model.config.num_labels == 1
    assert model.config.problem_type == saved.get("problem_type")
    assert torch.equal(
        model.classifier.out_proj.weight, weights["base_model.model.classifier.out_proj.weight"]
    )
