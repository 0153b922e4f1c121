"""Where a checkpoint or a tokenizer comes from: a folder, a file, or a commit on the hub.

Enters: what the user wrote. Leaves: a local path, and a name that says where it came from. What
holds: nothing that can move, such as a branch, is taken.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CheckpointError
from pipeline.training.importing import fairseq, lora
from pipeline.xmod.files import CONFIGS, FETCHED, INDEX, TOKENIZER_FETCHED, WEIGHTS
from pipeline.xmod.hub import fetched, is_commit

PICKLED = "pytorch_model.bin"
_FIRST = (*FETCHED, CONFIGS, lora.SAFETENSORS, *fairseq.DICTIONARIES)
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


def checkpoint_source(given: str, option: str = "SOURCE") -> Source:
    """The checkpoint that the user gave; raises CheckpointError where there is none."""
    source = _located(given, option, _FIRST)
    if not source.path.is_dir():
        raise CheckpointError(
            f"{source.path} is a file; expected the folder of a checkpoint, with its config beside "
            f"the weights. Give {source.path.parent}."
        )
    if source.on_hub and not any((source.path / name).exists() for name in _SAFE):
        return _located(given, option, (*_FIRST, *_ELSE))
    return source


def tokenizer_source(given: str) -> Source:
    """The tokenizer that the user gave; raises CheckpointError where there is none."""
    return _located(given, "--tokenizer", TOKENIZER_FETCHED)


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
    if not is_commit(commit):
        raise CheckpointError(
            f"{option} is {given!a:.200}, a hub name whose files could change; expected "
            f"{name}@ and a commit of 40 hexadecimal digits, as the repository's history lists it."
        )
    return Source(fetched(name, commit, patterns, option), f"{name}@{commit}")
