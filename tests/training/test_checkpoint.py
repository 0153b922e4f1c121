"""A folder that is whole or not there, and that never reaches into another."""

import os

import pytest
import torch
from safetensors.torch import load_file
from transformers import XmodForTokenClassification

from pipeline.errors import CheckpointError
from pipeline.training.base import load
from pipeline.training.checkpoint import new_checkpoint, stored_dtype, write_model
from pipeline.xmod.files import CONFIG, INDEX, TOKENIZER, WEIGHTS
from tests.helpers.checkpoints import open_folder, save_checkpoint, tiny_model, tiny_tokenizer


@pytest.fixture
def earlier(tmp_path):
    """A checkpoint that is to be replaced."""
    return save_checkpoint(tmp_path / "earlier", XmodForTokenClassification)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def replace(out, earlier, more=lambda folder: None):
    """Write another checkpoint to `out`, and what `more` does to its folder."""
    model = tiny_model(XmodForTokenClassification, labels=("O", "B-X", "I-X"))
    with new_checkpoint(out) as folder:
        write_model(model, tiny_tokenizer(), folder, stored_dtype(earlier))
        more(folder)


def test_new_checkpoint_takes_the_place_of_an_earlier_one(earlier):
    (earlier / "notes.txt").write_text("mine")
    (earlier / "other.safetensors").write_bytes(b"")
    (earlier / INDEX).write_text("{}")
    replace(earlier, earlier)
    expected = {CONFIG, WEIGHTS, TOKENIZER, "tokenizer_config.json", "notes.txt"}
    assert set(contents(earlier)) == expected
    assert open_folder(earlier).labels == ("O", "B-X", "I-X")


def test_new_checkpoint_that_fails_leaves_the_earlier_one(earlier):
    before = contents(earlier)
    with pytest.raises(FileNotFoundError):
        replace(earlier, earlier, lambda folder: (folder / "curves" / "loss.png").touch())
    assert contents(earlier) == before


def test_new_checkpoint_cut_short_while_it_moves_is_no_checkpoint(earlier):
    """The folder in the way stands for whatever ends the process."""
    (earlier / "README.md").mkdir()
    with pytest.raises(IsADirectoryError):
        replace(earlier, earlier, lambda folder: (folder / "README.md").touch())
    with pytest.raises(CheckpointError, match=r"no \*\.safetensors weights|no config\.json"):
        open_folder(earlier)


def test_new_checkpoint_writes_through_no_link(earlier, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in earlier.iterdir():
        (linked / path.name).symlink_to(os.path.relpath(path, linked))
    before = contents(earlier)
    replace(linked, earlier)
    assert contents(earlier) == before
    assert not any(path.is_symlink() for path in linked.iterdir())


def test_new_checkpoint_replaces_the_file_that_its_own_weights_are_mapped_from(earlier):
    expected = load_file(earlier / WEIGHTS)
    model, _ = load(open_folder(earlier), XmodForTokenClassification, {})
    with new_checkpoint(earlier) as folder:
        write_model(model, tiny_tokenizer(), folder, stored_dtype(earlier))
    written, mapped = load_file(earlier / WEIGHTS), dict(model.named_parameters())
    assert written.keys() == expected.keys() == mapped.keys()
    for name, weight in expected.items():
        assert torch.equal(written[name], weight), name
        assert torch.equal(mapped[name], weight), name


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_new_checkpoint_has_the_modes_that_the_umask_says(tmp_path, earlier, mask):
    before = os.umask(mask)
    try:
        replace(tmp_path / "out", earlier)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert modes == {0o666 & ~mask}
