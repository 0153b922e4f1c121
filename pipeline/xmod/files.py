"""The files of a checkpoint that loading reads: which they are, and what identifies them.

Enters: a checkpoint's folder. Leaves: paths, JSON values, a stamp and a digest. What holds: loading
opens the files named here and no other; each is a regular file of the folder, or a link to one, as
in the hub's cache.
"""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from pipeline.errors import CheckpointError

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
SENTENCEPIECE = "sentencepiece.bpe.model"
"""The tokenizer of checkpoints such as SwissBERT's; not read beside ``TOKENIZER``."""
TOKENIZER_CONFIG = "tokenizer_config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Names the file of each weight, where there are several; not read beside ``WEIGHTS``."""

MODULES = "modules.json"
POOLING = "1_Pooling/config.json"
PROMPTS = "config_sentence_transformers.json"
LENGTH = "sentence_bert_config.json"
"""What sentence-transformers says of a checkpoint's vectors; in few checkpoints."""
SENTENCE_FILES = (MODULES, POOLING, PROMPTS, LENGTH)

TOKENIZER_FETCHED = (TOKENIZER, SENTENCEPIECE, TOKENIZER_CONFIG)
"""What is fetched of a hub's repository of which only the tokenizer is wanted."""
FETCHED = (CONFIG, *TOKENIZER_FETCHED, INDEX, "*.safetensors", *SENTENCE_FILES)
"""What is fetched of a hub's repository."""
CONFIGS = "*.json"
"""What is fetched beside, where one of several heads is wanted: their configs."""

_MAX_BYTES = 64 << 20
"""A tokenizer of 250,000 pieces takes 17 million bytes, a config some thousands."""

Stamp = tuple[tuple[str, int, int, int, int, int], ...]
"""Each file's name, device, inode, size, and times of change of its content and of its state."""


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files with the weights; none where there is neither a file nor an index.

    Raises CheckpointError where the index names anything but safetensors files of the folder.
    """
    if (folder / WEIGHTS).exists():
        return (folder / WEIGHTS,)
    if not (folder / INDEX).exists():
        return ()
    places = read_object(folder / INDEX).get("weight_map")
    names: list[Any] = list(places.values()) if isinstance(places, dict) else [places]
    for name in names:
        if not isinstance(name, str) or not _is_plain(name) or not name.endswith(".safetensors"):
            raise CheckpointError(
                f"{folder / INDEX} names the file {name!r:.200}; expected names of *.safetensors "
                "files in the same folder. Copy the checkpoint again."
            )
    return tuple(folder / name for name in sorted(set(names)))


def tokenizer_file(folder: Path) -> Path:
    """The file with the tokenizer, which may not be there."""
    found = folder / TOKENIZER
    return found if found.exists() else folder / SENTENCEPIECE


def head_file(head: str | None) -> str:
    """The name of the config of ``head``; that of the folder without one."""
    return CONFIG if head is None else f"{head}.json"


def heads_of(folder: Path) -> list[str]:
    """The heads that have a config of their own in ``folder``, sorted."""
    return sorted(path.stem for path in folder.glob("*.json") if is_head(path))


def is_head(path: Path) -> bool:
    """Whether ``path`` is the config of one of the heads of its folder."""
    values = read_json(path) if path.is_file() and path.name != CONFIG else None
    return isinstance(values, dict) and values.get("model_type") == "xmod"


def read_files(folder: Path, tokenizer: Path | None = None, head: str | None = None) -> list[Path]:
    """All files that loading reads, by name; ``tokenizer`` is its folder where it is another."""
    own = tokenizer or folder
    named = [
        *(folder / name for name in dict.fromkeys((CONFIG, head_file(head), *SENTENCE_FILES))),
        *(tokenizer_file(own), own / TOKENIZER_CONFIG),
    ]
    weights = weight_files(folder)
    index = [] if weights in ((), (folder / WEIGHTS,)) else [folder / INDEX]
    found = [*(path for path in named if path.exists()), *index, *weights]
    return sorted(found, key=lambda path: _name(path, folder))


def stamp_of(folder: Path, tokenizer: Path | None = None, head: str | None = None) -> Stamp:
    """What identifies the files on this machine; equal contents may have another stamp."""
    files = read_files(folder, tokenizer, head)
    found = [(_name(path, folder), _regular(path).stat()) for path in files]
    return tuple(
        (name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found
    )


def require_unchanged(
    folder: Path, stamp: Stamp, tokenizer: Path | None = None, head: str | None = None
) -> None:
    """Raise CheckpointError unless the files that loading reads still have ``stamp``."""
    if stamp_of(folder, tokenizer, head) != stamp:
        raise CheckpointError(
            f"The files of {folder} have changed since they were checked. Run the job again."
        )


def digest_of(folder: Path, tokenizer: Path | None = None, head: str | None = None) -> str:
    """The sha256 of the files' names and contents, wherever the tokenizer's are."""
    total = hashlib.sha256()
    for path in read_files(folder, tokenizer, head):
        with _regular(path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{_name(path, folder)} {content}\n".encode())
    return total.hexdigest()


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; raises CheckpointError where there is none."""
    values = read_json(path)
    if not isinstance(values, dict):
        raise CheckpointError(
            f"{path} holds a {type(values).__name__}; expected an object. Copy the checkpoint "
            "again."
        )
    return values


def read_json(path: Path) -> object:
    """The value in ``path``; CheckpointError where it is no JSON, or of absurd length."""
    try:
        return json.loads(read_small(path))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not readable JSON: {type(error).__name__}. Copy the checkpoint again."
        ) from error


def read_small(path: Path) -> bytes:
    """The bytes of ``path``, anything but weights; CheckpointError where it is of absurd length."""
    with _regular(path).open("rb") as file:
        body = file.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise CheckpointError(
            f"{path} has {path.stat().st_size} bytes; expected at most {_MAX_BYTES}. Check that "
            "it belongs to the checkpoint."
        )
    return body


def _name(path: Path, folder: Path) -> str:
    """The file's name, in whichever folder it is; of the pooling's config, which is below, both."""
    return POOLING if path == folder / POOLING else path.name


def _is_plain(name: str) -> bool:
    """Whether ``name`` is that of a file in the folder, on any system."""
    return name.isprintable() and not set(name) & set("/\\:")


def _regular(path: Path) -> Path:
    """``path``, which a pipe, a device or a folder must not be."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {type(error).__name__}. Copy the checkpoint again."
        ) from error
    if not stat.S_ISREG(mode):
        raise CheckpointError(f"{path} is not a file. Copy the checkpoint again.")
    return path
