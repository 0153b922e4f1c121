"""Which format a folder has, and what is said of one that has none."""

import json

import pytest
import torch
from transformers import XmodForSequenceClassification, XmodModel

from pipeline.errors import CheckpointError
from pipeline.training.importing.fairseq import config_of, transformers_weights
from pipeline.training.importing.names import todays_names
from pipeline.training.importing.new_folder import new_folder
from pipeline.training.importing.sentence_files import copy_sentence_files
from pipeline.training.importing.source import checkpoint_source, tokenizer_source
from pipeline.training.importing.tokenizer import write_tokenizer
from pipeline.training.importing.weights import Weight, safetensors_weights
from tests.helpers import origins
from tests.helpers.checkpoints import tiny_model
from tests.training.importing.test_importing import imported, outputs


@pytest.mark.parametrize("given", ["facebook/xmod-base", "facebook/xmod-base@main", "a/b@1234"])
def test_hub_name_that_could_change_is_refused(given):
    with pytest.raises(CheckpointError, match=r"a hub name whose files could change; expected"):
        checkpoint_source(given)
    with pytest.raises(CheckpointError, match="--tokenizer is"):
        tokenizer_source(given)


@pytest.mark.parametrize("given", ["/nowhere/at/all", "./x/y", "name", "a/b/c"])
def test_path_that_is_not_there_is_refused(given):
    with pytest.raises(CheckpointError, match="neither a folder that is there nor owner/name@"):
        checkpoint_source(given)


def test_file_in_place_of_its_folder_is_refused_with_the_folder(tmp_path):
    (tmp_path / "model.pt").touch()
    with pytest.raises(CheckpointError, match=f"Give {tmp_path}"):
        checkpoint_source(str(tmp_path / "model.pt"))


def test_folder_of_checkpoints_names_one(tmp_path):
    (tmp_path / "run" / "checkpoint-20").mkdir(parents=True)
    (tmp_path / "run" / "checkpoint-20" / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"such as .*run/checkpoint-20"):
        imported(tmp_path / "run", tmp_path / "out")


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack", "pytorch_adapter.bin"])
def test_format_that_is_not_read_is_named(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match=f"{name} .*expected model.safetensors"):
        imported(tmp_path, tmp_path / "out")


def test_trainers_other_files_are_no_weights(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "training_args.bin")
    torch.save({"a": torch.zeros(1)}, tmp_path / "optimizer.pt")
    with pytest.raises(CheckpointError, match="has no weights that can be imported"):
        imported(tmp_path, tmp_path / "out")


def test_model_of_another_kind_is_refused(tmp_path):
    origins.save_bin(tiny_model(XmodModel), tmp_path / "source", model_type="xlm-roberta")
    with pytest.raises(CheckpointError, match="of type 'xlm-roberta'; expected 'xmod'"):
        imported(tmp_path / "source", tmp_path / "out")


def test_index_that_leaves_the_folder_is_refused(tmp_path):
    places = {"weight_map": {"a": "../elsewhere.bin"}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(places))
    with pytest.raises(CheckpointError, match=r"names the file '\.\./elsewhere\.bin'"):
        imported(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("prefix", ["", "roberta.", "module.roberta.", "xmod.", "model.roberta."])
def test_encoder_is_found_wherever_it_is(prefix):
    outer = prefix.removesuffix("roberta.")
    weight = Weight(torch.float32, (1,), lambda: torch.zeros(1))
    names = [f"{prefix}embeddings.word_embeddings.weight", f"{prefix}encoder.layer.0.x"]
    head = "classifier.weight" if prefix == "xmod." else f"{outer}classifier.weight"
    assert set(todays_names(dict.fromkeys([*names, head], weight), "it")) == {
        "roberta.embeddings.word_embeddings.weight",
        "roberta.encoder.layer.0.x",
        "classifier.weight",
    }


def test_fairseq_classification_head_is_read_and_several_are_refused(tmp_path):
    model = origins.fairseq_xmod(tmp_path / "f", head="mnli")
    found = imported(tmp_path / "f", tmp_path / "out")
    assert found.architecture == "XmodForSequenceClassification"
    again = XmodForSequenceClassification.from_pretrained(tmp_path / "out")
    assert torch.allclose(outputs(model), outputs(again), atol=1e-6)
    names = ["classification_heads.a.dense.weight", "classification_heads.b.dense.weight"]
    weight = Weight(torch.float32, (1, 1), lambda: torch.zeros(1, 1))
    with pytest.raises(CheckpointError, match="classification heads a, b; expected one"):
        transformers_weights(dict.fromkeys(names, weight), "it")


@pytest.mark.parametrize("settings", [{}, {"cfg": {"model": {"languages": ["a"]}}}, {"args": 3}])
def test_fairseq_checkpoint_that_is_no_xmod_is_refused(settings):
    with pytest.raises(CheckpointError, match="no settings of an X-MOD"):
        config_of(settings, {}, "it")


def test_fairseq_ids_are_those_of_its_dictionary(tmp_path):
    spm = origins.save_sentencepiece(tmp_path / "s.model")
    (tmp_path / "dict.txt").write_text(
        "▁visited 9\nmadeupword0000 0\n▁Anna 7\nA 1\nn 1\na 1\n▁ 1\n"
    )
    (tmp_path / "out").mkdir()
    write_tokenizer(spm, tmp_path / "out", tmp_path / "dict.txt")
    values = json.loads((tmp_path / "out" / "tokenizer.json").read_text())
    pieces = [piece for piece, _ in values["model"]["vocab"]]
    assert pieces[4:] == ["▁visited", "madeupword0000", "▁Anna", "A", "n", "a", "▁", "<mask>"]


def test_module_with_weights_of_its_own_is_refused(tmp_path):
    modules = [{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(CheckpointError, match=r"module sentence_transformers\.models\.Dense"):
        copy_sentence_files([tmp_path], tmp_path)


def test_cut_safetensors_file_is_refused(tmp_path):
    origins.xmod_base_30(tmp_path / "source")
    path = tmp_path / "source" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        safetensors_weights(path)


def test_new_folder_is_there_only_when_it_is_whole(tmp_path):
    def stop() -> None:
        with new_folder(tmp_path / "out") as folder:
            (folder / "half").touch()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop()
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "out") as folder:
        (folder / "whole").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
