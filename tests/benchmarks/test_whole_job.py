import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.harness import surroundings
from benchmarks.whole_job import Run, in_turns, record
from benchmarks.xmod_base import Windows

TICKING = """
import pathlib, subprocess, sys, time
if len(sys.argv) == 2:
    child = subprocess.Popen([sys.executable, __file__, sys.argv[1], "child"])
    child.wait()
else:
    for tick in range(40):
        with pathlib.Path(sys.argv[1]).open("a") as file:
            file.write(".")
        time.sleep(0.05)
"""


def test_in_turns_command_and_its_children_stand_still_meanwhile(tmp_path):
    (tmp_path / "ticking.py").write_text(TICKING)
    ticks = tmp_path / "ticks"
    seen: list[tuple[int, int]] = []

    def meanwhile() -> None:
        before = ticks.stat().st_size if ticks.exists() else 0
        time.sleep(0.3)
        seen.append((before, ticks.stat().st_size if ticks.exists() else 0))

    started = time.perf_counter()
    seconds, cpu = in_turns(
        [sys.executable, str(tmp_path / "ticking.py"), str(ticks)], meanwhile, 0.5
    )

    assert set(cpu) >= {"ticking.py"}
    stops = 0.3 * len(seen)  # which are none of its seconds
    assert seconds <= time.perf_counter() - started - stops
    assert ticks.stat().st_size == 40
    assert len(seen) > 1
    assert all(before == after for before, after in seen)


def test_in_turns_command_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        in_turns([sys.executable, "-c", "raise SystemExit(3)"], lambda: None, 5)


def test_record_compares_the_job_with_the_engine_and_tells_where_time_goes():
    stages = {
        "identify": {"cpu_seconds": 1.0, "cpu_share": 0.02},
        "annotate": {"cpu_seconds": 49.0, "cpu_share": 0.98},
    }
    base = Run(50.0, {"ray::MapWorker": 48.0}, {"stages": stages})
    demo = Run(40.0, {}, {"seconds": 30.0, "seconds_to_first_unit": 12.0})
    windows = Windows([np.arange(100)] * 4, [0] * 4)
    made = record(surroundings(), windows, [(100, 10.0, 19.0), (100, 8.0, 15.0)], base, demo)
    ratio, detection, first = (one.value for one in made.figures)
    assert (ratio.low, ratio.high) == pytest.approx((8 / 12.5, 8 / 10))
    assert detection.median == 2
    assert first.median == 22
    assert "| annotate | 49.0 | 98.0% |" in made.markdown()
