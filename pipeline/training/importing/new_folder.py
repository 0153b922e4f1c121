"""A folder that appears whole, or not at all.

It is written beside its final place and then moved there, which a file system does in one step.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import CheckpointError, ConfigError, OutputError


def require_free(out: Path) -> None:
    """Raise ConfigError unless `out` is a new or an empty folder."""
    if os.path.lexists(out) and not (out.is_dir() and not out.is_symlink() and not os.listdir(out)):
        raise ConfigError(
            f"--out is {out}, which is there already; expected a new or an empty folder. Choose "
            "another one, or remove it."
        )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out`, which becomes `out` once the block has ended without an error."""
    folder: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        yield folder
        folder.chmod(0o777 & ~_umask())
        folder.rename(out)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror or type(error).__name__}. Check the disk's "
            "free space and the folder's permissions, or choose another --out."
        ) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def in_terms_of(folder: Path, source: str) -> Iterator[None]:
    """Errors of the block name `source`, not `folder`, which nobody will find."""
    try:
        yield
    except CheckpointError as error:
        message = str(error).partition(" Run: ")[0]  # this is the command that it would say
        raise CheckpointError(message.replace(str(folder), source)) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
