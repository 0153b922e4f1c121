"""What a language detector costs before it answers; run in a fresh process, by ``fresh``.

Seconds count from the start of the process, the interpreter's and all imports included.
"""

import json
import time
from pathlib import Path

from benchmarks.fresh import peak_megabytes

BASELINE = "numpy, pyarrow"
"""What a job's process holds whatever its detector."""


def measure(name: str, started: str, path: str, model: str = "") -> dict[str, float]:
    """When the detector is made, when it has answered the texts in ``path``, its peak memory."""
    start = float(started)
    if name == BASELINE:
        import numpy as np  # noqa: F401
        import pyarrow as pa  # noqa: F401

        ready = answered = time.time() - start
    else:
        from pipeline.language.detector import make_detector
        from pipeline.language.xmod_base import XMOD_BASE

        detector = make_detector(name, XMOD_BASE, Path(model) if model else None)
        ready = time.time() - start
        detector.detect(json.loads(Path(path).read_text()))
        answered = time.time() - start
    return {"ready": ready, "answered": answered, "megabytes": peak_megabytes()}
