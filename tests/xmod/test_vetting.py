"""Checkpoints that ask for trust: code of their own, and sizes that their weights have not."""

import json
import sys

import pytest
from transformers import XmodForTokenClassification

from pipeline.errors import CheckpointError
from pipeline.xmod.vetting import require_adapters, vetted_config
from tests.helpers.checkpoints import open_folder, save_checkpoint
from tests.xmod.test_checkpoint import change_config


def test_vetted_config_is_that_of_the_checkpoint(ner_folder):
    config = vetted_config(ner_folder)
    assert (config.model_type, config.hidden_size, config.num_hidden_layers) == ("xmod", 32, 2)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "processor_config.json"])
@pytest.mark.parametrize(
    "code",
    [
        {"auto_map": {"AutoModel": "evil.Model", "AutoTokenizer": ["evil.Tokenizer", None]}},
        {"custom_pipelines": {"x": {"impl": "evil.Pipeline"}}},
        {"attn_implementation": "owner/kernel-of-the-hub"},
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
    ],
    ids=lambda code: next(iter(code)),
)
def test_checkpoint_that_names_code_is_refused_and_runs_none(copied, file, code):
    ran = copied / "ran"
    (copied / "evil.py").write_text(f"open({str(ran)!r}, 'w')\n")
    path = copied / file
    values = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(values | code))
    with pytest.raises(CheckpointError, match=r"names code of its own.*which is never run"):
        vetted_config(copied)
    assert not ran.exists()
    assert "evil" not in sys.modules


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vocab_size", 10**12),
        ("hidden_size", 10**9),
        ("max_position_embeddings", 10**12),
        ("intermediate_size", 10**12),
        ("num_hidden_layers", 10**12),
        ("num_hidden_layers", 1),
        ("num_hidden_layers", -1),
        ("vocab_size", None),
    ],
)
def test_config_with_a_size_that_the_weights_have_not_is_refused(copied, name, size):
    change_config(copied, **{name: size})
    with pytest.raises(CheckpointError, match=r"config\.json"):
        vetted_config(copied)


@pytest.mark.parametrize(
    "changes",
    [
        *({"num_attention_heads": heads} for heads in (0, -2, 3, 10**12, 2.5, "two", None)),
        *({"hidden_act": name} for name in ("unheard", "", None, 3, ["gelu"])),
        *({"languages": [name]} for name in ("a.b", "", "keys", "x\ny", "a/b", "\u202e", 5, None)),
        *({"languages": names} for names in ([], "en_XX", ["en_XX", "en_XX"], None, 10**12)),
        {"languages": ["en_XX", "fr_XX"]},
        *({"pad_token_id": place} for place in (500, -1, 10**12, "x", 1.5, 129)),
        *({"layer_norm_eps": value} for value in (float("nan"), 0.0, -1e-5, float("inf"), "x")),
        *({"adapter_reduction_factor": value} for value in (0, -2, 1, 4, 10**12, float("nan"))),
        *({"type_vocab_size": size} for size in (0, -1, 1, 10**12, None)),
        *({"hidden_size": size} for size in (0, -32, 32.0, "32", float("nan"))),
        *({"vocab_size": size} for size in (-500, 0, 499, 501, True)),
        *(
            {"id2label": names}
            for names in ({"0": 5}, {"1": "O"}, {"x": "O"}, {"-1": "O"}, [], "O")
        ),
        *({"id2label": {"0": name}} for name in ("a\nb", "a\tb", "\x1b[2J", "\x85", "", None)),
        *({"id2label": {"0": name}} for name in ("a\u202eb", "\u2067b", "a\u2028b")),
        {"adapter_layer_norm": True},
        {"is_decoder": "yes"},
        {"is_decoder": True, "add_cross_attention": True},
        {"hidden_dropout_prob": 7},
    ],
    ids=str,
)
def test_config_that_no_model_can_be_built_of_is_refused(copied, changes):
    change_config(copied, **changes)
    with pytest.raises(CheckpointError):
        vetted_config(copied)


def test_label_that_is_refused_is_named_also_among_many(copied):
    labels = {str(number): f"label {number}" for number in range(100)}
    change_config(copied, id2label=labels | {"77": "a\u202eb"})
    with pytest.raises(CheckpointError, match=r"has the label 'a\\u202eb' in id2label; expected"):
        vetted_config(copied)


@pytest.mark.parametrize("invisible", list("\u200b\u200c\u200d\u200e\u200f\u061c\u00ad\u2060"))
def test_labels_with_format_characters_of_their_script_are_accepted(copied, invisible):
    labels = {str(number): f"می{invisible}خواهم{number}" for number in range(7)}
    change_config(copied, id2label=labels)
    assert vetted_config(copied).id2label[6].endswith("6")


def test_adapter_that_lacks_weights_is_refused_where_it_is_needed(copied):
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    del weights["roberta.encoder.layer.1.output.adapter_modules.th_TH.dense1.bias"]
    save_file(weights, copied / "model.safetensors")
    config = vetted_config(copied)
    require_adapters(copied, config, ["en_XX", "de_DE"])
    with pytest.raises(CheckpointError, match=r"th_TH\.dense1\.bias"):
        require_adapters(copied, config, ["en_XX", "th_TH"])


@pytest.mark.parametrize(
    "name", ["encoder.layer.1.attention.self.query.weight", "embeddings.LayerNorm.bias"]
)
def test_weights_that_the_encoder_lacks_are_refused(copied, name):
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    del weights[f"roberta.{name}"]
    save_file(weights, copied / "model.safetensors")
    with pytest.raises(CheckpointError, match=name):
        vetted_config(copied)


@pytest.mark.parametrize("content", ["[" * 100_000, "{", "\ud800"], ids=["deep", "cut", "lone"])
def test_json_that_cannot_be_read_is_refused(copied, content):
    (copied / "special_tokens_map.json").write_text(content, errors="surrogatepass")
    with pytest.raises(CheckpointError, match=r"special_tokens_map\.json is not readable JSON"):
        vetted_config(copied)


def test_json_of_absurd_length_is_refused_before_it_is_read(copied):
    with (copied / "added_tokens.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CheckpointError, match=f"{1 << 40} bytes"):
        vetted_config(copied)


def test_weights_without_an_encoder_are_refused(tmp_path):
    from safetensors.torch import save_file
    from torch import zeros

    folder = save_checkpoint(tmp_path / "ner", XmodForTokenClassification)
    save_file({"classifier.weight": zeros(2, 2)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not an X-MOD's"):
        vetted_config(folder)


@pytest.mark.parametrize("value", [0, -1.5, float("nan"), float("inf"), 1e-300, "1.3", True, None])
def test_config_with_a_temperature_that_no_score_can_have_is_refused(copied, value):
    change_config(copied, calibration_temperature=value)
    with pytest.raises(CheckpointError, match=r"calibration_temperature .*; expected a number"):
        vetted_config(copied)


def test_config_with_a_temperature_is_another_checkpoint(copied):
    before = open_folder(copied)
    change_config(copied, calibration_temperature=1.37)
    after = open_folder(copied)
    assert (before.temperature, after.temperature) == (1.0, 1.37)
    assert before.digest != after.digest
    model = XmodForTokenClassification.from_pretrained(copied)
    model.save_pretrained(copied / "again")
    saved = json.loads((copied / "again" / "config.json").read_text())
    assert saved["calibration_temperature"] == 1.37
