"""A cache of the model hub as its client leaves it: hub names without a network."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants


class HubCache:
    """A folder with repositories in the layout of ``huggingface_hub``; the network is off."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self._folder = folder
        environment.setattr(constants, "HF_HUB_CACHE", str(folder))
        environment.setattr(constants, "HF_HUB_OFFLINE", True)
        environment.setenv("HF_HUB_CACHE", str(folder))  # for other processes
        environment.setenv("HF_HUB_OFFLINE", "1")

    def add(self, name: str, files: Path, *, without: str = "") -> str:
        """Put ``files`` there as the repository ``name``, but those that match; its commit."""
        commit = hashlib.sha1(name.encode()).hexdigest()
        repository = self._folder / f"models--{name.replace('/', '--')}"
        snapshot, blobs = repository / "snapshots" / commit, repository / "blobs"
        snapshot.mkdir(parents=True)
        blobs.mkdir()
        left_out = set(files.glob(without)) if without else set()
        for path in sorted(set(files.iterdir()) - left_out):
            shutil.copy(path, blobs / path.name)
            (snapshot / path.name).symlink_to(os.path.relpath(blobs / path.name, snapshot))
        return commit
