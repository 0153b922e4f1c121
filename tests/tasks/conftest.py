"""Tiny checkpoints with the heads of the tasks."""

from collections.abc import Iterator

import pytest
import torch
from transformers.models.xmod.modeling_xmod import (
    XmodForCausalLM,
    XmodForMaskedLM,
    XmodForMultipleChoice,
    XmodForQuestionAnswering,
    XmodForSequenceClassification,
    XmodForTokenClassification,
)

from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import open_folder, save_checkpoint

TOPICS = ("sports", "politics", "science")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models are slower on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def ner(tmp_path_factory) -> Checkpoint:
    """BIO labels of three types."""
    folder = tmp_path_factory.mktemp("ner")
    return open_folder(save_checkpoint(folder, XmodForTokenClassification, spread=2))


@pytest.fixture(scope="session")
def io_ner(tmp_path_factory) -> Checkpoint:
    """Labels without prefix."""
    folder, labels = tmp_path_factory.mktemp("io"), ("PER", "O", "LOC")
    return open_folder(save_checkpoint(folder, XmodForTokenClassification, labels=labels, spread=2))


@pytest.fixture(scope="session")
def topic(tmp_path_factory) -> Checkpoint:
    """Three topics, one a text."""
    folder = tmp_path_factory.mktemp("topic")
    return open_folder(save_checkpoint(folder, XmodForSequenceClassification, labels=TOPICS))


@pytest.fixture(scope="session")
def tags(tmp_path_factory) -> Checkpoint:
    """Three topics that do not exclude each other."""
    folder = tmp_path_factory.mktemp("tags")
    kind = "multi_label_classification"
    return open_folder(
        save_checkpoint(folder, XmodForSequenceClassification, labels=TOPICS, problem_type=kind)
    )


@pytest.fixture(scope="session")
def grades(tmp_path_factory) -> Checkpoint:
    """Two numbers a text."""
    folder, labels = tmp_path_factory.mktemp("grades"), ("valence", "arousal")
    return open_folder(
        save_checkpoint(
            folder, XmodForSequenceClassification, labels=labels, problem_type="regression"
        )
    )


@pytest.fixture(scope="session")
def reranker(tmp_path_factory) -> Checkpoint:
    """One number a pair of texts, by a config that says nothing of it."""
    folder, labels = tmp_path_factory.mktemp("reranker"), ("LABEL_0",)
    return open_folder(save_checkpoint(folder, XmodForSequenceClassification, labels=labels))


@pytest.fixture(scope="session")
def answerer(tmp_path_factory) -> Checkpoint:
    """Starts and ends of answers."""
    folder, labels = tmp_path_factory.mktemp("answerer"), ("start", "end")
    return open_folder(save_checkpoint(folder, XmodForQuestionAnswering, labels=labels, spread=2))


@pytest.fixture(scope="session")
def chooser(tmp_path_factory) -> Checkpoint:
    """A score a choice."""
    return open_folder(save_checkpoint(tmp_path_factory.mktemp("chooser"), XmodForMultipleChoice))


@pytest.fixture(scope="session")
def masked(tmp_path_factory) -> Checkpoint:
    """Masked language model."""
    return open_folder(save_checkpoint(tmp_path_factory.mktemp("masked"), XmodForMaskedLM))


@pytest.fixture(scope="session")
def decoder(tmp_path_factory) -> Checkpoint:
    """Language model from left to right."""
    folder = tmp_path_factory.mktemp("decoder")
    return open_folder(save_checkpoint(folder, XmodForCausalLM, is_decoder=True))
