"""Which files loading reads: no others, whatever a file of the checkpoint names."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub.utils import filter_repo_objects
from safetensors.torch import load_file, save_file

from pipeline.config import RuntimeSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.files import CONFIGS, FETCHED, digest_of, read_files, stamp_of, weight_files
from pipeline.xmod.loading import load_model
from pipeline.xmod.vetting import vetted_config
from tests.helpers.checkpoints import LANGUAGES, open_folder, save_sentence_files

SHARD = "model-00001-of-00001.safetensors"


def sharded(folder: Path, place: object) -> None:
    """Move the weights of ``folder`` to one shard, and have the index name ``place``."""
    names = load_file(folder / "model.safetensors").keys()
    (folder / "model.safetensors").rename(folder / SHARD)
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, place)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def classifier(folder: Path) -> torch.Tensor:
    architecture = "XmodForTokenClassification"
    heads = {architecture: open_folder(folder)}
    model = load_model(heads, LoadedAdapters(LANGUAGES), RuntimeSettings())
    weight: torch.Tensor = model.heads[architecture].classifier.weight
    return weight


@pytest.mark.parametrize(
    "place",
    [
        *("../elsewhere/w.safetensors", "../elsewhere/w.bin", "pytorch_model.bin", "w.pt"),
        *("/tmp/w.safetensors", "sub/w.safetensors", "..\\w.safetensors", "C:w.safetensors"),
        *("missing.safetensors", "", "a\n.safetensors", "w.safetensors\0", 7, None, ["w"]),
    ],
)
def test_index_that_names_anything_but_safetensors_of_the_folder_is_refused(copied, place):
    sharded(copied, place)
    (copied / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(CheckpointError, match=r"expected names of|cannot be read"):
        open_folder(copied)


@pytest.mark.parametrize("index", [[], {}, {"weight_map": []}, {"weight_map": "x"}])
def test_index_of_another_shape_is_refused(copied, index):
    sharded(copied, SHARD)
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError):
        open_folder(copied)


def test_weights_beside_those_that_are_named_are_neither_read_nor_hashed(copied):
    expected, digest = classifier(copied).clone(), digest_of(copied)
    decoy = {name: weight + 1 for name, weight in load_file(copied / "model.safetensors").items()}
    save_file(decoy, copied / "other.safetensors")
    (copied / "pytorch_model.bin").write_bytes(b"a pickle")
    (copied / "adapter_config.json").write_text('{"base_model_name_or_path": "../elsewhere"}')
    for name in ("vocab.txt", "merges.txt", "sentencepiece.bpe.model", "special_tokens_map.json"):
        (copied / name).write_text("{}")
    assert digest_of(copied) == digest
    assert torch.equal(classifier(copied), expected)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", SHARD])
def test_digest_covers_each_file_that_is_read(copied, name):
    sharded(copied, SHARD)
    before = digest_of(copied)
    assert copied / name in read_files(copied)
    with (copied / name).open("ab") as file:
        file.write(b" ")
    assert digest_of(copied) != before


SENTENCE_FILES = (
    *("modules.json", "1_Pooling/config.json"),
    *("config_sentence_transformers.json", "sentence_bert_config.json"),
)


@pytest.mark.parametrize("name", SENTENCE_FILES)
def test_digest_and_stamp_cover_files_of_sentence_transformers(copied, name):
    before = digest_of(copied)
    save_sentence_files(copied, {}, config_sentence_transformers={}, sentence_bert_config={})
    assert copied / name in read_files(copied)
    digest, stamp = digest_of(copied), stamp_of(copied)
    (copied / name).write_text('{"prompts": {}}')
    assert len({before, digest, digest_of(copied)}) == 3
    assert stamp_of(copied) != stamp


def test_fetched_are_all_files_that_are_read_and_few_others(copied):
    save_sentence_files(copied, {}, config_sentence_transformers={}, sentence_bert_config={})
    read = {path.relative_to(copied).as_posix() for path in read_files(copied)}
    assert set(SENTENCE_FILES) < read
    others = ["pytorch_model.bin", "README.md", "2_Dense/pytorch_model.bin", "modeling.py"]
    assert set(filter_repo_objects([*read, *others], allow_patterns=list(FETCHED))) == read
    files, of_head = [*read, "ner.json", *others], [*FETCHED, CONFIGS]
    assert set(filter_repo_objects(files, allow_patterns=of_head)) == {*read, "ner.json"}


def test_digest_covers_the_index(copied):
    sharded(copied, SHARD)
    before = digest_of(copied)
    with (copied / "model.safetensors.index.json").open("a") as file:
        file.write(" ")
    assert digest_of(copied) != before


def test_links_out_of_the_folder_are_followed_as_in_the_hubs_cache(copied, tmp_path):
    digest, weights = digest_of(copied), classifier(copied).clone()
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, path in enumerate(read_files(copied)):
        shutil.move(path, blobs / str(number))
        path.symlink_to(Path("..") / "blobs" / str(number))
    assert digest_of(copied) == digest
    assert torch.equal(classifier(copied), weights)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "dangling", "folder"])
def test_what_is_no_file_is_refused_and_not_read(copied, name, kind):
    path = copied / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "loop": name, "dangling": "nowhere"}[kind])
    with pytest.raises(CheckpointError):
        _ = open_folder(copied).tokenizer


def test_file_with_the_times_and_size_of_the_old_one_has_another_stamp(copied):
    path = copied / "config.json"
    before, times = stamp_of(copied), path.stat()
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    assert stamp_of(copied) != before


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_files_that_change_between_check_and_loading_are_refused(copied, name):
    checkpoint = open_folder(copied)
    (copied / name).write_bytes((copied / name).read_bytes())
    with pytest.raises(CheckpointError, match="changed since they were checked"):
        _ = checkpoint.tokenizer
    with pytest.raises(CheckpointError, match="changed since they were checked"):
        load_model({"XmodModel": checkpoint}, LoadedAdapters(LANGUAGES), RuntimeSettings())


def test_weight_in_two_files_is_refused(copied):
    sharded(copied, SHARD)
    shutil.copy(copied / SHARD, copied / "second.safetensors")
    index = {"weight_map": {"a": SHARD, "b": "second.safetensors"}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="which another file of the checkpoint has too"):
        vetted_config(copied)


def test_weight_files_one_file_goes_before_an_index(copied):
    (copied / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../x.bin"}}')
    assert weight_files(copied) == (copied / "model.safetensors",)
    open_folder(copied)
