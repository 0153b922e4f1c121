"""A checkpoint's files: where they are, and whether they are those that are meant.

Enters: the settings of a model. Leaves: its folder; the digest of its files, and their stamp. What
holds: a hub name is fetched at a pinned revision only, and of it only files that loading reads.
"""

import hashlib
import re
from pathlib import Path

from huggingface_hub import snapshot_download

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError

_FILES = ("*.safetensors", "*.json", "*.model")

_COMMIT = re.compile("[0-9a-f]{40}")
"""A branch or a tag may move."""

Stamp = tuple[tuple[str, int, int, int, int], ...]
"""Of each file its name, device, inode, size and time of change in nanoseconds."""


def locate(settings: ModelSettings) -> Path:
    """The folder, fetched if it is a hub's; raises CheckpointError where there is none."""
    folder = Path(settings.path)
    if folder.is_dir():
        return folder.resolve()
    if folder.is_absolute() or settings.path.startswith(".") or settings.path.count("/") != 1:
        raise CheckpointError(
            f"No model folder at {settings.path!r}, and it is no hub name (owner/name). "
            "Set model.path of the task in the config."
        )
    if _COMMIT.fullmatch(settings.revision or "") is None:
        raise CheckpointError(
            f"{settings.path!r} is a hub name with revision {settings.revision!r}: its files could "
            "change between two runs. Set model.revision to a commit, of 40 hexadecimal digits, or "
            "model.path to an existing folder."
        )
    try:
        return Path(
            snapshot_download(
                settings.path, revision=settings.revision, allow_patterns=list(_FILES)
            )
        )
    except Exception as error:  # the hub's client raises many unrelated types
        raise CheckpointError(
            f"Cannot fetch {settings.path!r} at revision {settings.revision!r}: "
            f"{type(error).__name__}. Check the name, the revision and the network, or set "
            "model.path to a local folder."
        ) from error


def stamp_of(folder: Path) -> Stamp:
    """What this machine knows the files by; another stamp need not mean other contents."""
    found = [(path.name, path.stat()) for path in _files(folder)]
    return tuple((name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns) for name, s in found)


def digest_of(folder: Path) -> str:
    """The sha256 of names and contents."""
    total = hashlib.sha256()
    for path in _files(folder):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.name} {content}\n".encode())
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for pattern in _FILES for path in folder.glob(pattern))
