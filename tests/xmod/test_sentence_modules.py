"""Files of sentence-transformers beside a checkpoint."""

from pathlib import Path

import pytest
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint
from pipeline.xmod.sentence_modules import (
    Recipe,
    default_prompt,
    longest_input,
    normalizes,
    recipe_of,
)
from tests.helpers.checkpoints import open_folder, save_checkpoint, save_sentence_files

FLAGS = {
    "word_embedding_dimension": 32,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": False,
    "pooling_mode_max_tokens": False,
    "pooling_mode_mean_sqrt_len_tokens": False,
}
"""As version 2 to 5 saves them."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("plain"), XmodModel)


@pytest.fixture
def folder(plain: Path, tmp_path: Path) -> Path:
    """A folder of links to a checkpoint, to which a test adds files."""
    for path in plain.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def opened(folder: Path, *arguments: object, **files: object) -> Checkpoint:
    return open_folder(save_sentence_files(folder, *arguments, **files))


def test_checkpoint_without_such_files_has_means_of_unit_length(folder):
    checkpoint = open_folder(folder)
    assert recipe_of(checkpoint) == Recipe("mean", skips_prompt=False)
    assert normalizes(checkpoint)
    assert default_prompt(checkpoint) == ""
    assert longest_input(checkpoint) is None


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({**FLAGS, "pooling_mode_cls_token": True}, "cls"),
        ({**FLAGS, "pooling_mode_mean_tokens": True}, "mean"),
        ({**FLAGS, "pooling_mode_max_tokens": True}, "max"),
        ({**FLAGS, "pooling_mode_mean_sqrt_len_tokens": True}, "mean_sqrt_len_tokens"),
        ({"pooling_mode_lasttoken": True}, "lasttoken"),
        (FLAGS, "mean"),
        ({"embedding_dimension": 32, "pooling_mode": "cls", "include_prompt": True}, "cls"),
        ({"pooling_mode": ["max"]}, "max"),
        ({"pooling_mode": "cls", "pooling_mode_max_tokens": True}, "cls"),
    ],
)
@pytest.mark.parametrize("kinds", [("Transformer", "Pooling"), None])
def test_recipe_has_the_pooling_of_the_file(folder, pooling, expected, kinds):
    assert recipe_of(opened(folder, pooling, kinds=kinds)).pooling == expected


@pytest.mark.parametrize(
    ("pooling", "seen"),
    [
        ({"pooling_mode_weightedmean_tokens": True}, "'weightedmean'"),
        ({"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}, "'cls', 'max'"),
        ({"pooling_mode": ["cls", "mean"]}, "'cls', 'mean'"),
        ({"pooling_mode": "pooler"}, "'pooler'"),
        ({"pooling_mode": None}, "None"),
        ({"pooling_mode": {"a": 1}}, "'a': 1"),
    ],
)
def test_recipe_of_another_pooling_is_refused_by_name(folder, pooling, seen):
    with pytest.raises(CheckpointError, match="Set the task's pooling") as caught:
        recipe_of(opened(folder, pooling))
    assert seen in str(caught.value)
    assert "1_Pooling/config.json" in str(caught.value)


@pytest.mark.parametrize(
    "kinds",
    [
        ("Transformer", "Pooling", "Dense", "Normalize"),
        ("Transformer", "Pooling", "LayerNorm"),
        ("Transformer", "WeightedLayerPooling", "Pooling"),
        ("Transformer", "CNN"),
    ],
)
def test_recipe_with_a_module_that_would_be_left_out_is_refused_by_name(folder, kinds):
    strange = next(kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize"))
    with pytest.raises(CheckpointError, match=f"the module {strange} in ") as caught:
        recipe_of(opened(folder, FLAGS, kinds=kinds))
    assert "Set the task's pooling" in str(caught.value)


def test_recipe_of_a_pooling_elsewhere_is_refused(folder):
    with pytest.raises(CheckpointError, match="the module Pooling in '2_Pooling'"):
        recipe_of(opened(folder, FLAGS, kinds=("Transformer", "Normalize", "Pooling")))


def test_recipe_without_pooling_is_refused(folder):
    with pytest.raises(CheckpointError, match="no module Pooling"):
        recipe_of(opened(folder, kinds=("Transformer",)))


def test_recipe_says_whether_the_prompt_is_left_out(folder):
    assert recipe_of(opened(folder, {"include_prompt": False})).skips_prompt
    assert not recipe_of(opened(folder, {"include_prompt": True})).skips_prompt


@pytest.mark.parametrize(
    "kinds", [("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize")]
)
def test_normalizes_where_the_modules_do(folder, kinds):
    assert normalizes(opened(folder, FLAGS, kinds=kinds)) == ("Normalize" in kinds)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ""),
        ({"prompts": {}, "default_prompt_name": None}, ""),
        ({"prompts": {"query": "", "document": ""}, "default_prompt_name": None}, ""),
        ({"prompts": {"query": "query: ", "x": "y "}, "default_prompt_name": "query"}, "query: "),
        ({"prompts": {"query": "query: ", "no": None}, "default_prompt_name": "no"}, ""),
    ],
)
def test_default_prompt_is_that_of_the_file(folder, values, expected):
    files = {"config_sentence_transformers": values}
    assert default_prompt(opened(folder, **files)) == expected


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({"prompts": {"query": "query: ", "passage": "passage: "}}, "'passage: '"),
        ({"prompts": {"query": "query: "}, "default_prompt_name": "passage"}, "'passage'"),
        ({"prompts": {"query": 3}, "default_prompt_name": "query"}, "3"),
        ({"prompts": ["query: "]}, "query: "),
        ({"prompts": {"query": "q "}, "default_prompt_name": ["query"]}, "query"),
    ],
)
def test_default_prompt_that_is_not_known_is_refused(folder, values, seen):
    with pytest.raises(CheckpointError, match="Set the task's prefix") as caught:
        default_prompt(opened(folder, config_sentence_transformers=values))
    assert seen in str(caught.value)


@pytest.mark.parametrize(("values", "expected"), [({"max_seq_length": 64}, 64), ({}, None)])
def test_longest_input_is_that_of_the_file(folder, values, expected):
    assert longest_input(opened(folder, sentence_bert_config=values)) == expected


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({"max_seq_length": "64"}, "max_seq_length '64'"),
        ({"max_seq_length": True}, "max_seq_length True"),
        ({"max_seq_length": 2}, "max_seq_length 2"),
        ({"max_seq_length": 64, "do_lower_case": True}, "do_lower_case true"),
    ],
)
def test_longest_input_that_cannot_be_is_refused(folder, values, seen):
    with pytest.raises(CheckpointError, match=seen):
        longest_input(opened(folder, sentence_bert_config=values))


@pytest.mark.parametrize("modules", ["{}", "[1]", "null", "3"])
def test_modules_that_are_no_list_are_refused(folder, modules):
    (folder / "modules.json").write_text(modules)
    with pytest.raises(CheckpointError, match=r"modules\.json"):
        recipe_of(open_folder(folder))


def test_files_that_changed_since_they_were_checked_are_refused(folder):
    checkpoint = opened(folder, FLAGS)
    save_sentence_files(folder, {**FLAGS, "pooling_mode_cls_token": True})
    with pytest.raises(CheckpointError, match="have changed"):
        recipe_of(checkpoint)


def test_files_in_the_hubs_cache_are_found_without_a_network(folder, tmp_path_factory, monkeypatch):
    """As the hub's client lays them out: blobs, and links to them in a snapshot."""
    save_sentence_files(
        folder, {"pooling_mode": "cls"}, sentence_bert_config={"max_seq_length": 64}
    )
    cache, commit = tmp_path_factory.mktemp("hub"), "0123456789abcdef" * 2 + "01234567"
    repository = cache / "models--owner--name"
    for number, path in enumerate(path for path in folder.rglob("*") if path.is_file()):
        link = repository / "snapshots" / commit / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        blob = repository / "blobs" / str(number)
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(path.read_bytes())
        link.symlink_to(blob)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = open_checkpoint(ModelSettings(path="owner/name", revision=commit))
    assert found.folder == repository / "snapshots" / commit
    assert found.digest == open_folder(folder).digest
    assert (recipe_of(found).pooling, longest_input(found)) == ("cls", 64)


def test_files_are_read_where_the_tokenizer_has_a_folder_of_its_own(folder, plain, tmp_path):
    save_sentence_files(folder, {**FLAGS, "pooling_mode_cls_token": True})
    named = {"path": str(folder), "tokenizer": {"path": str(plain)}}
    assert recipe_of(open_checkpoint(ModelSettings.model_validate(named))).pooling == "cls"


def test_pooling_that_is_named_and_not_said_is_refused(folder):
    with pytest.raises(CheckpointError, match="Set the task's pooling"):
        recipe_of(opened(folder))
