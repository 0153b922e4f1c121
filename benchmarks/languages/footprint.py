"""What a detector costs before it answers: seconds and memory, in a process of its own.

Enters: a detector's name, a thousand texts. Leaves: a ``Footprint``. What holds: the process makes
one detector for all X-MOD languages and does nothing else; seconds count from its start, the
interpreter's and all imports included; the baseline imports numpy and pyarrow, which the job
holds whatever its detector.

    python -m benchmarks.languages.footprint cascade < texts.json
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

BASELINE = "numpy, pyarrow"
TEXTS = 1000

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Footprint:
    """``ready``: seconds until the detector is made; ``answered``: until it answered all texts.

    ``megabytes``: the most memory that the process ever held.
    """

    ready: float
    answered: float
    megabytes: float


def footprint(name: str, texts: Sequence[str], model: Path | None) -> Footprint:
    """Of the detector ``name``, or of ``BASELINE``, in a fresh process."""
    start = time.time()
    arguments = [name, str(start), *([str(model)] if model else [])]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.languages.footprint", *arguments],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Footprint(**json.loads(done.stdout))


def _measure(name: str, start: float, model: Path | None) -> Footprint:
    if name == BASELINE:
        import numpy as np  # noqa: F401
        import pyarrow as pa  # noqa: F401

        ready = answered = time.time() - start
    else:
        from pipeline.language.detector import make_detector
        from pipeline.language.xmod_base import XMOD_BASE

        detector = make_detector(name, XMOD_BASE, model)
        ready = time.time() - start
        detector.detect(json.load(sys.stdin))
        answered = time.time() - start
    return Footprint(round(ready, 3), round(answered, 3), round(_peak_megabytes(), 1))


def _peak_megabytes() -> float:
    """The kernel's high-water mark.

    Not getrusage's ``ru_maxrss``: Linux carries the parent's over into a process that it starts.
    """
    marks = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(marks["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    _name, _start, *_model = sys.argv[1:]
    _path = Path(_model[0]) if _model else None
    sys.stdout.write(json.dumps(asdict(_measure(_name, float(_start), _path))))
