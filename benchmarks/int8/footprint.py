"""What a side costs before it works, and while it lies there: a fresh process each.

Enters: a side's name. Leaves: a ``Footprint``; of a package, the size it has on disk. What holds:
seconds count from when torch is imported and the float32 weights are there, the import of the
side's own library included; compiled code is not taken from an earlier run.

    python -m benchmarks.int8.footprint 'int8 own' 2
"""

import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

_TOKENS = 256
_MORE = 4
"""Layers that are made after the first one, to know what one takes."""
_STATUS = Path("/proc/self/statm")


@dataclass(frozen=True)
class Footprint:
    """``ready``: seconds until the first answer; megabytes of each ``layer``, and those paid once.

    What is paid ``once`` is the side's library and its room to work in.
    """

    ready: float
    layer: float
    once: float


def footprint(name: str, threads: int) -> Footprint:
    """Of the side ``name``."""
    with TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.int8.footprint", name, str(threads)],
            env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    # Exporters print to the same place; the figures come last.
    return Footprint(**json.loads(done.stdout.splitlines()[-1]))


def package_megabytes(name: str) -> float:
    """What the files of an installed package take."""
    files = metadata.distribution(name).files or []
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


def _measure(name: str, threads: int) -> Footprint:
    import torch

    from benchmarks.int8.layer import hidden_states, linears
    from benchmarks.int8.sides import SIDES

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    make, hidden = SIDES[name].make, hidden_states(_TOKENS)
    before = _megabytes()
    weights = linears()
    start = time.perf_counter()
    held = [make(weights, threads)]
    held[0](hidden)
    ready = time.perf_counter() - start
    del weights
    one = _megabytes()
    for seed in range(_MORE):
        held.append(make(linears(seed), threads))
        held[-1](hidden)
    layer = (_megabytes() - one) / _MORE
    return Footprint(round(ready, 2), round(layer, 1), round(one - before - layer, 1))


def _megabytes() -> float:
    """What the process holds now, without what it has freed."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(_STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_measure(sys.argv[1], int(sys.argv[2])))) + "\n")
