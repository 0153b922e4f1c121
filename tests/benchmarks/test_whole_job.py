import subprocess
import sys
import time

import pytest

from benchmarks.whole_job import in_turns

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

    seconds, cpu = in_turns(
        [sys.executable, str(tmp_path / "ticking.py"), str(ticks)], meanwhile, 0.5
    )

    assert set(cpu) >= {"ticking.py"}
    assert seconds > 2
    assert ticks.stat().st_size == 40
    assert len(seen) > 1
    assert all(before == after for before, after in seen)


def test_in_turns_command_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        in_turns([sys.executable, "-c", "raise SystemExit(3)"], lambda: None, 5)
