"""Checkpoints: which are opened, and which are refused."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from tokenizers import processors
from transformers import AutoTokenizer
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import ModelSettings, RuntimeSettings, TokenizerSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import digest_of, open_checkpoint, reopen_checkpoint, stamp_of
from pipeline.xmod.loading import load_model
from tests.helpers.checkpoints import (
    BIO_LABELS,
    LANGUAGES,
    TOPICS,
    open_folder,
    save_checkpoint,
)


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_open_checkpoint_folder_says_what_it_holds(ner_folder):
    checkpoint = open_folder(ner_folder)
    assert checkpoint.languages == LANGUAGES
    assert checkpoint.labels == BIO_LABELS
    assert checkpoint == open_folder(ner_folder)


def test_open_checkpoint_pinned_digest_is_accepted_and_another_refused(copied):
    digest = open_folder(copied).digest
    assert open_checkpoint(ModelSettings(path=str(copied), sha256=digest)).digest == digest
    change_config(copied, layer_norm_eps=1e-3)
    with pytest.raises(CheckpointError, match=f"expected {digest}"):
        open_checkpoint(ModelSettings(path=str(copied), sha256=digest))


def test_open_checkpoint_missing_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="No model folder at"):
        open_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("revision", [None, "", "main", "v1.0", "refs/pr/1", "a" * 7, "A" * 40])
def test_open_checkpoint_hub_name_without_a_commit_is_refused(revision):
    with pytest.raises(CheckpointError, match=r"could change between two runs.*model\.revision"):
        open_checkpoint(ModelSettings(path="owner/name-that-is-no-folder", revision=revision))


def test_open_checkpoint_pickled_weights_are_refused(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"has no \*\.safetensors"):
        open_folder(copied)


def test_open_checkpoint_truncated_weights_are_refused(copied):
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a complete safetensors file"):
        open_folder(copied)


def test_tokenizer_with_more_tokens_than_the_model_is_refused(copied):
    tokenizer = AutoTokenizer.from_pretrained(copied)
    tokenizer.add_tokens([f"word{number}" for number in range(500)])
    tokenizer.save_pretrained(copied)
    with pytest.raises(CheckpointError, match="vocab_size 500; they belong to different"):
        _ = open_folder(copied).tokenizer


def test_open_checkpoint_other_architecture_is_refused(copied):
    change_config(copied, model_type="xlm-roberta")
    with pytest.raises(CheckpointError, match="type 'xlm-roberta'; expected 'xmod'"):
        open_folder(copied)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, r"has no config\.json"), ("{", r"config\.json is not readable JSON")],
)
def test_open_checkpoint_unreadable_config_is_refused(copied, content, message):
    (copied / "config.json").unlink()
    if content is not None:
        (copied / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        open_folder(copied)


@pytest.mark.parametrize(("wanted", "expected"), [(512, 128), (128, 128), (100, 100)])
def test_window_length_is_bounded_by_the_positions_that_text_can_use(ner_folder, wanted, expected):
    assert open_folder(ner_folder).window_length(wanted) == expected  # 130 positions, 2 unused


def test_window_length_is_bounded_by_the_tokenizer(copied):
    path = copied / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 40}))
    assert open_folder(copied).window_length(sys.maxsize) == 40


def test_window_tokenizer_is_the_same_whatever_the_tokenizer_last_cut(ner_folder, topic_folder):
    first, second = open_folder(ner_folder), open_folder(topic_folder)
    expected = second.window_tokenizer(64)
    assert first.window_tokenizer(64) == expected
    first.tokenizer("Anna", truncation=True, max_length=9, padding="max_length")
    assert first.window_tokenizer(64) == expected


def test_window_tokenizer_of_a_shorter_model_differs(ner_folder, tmp_path):
    shorter = open_folder(save_checkpoint(tmp_path, XmodModel, max_position_embeddings=66))
    assert shorter.window_tokenizer(512) != open_folder(ner_folder).window_tokenizer(512)
    assert shorter.window_tokenizer(32) == open_folder(ner_folder).window_tokenizer(32)


def test_tokenizer_missing_is_refused(copied):
    for path in copied.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="has no tokenizer files"):
        _ = open_folder(copied).tokenizer


def test_tokenizer_without_special_tokens_is_refused(copied):
    tokenizer = AutoTokenizer.from_pretrained(copied)
    tokenizer.backend_tokenizer.post_processor = processors.Sequence([])
    tokenizer.save_pretrained(copied)
    with pytest.raises(CheckpointError, match="adds 0 special tokens"):
        _ = open_folder(copied).tokenizer


def test_reopen_checkpoint_with_the_files_of_the_plan_reads_none_of_them(copied, monkeypatch):
    planned = open_folder(copied)
    monkeypatch.setattr("pipeline.xmod.checkpoint.digest_of", lambda folder: "was read")
    assert reopen_checkpoint(planned, ModelSettings(path="elsewhere/unused")) is planned


def test_reopen_checkpoint_with_copies_of_the_files_goes_by_their_contents(copied):
    planned = open_folder(copied)
    os.utime(copied / "config.json")
    found = reopen_checkpoint(planned, ModelSettings(path="elsewhere/unused"))
    assert found == planned
    assert found.stamp != planned.stamp


def test_reopen_checkpoint_with_other_files_on_this_node_is_refused(copied):
    planned = open_folder(copied)
    assert reopen_checkpoint(planned, ModelSettings(path="elsewhere/unused")) == planned
    change_config(copied, layer_norm_eps=1e-6)
    with pytest.raises(CheckpointError, match="the same files on every node"):
        reopen_checkpoint(planned, ModelSettings(path="elsewhere/unused"))


def test_digest_is_over_names_and_contents_of_what_loading_reads(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    before = digest_of(tmp_path)
    (tmp_path / "README.md").write_text("not read")
    assert digest_of(tmp_path) == before
    content = hashlib.sha256(b"{}").hexdigest()
    assert before == hashlib.sha256(f"config.json {content}\n".encode()).hexdigest()
    (tmp_path / "config.json").rename(tmp_path / "other.json")
    assert digest_of(tmp_path) != before


@pytest.mark.parametrize("change", ["same size", "new file", "gone", "replaced"])
def test_stamp_changes_with_the_files(tmp_path, change):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    os.utime(path, ns=(0, 0))
    before = stamp_of(tmp_path)
    assert stamp_of(tmp_path) == before
    if change == "same size":
        path.write_bytes(b"WEIGHTS")
    elif change == "new file":
        (tmp_path / "tokenizer.json").write_text("{}")
    elif change == "gone":
        path.unlink()
    else:
        copy = tmp_path / "copy"
        copy.write_bytes(b"WEIGHTS")
        os.utime(copy, ns=(0, 0))
        copy.rename(path)
    assert stamp_of(tmp_path) != before


@pytest.fixture
def apart(copied, tmp_path):
    """A checkpoint without a tokenizer, and the folder that its tokenizer is in."""
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    for path in copied.glob("tokenizer*"):
        path.rename(tokenizer / path.name)
    named = TokenizerSettings(path=str(tokenizer))
    return ModelSettings(path=str(copied), tokenizer=named)


def test_tokenizer_of_another_folder_is_used_as_if_it_were_the_checkpoints(apart, ner_folder):
    expected, found = open_folder(ner_folder), open_checkpoint(apart)
    assert found.window_tokenizer(64) == expected.window_tokenizer(64)
    assert found.digest == expected.digest
    assert found.folders == (Path(apart.path), Path(apart.tokenizer.path))
    load_model({"XmodModel": found}, LoadedAdapters(LANGUAGES), RuntimeSettings())


def test_tokenizer_of_another_folder_goes_before_the_checkpoints_own(copied, tmp_path):
    own = open_folder(copied)
    other = tmp_path / "other"
    tokenizer = AutoTokenizer.from_pretrained(copied)
    tokenizer.add_tokens(["Prague"])
    tokenizer.save_pretrained(other)
    named = TokenizerSettings(path=str(other))
    found = open_checkpoint(ModelSettings(path=str(copied), tokenizer=named))
    assert len(found.tokenizer) == len(own.tokenizer) + 1
    assert found.digest != own.digest
    assert found != own


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_digest_and_stamp_cover_the_tokenizer_of_another_folder(apart, name):
    planned = open_checkpoint(apart)
    with (Path(apart.tokenizer.path) / name).open("a") as file:
        file.write(" ")
    assert open_checkpoint(apart).digest != planned.digest
    pinned = apart.model_copy(update={"sha256": planned.digest})
    with pytest.raises(CheckpointError, match=f"expected {planned.digest}"):
        open_checkpoint(pinned)
    with pytest.raises(CheckpointError, match="the same files on every node"):
        reopen_checkpoint(planned, apart)
    with pytest.raises(CheckpointError, match="changed since they were checked"):
        _ = planned.tokenizer
    with pytest.raises(CheckpointError, match="changed since they were checked"):
        load_model({"XmodModel": planned}, LoadedAdapters(LANGUAGES), RuntimeSettings())


def test_reopen_checkpoint_finds_both_folders_where_the_planner_had_them(apart):
    planned = open_checkpoint(apart)
    os.utime(Path(apart.tokenizer.path) / "tokenizer.json")
    elsewhere = TokenizerSettings(path="relative/to-another")
    unused = ModelSettings(path="relative/folder", tokenizer=elsewhere)
    assert reopen_checkpoint(planned, unused) == planned


def test_checkpoint_and_tokenizer_of_the_hub_are_found_by_name_and_commit(
    ner_folder, copied, hub_cache
):
    commit = hub_cache.add("owner/model", ner_folder, without="tokenizer*")
    other = hub_cache.add("owner/tokenizer", copied, without="*.safetensors")
    named = TokenizerSettings(path="owner/tokenizer", revision=other)
    found = open_checkpoint(ModelSettings(path="owner/model", revision=commit, tokenizer=named))
    assert found.digest == open_folder(ner_folder).digest
    assert (
        found.tokenizer("Anna")["input_ids"]
        == open_folder(ner_folder).tokenizer("Anna")["input_ids"]
    )
    with pytest.raises(CheckpointError, match=r"no tokenizer files.*path: owner/name, revision"):
        _ = open_checkpoint(ModelSettings(path="owner/model", revision=commit)).tokenizer


@pytest.mark.parametrize(
    ("path", "revision", "message"),
    [
        ("owner/tokenizer", None, r"Set model\.tokenizer\.revision to a commit"),
        ("owner/tokenizer", "a" * 40, r"Cannot fetch 'owner/tokenizer'"),
        ("/no/folder", None, r"No model\.tokenizer folder at '/no/folder'.*model\.tokenizer\.path"),
    ],
)
def test_tokenizer_that_cannot_be_found_is_refused(copied, hub_cache, path, revision, message):
    named = TokenizerSettings(path=path, revision=revision)
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(ModelSettings(path=str(copied), tokenizer=named))


def test_tokenizer_folder_without_one_or_with_code_is_refused(apart, tmp_path):
    (tmp_path / "empty").mkdir()
    empty = TokenizerSettings(path=str(tmp_path / "empty"))
    with pytest.raises(CheckpointError, match="empty has no tokenizer files"):
        open_checkpoint(apart.model_copy(update={"tokenizer": empty}))
    path = Path(apart.tokenizer.path) / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": {"A": "b.C"}}))
    with pytest.raises(CheckpointError, match="names code of its own") as refused:
        open_checkpoint(apart)
    assert "xmod-pipeline import" not in str(refused.value)  # which needs weights


def test_open_checkpoint_head_has_its_own_labels_on_the_shared_encoder(headed):
    folder, ner, topic = (open_folder(headed, head) for head in (None, "ner", "topic"))
    assert (ner.labels, topic.labels) == (BIO_LABELS, TOPICS)
    assert folder.encoder == ner.encoder == topic.encoder
    assert len({folder.digest, ner.digest, topic.digest}) == 3
    assert ner.tokenizer is topic.tokenizer


def test_open_checkpoint_digest_of_a_head_covers_no_other_head(headed):
    ner, topic = (open_folder(headed, head).digest for head in ("ner", "topic"))
    path = headed / "topic.json"
    path.write_text(path.read_text().replace("sports", "chess"))
    assert open_folder(headed, "ner").digest == ner
    assert open_folder(headed, "topic").digest != topic


@pytest.mark.parametrize("head", ["qa", "config", "tokenizer", "tokenizer_config"])
def test_open_checkpoint_head_that_is_not_there_is_refused_with_those_that_are(headed, head):
    with pytest.raises(CheckpointError, match=f"no head '{head}'; its heads are: ner, topic. "):
        open_folder(headed, head)


@pytest.mark.parametrize("head", ["../ner", "ner.json", "a/b", "a\\b", ""])
def test_head_that_is_no_plain_name_is_refused(head):
    with pytest.raises(ValueError, match="head"):
        ModelSettings(path="models", head=head)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("layer_norm_eps", 1e-6), ("pre_norm", True), ("is_decoder", True), ("hidden_size", 64)),
        ("languages", ["de_DE", *[code for code in LANGUAGES if code != "de_DE"]]),
    ],
)
def test_open_checkpoint_head_of_another_encoder_is_refused(headed, name, value):
    path = headed / "ner.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(CheckpointError, match=rf"ner\.json has {name} .*share its encoder"):
        open_folder(headed, "ner")
    assert open_folder(headed, "topic").labels == TOPICS


def test_open_checkpoint_head_with_a_label_of_control_characters_is_refused(headed):
    path = headed / "topic.json"
    path.write_text(path.read_text().replace("sports", "\\u001b[2J"))
    with pytest.raises(CheckpointError, match=r"topic\.json has the label"):
        open_folder(headed, "topic")


def test_reopen_checkpoint_head_that_changed_is_refused(headed):
    settings = ModelSettings(path=str(headed), head="topic")
    planned = open_folder(headed, "topic")
    path = headed / "topic.json"
    path.write_text(path.read_text().replace("sports", "chess"))
    with pytest.raises(CheckpointError, match="the same files on every node"):
        reopen_checkpoint(planned, settings)


def test_open_checkpoint_head_of_a_hub_repository_is_in_its_cache(headed, hub_cache):
    commit = hub_cache.add("owner/model", headed)
    named = ModelSettings(path="owner/model", revision=commit, head="topic")
    assert open_checkpoint(named).labels == TOPICS
