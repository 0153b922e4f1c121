"""An output on a disk that is full: a clear error, and the run goes on once there is space."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import IncompleteError, OutputError
from pipeline.output.publish import Publisher
from pipeline.storage import Store
from tests.chaos.test_crash_matrix import run, units_of
from tests.helpers.outputs import DECLARED, assert_exactly_once, make_block, make_unit


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here: not root, or a container without the right")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def publish_many(store: Store) -> None:
    for start in range(0, 600, 6):
        Publisher(store, DECLARED)(make_block(make_unit(start, start + 6)))


@pytest.mark.parametrize("left", [0, 4096, 8192, 16384, 32768])
def test_full_disk_is_said_and_nothing_is_torn(small_disk: Path, left: int):
    filler = small_disk / "filler"
    store = Store.open(str(small_disk / "out"))
    filler.write_bytes(bytes((256 << 10) - left))
    with pytest.raises((OutputError, IncompleteError), match=r"No space left|not committed"):
        run(store, "f" * 64)
    other = Store.open(str(small_disk / "other"))
    with pytest.raises(OutputError, match="No space left on device"):
        publish_many(other)
    for folder in (store, other):
        for path in folder.listing("data"):
            assert (folder.read(path) or b"")[-4:] == b"PAR1"

    filler.unlink()
    run(store, "f" * 64)
    assert_exactly_once(store, *units_of("f" * 64))
