"""Weights of files that ``torch.save`` wrote, which could run code where they are unpickled.

Enters: a ``.bin`` or ``.pt`` file. Leaves: `Weights` that lie in it, and the settings that fairseq
saves beside them. What holds: the file is unpickled in a process of its own, which has a limit on
its memory and no credentials in its environment; a file that names code is refused.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import CheckpointError, on_one_line
from pipeline.training.importing import unpickling
from pipeline.training.importing.weights import BUFFERS, Place, Weights, require_dtype

_HANDED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "LANG")


@dataclass(frozen=True)
class Pickled:
    """What a file holds: its weights, and fairseq's ``cfg`` and ``args`` where it has them."""

    weights: Weights
    settings: dict[str, Any]


def read_pickled(path: Path, scratch: Path) -> Pickled:
    """What `path` holds; a file of an old format is copied to the folder `scratch`.

    Raises CheckpointError, in one line, for a file that is anything but tensors by name.
    """
    found = _asked(path, scratch)
    if "error" in found:
        raise CheckpointError(
            f"{path} cannot be read: {on_one_line(found['error'])}. Copy it again, or save its "
            "weights alone with model.save_pretrained(FOLDER) and import that folder."
        )
    data = Path(found["path"])
    weights = {
        name: _place(path, data, name, entry).weight()
        for name, entry in found["tensors"].items()
        if not name.endswith(BUFFERS)
    }
    return Pickled(weights, found["settings"])


def _place(path: Path, data: Path, name: str, entry: dict[str, Any]) -> Place:
    dtype = require_dtype(path, name, getattr(torch, entry["dtype"], entry["dtype"]))
    return Place(data, entry["offset"], dtype, tuple(entry["shape"]), tuple(entry["strides"]))


def _asked(path: Path, scratch: Path) -> dict[str, Any]:
    """What the process that unpickles `path` says of it."""
    environment = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-P", unpickling.__file__, str(path), str(scratch / f"{path.name}.copy")],
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"error": f"the process that unpickles it ended with code {done.returncode}"}
    return said
