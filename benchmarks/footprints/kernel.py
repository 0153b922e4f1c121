"""What processes hold, by the kernel's account.

Enters: a process. Leaves: ``Held``. What holds: megabytes are of 1,000,000 bytes, as a checkpoint's
are; pages of files count as soon as a process has mapped them, whoever read them from the disk.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Held:
    """Megabytes: ``resident``; ``proportional``, shared pages divided; ``private``, nobody else's.

    They are known as RSS, PSS and USS. Over all processes that share pages PSS adds up to what the
    machine holds.
    """

    resident: float
    proportional: float
    private: float


def held(process: int) -> Held:
    """What ``process`` holds now."""
    lines = (_PROC / str(process) / "smaps_rollup").read_text().splitlines()[1:]
    fields = (line.split() for line in lines)
    sizes = {name: 1024 * int(kibibytes) / 1e6 for name, kibibytes, _ in fields}
    private = sizes["Private_Clean:"] + sizes["Private_Dirty:"]
    return Held(sizes["Rss:"], sizes["Pss:"], private)


def settle(path: Path) -> None:
    """Bring ``path`` into the page cache, and written back to the disk.

    A page that was written lately is the cache's alone, and counts as private to who reads it.
    """
    os.sync()
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 24):
            pass
