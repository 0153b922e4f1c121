"""Tiny saved checkpoints, one a kind of head."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers.models.xmod.modeling_xmod import (
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
)

from tests.helpers.checkpoints import save_checkpoint, save_heads


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models are slower on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def ner_folder(tmp_path_factory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("ner"), XmodForTokenClassification)


@pytest.fixture(scope="session")
def topic_folder(tmp_path_factory) -> Path:
    labels = ("sports", "politics", "science")
    folder = tmp_path_factory.mktemp("topic")
    return save_checkpoint(folder, XmodForSequenceClassification, labels=labels)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("encoder"), XmodModel)


@pytest.fixture
def copied(ner_folder, tmp_path) -> Path:
    """A checkpoint to spoil."""
    return Path(shutil.copytree(ner_folder, tmp_path / "copied"))


@pytest.fixture
def headed(tmp_path) -> Path:
    """One encoder with three heads."""
    return save_heads(tmp_path / "headed")
