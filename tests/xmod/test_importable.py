"""Refusals that an import mends say the command, which then does."""

import json
import shlex
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import XmodForMaskedLM, XmodModel

from pipeline.errors import CheckpointError
from pipeline.xmod.importable import XLMR_TOKENIZER, import_command
from tests.helpers import origins
from tests.helpers.checkpoints import open_folder, save_checkpoint, tiny_model, tiny_tokenizer
from tests.xmod.test_checkpoint import change_config


def command_in(message: str) -> list[str]:
    return shlex.split(message[message.index("xmod-pipeline import") :])


def refused(folder: Path) -> list[str]:
    with pytest.raises(CheckpointError) as error:
        open_folder(folder).tokenizer  # noqa: B018
    return command_in(str(error.value))


@pytest.mark.parametrize("name", ["base", "base with 'quotes' and spaces"])
def test_weights_in_another_format_name_the_import(tmp_path, name):
    origins.xmod_base(tmp_path / name)
    folder = str(tmp_path / name)
    assert refused(tmp_path / name)[2:] == [folder, "--out", f"{folder}-imported"]


def test_fairseq_folder_names_the_import(tmp_path):
    origins.fairseq_xmod(tmp_path / "f")
    assert refused(tmp_path / "f")[2:] == [
        str(tmp_path / "f"), "--out", f"{tmp_path / 'f'}-imported",
    ]  # fmt: skip


def test_adapter_of_peft_names_the_import(tmp_path):
    model = tiny_model(XmodForMaskedLM)
    origins.lora_adapter(model, tmp_path / "a", {}, {})
    assert refused(tmp_path / "a")[2] == str(tmp_path / "a")


def test_missing_tokenizer_names_the_import_with_that_of_xlmr(tmp_path):
    origins.xmod_base_13(tmp_path / "base")
    assert refused(tmp_path / "base")[3:5] == ["--tokenizer", "TOKENIZER"]
    change_config(tmp_path / "base", vocab_size=250_002)
    assert refused(tmp_path / "base")[3:5] == ["--tokenizer", XLMR_TOKENIZER]
    origins.xmod_base_30(tmp_path / "safe")
    assert refused(tmp_path / "safe")[2:5] == [str(tmp_path / "safe"), "--tokenizer", "TOKENIZER"]


def test_wrong_tokenizer_names_the_import(tmp_path):
    tiny_model(XmodModel, vocab_size=50).save_pretrained(tmp_path / "base")
    tiny_tokenizer().save_pretrained(tmp_path / "base")
    assert refused(tmp_path / "base")[3] == "--tokenizer"


def test_code_that_is_named_names_the_import(tmp_path):
    save_checkpoint(tmp_path / "base", XmodModel)
    change_config(tmp_path / "base", auto_map={"AutoModel": "evil.Model"})
    assert refused(tmp_path / "base")[2] == str(tmp_path / "base")


def test_adapters_that_are_not_there_name_the_import_of_the_others(tmp_path):
    save_checkpoint(tmp_path / "base", XmodModel, languages=["en_XX", "de_DE"])
    change_config(tmp_path / "base", languages=["en_XX", "de_DE", "fr_XX"])
    assert refused(tmp_path / "base")[-2:] == ["--languages", "en_XX,de_DE"]


@pytest.mark.parametrize(("old", "new"), [("roberta.", "module.roberta."), (".weight", ".gamma")])
def test_weights_by_other_names_name_the_import(tmp_path, old, new):
    save_checkpoint(tmp_path / "base", XmodForMaskedLM)
    path = tmp_path / "base" / "model.safetensors"
    weights = load_file(path)
    changed = {n.replace(old, new) if "Norm" in n or "module" in new else n: w
               for n, w in weights.items()}  # fmt: skip
    save_file(changed, path)
    assert refused(tmp_path / "base")[2] == str(tmp_path / "base")


def test_commit_of_the_hub_is_imported_by_its_name(tmp_path):
    origins.xmod_base_13(tmp_path / "base")
    (tmp_path / "base" / "pytorch_model.bin").unlink()  # it is not fetched
    snapshot = origins.cached(tmp_path / "base", tmp_path, "facebook/xmod-base")
    assert refused(snapshot)[2:] == [
        f"facebook/xmod-base@{origins.COMMIT}", "--tokenizer", "TOKENIZER", "--out", "xmod-base",
    ]  # fmt: skip


def test_command_does_not_fail_on_a_config_that_is_no_object(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps([1]))
    assert "TOKENIZER" in import_command(tmp_path)
