"""Where a checkpoint or a tokenizer comes from: a folder, a file, or a commit on the hub.

Enters: what the user wrote. Leaves: a local path, and a name that says where it came from. What
holds: nothing that can move, such as a branch, is taken.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download

from pipeline.errors import CheckpointError
from pipeline.training.importing import fairseq, lora
from pipeline.xmod.files import FETCHED, INDEX, SENTENCEPIECE, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS

PICKLED = "pytorch_model.bin"
POOLING = "1_Pooling/config.json"
SENTENCE_FILES = (
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    POOLING,
)
"""What sentence-transformers saves beside a model: how vectors are pooled, and prefixes."""

_COMMIT = re.compile("[0-9a-f]{40}")
_TOKENIZERS = (TOKENIZER, SENTENCEPIECE, TOKENIZER_CONFIG)
_FIRST = (*FETCHED, *SENTENCE_FILES, lora.CONFIG, lora.SAFETENSORS, *fairseq.DICTIONARIES)
_ELSE = ("pytorch_model*.bin", f"{PICKLED}.index.json", *fairseq.FILES, lora.PICKLED)
"""Fetched only where a repository has no safetensors, which other files would repeat."""
_SAFE = (WEIGHTS, INDEX, lora.SAFETENSORS)


@dataclass(frozen=True)
class Source:
    """A local path, and where it came from: itself, or ``owner/name@commit``."""

    path: Path
    name: str

    @property
    def on_hub(self) -> bool:
        """Whether it came from the hub."""
        return self.name != str(self.path)


def checkpoint_source(given: str) -> Source:
    """The checkpoint that the user gave; raises CheckpointError where there is none."""
    source = _located(given, "SOURCE", _FIRST)
    if not source.path.is_dir():
        raise CheckpointError(
            f"{source.path} is a file; expected the folder of a checkpoint, with its config beside "
            f"the weights. Give {source.path.parent}."
        )
    if source.on_hub and not any((source.path / name).exists() for name in _SAFE):
        return _located(given, "SOURCE", (*_FIRST, *_ELSE))
    return source


def tokenizer_source(given: str) -> Source:
    """The tokenizer that the user gave; raises CheckpointError where there is none."""
    return _located(given, "--tokenizer", _TOKENIZERS)


def file_digests(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Name and sha256 of each file."""
    for path in paths:
        with path.open("rb") as file:
            yield path.name, hashlib.file_digest(file, "sha256").hexdigest()


def _located(given: str, option: str, patterns: tuple[str, ...]) -> Source:
    path = Path(given).expanduser()
    if path.exists():
        return Source(path.absolute(), str(path.absolute()))  # a link keeps its file's suffix
    name, _, commit = given.partition("@")
    if path.is_absolute() or given.startswith(".") or name.count("/") != 1:
        raise CheckpointError(
            f"{option} is {given!a:.200}: neither a folder that is there nor owner/name@commit, a "
            "commit of a hub's repository. Check the path."
        )
    if _COMMIT.fullmatch(commit) is None:
        raise CheckpointError(
            f"{option} is {given!a:.200}, a hub name whose files could change; expected "
            f"{name}@ and a commit of 40 hexadecimal digits, as the repository's history lists it."
        )
    return Source(_fetched(name, commit, patterns, option), f"{name}@{commit}")


def _fetched(name: str, commit: str, patterns: tuple[str, ...], option: str) -> Path:
    try:
        return Path(snapshot_download(name, revision=commit, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's client raises many unrelated types
        raise CheckpointError(
            f"Cannot fetch {name} at commit {commit}: {type(error).__name__}. Check the name, the "
            f"commit and the network, or give {option} a local folder."
        ) from error
