"""Files of a repository on Hugging Face's hub, at a commit.

Enters: ``owner/name``, a commit and patterns of file names. Leaves: the folder in the hub's cache.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download

from pipeline.errors import CheckpointError

_COMMIT = re.compile("[0-9a-f]{40}")


def is_commit(revision: str | None) -> bool:
    """Whether ``revision`` cannot move, as a branch or a tag may."""
    return _COMMIT.fullmatch(revision or "") is not None


def fetched(name: str, commit: str, patterns: Sequence[str], key: str) -> Path:
    """The folder with the files; ``key`` is what could be set to a local one instead.

    Raises CheckpointError where they cannot be had.
    """
    try:
        return Path(snapshot_download(name, revision=commit, allow_patterns=list(patterns)))
    except Exception as error:  # the hub's client raises many unrelated types
        raise CheckpointError(
            f"Cannot fetch {name!r} at revision {commit!r}: {type(error).__name__}. Check the "
            f"name, the revision and the network, or set {key} to a local folder."
        ) from error
