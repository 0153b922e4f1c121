"""Checkpoints that ask for trust: code of their own, and sizes that their weights have not."""

import json
import sys

import pytest
from transformers import XmodForTokenClassification

from pipeline.errors import CheckpointError
from pipeline.xmod.vetting import vetted_config
from tests.helpers.checkpoints import save_checkpoint
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


@pytest.mark.parametrize("labels", [10**12, -1, "many", 1e9])
def test_config_with_absurd_labels_is_refused(copied, labels):
    change_config(copied, num_labels=labels)
    with pytest.raises(CheckpointError, match="num_labels"):
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
