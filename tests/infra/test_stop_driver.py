"""The head's preStop hook, with real processes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

STOP = Path(__file__).parents[2] / "infra" / "docker" / "stop_driver.py"

ENDS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
print("ready", flush=True)
signal.pause()
"""
STAYS = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


class Processes:
    """Python processes that are killed at the end of a test."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """One that has said it is ready."""
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        self.started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process


@pytest.fixture
def processes() -> Iterator[Processes]:
    found = Processes()
    yield found
    for process in found.started:
        process.kill()
        process.communicate()


def script(folder: Path, text: str) -> Path:
    path = folder / "annotate.py"
    path.write_text(text)
    return path


def stop(driver: Path, seconds: float) -> int:
    return subprocess.run([sys.executable, STOP, str(driver), str(seconds)], check=False).returncode


def test_driver_gets_sigterm_and_is_waited_for(tmp_path: Path, processes: Processes):
    driver = script(tmp_path, ENDS)
    process = processes.start(driver, "--config", "job.yaml")
    assert stop(driver, 30) == 0
    assert process.wait() == 75


def test_driver_that_does_not_end_is_reported(tmp_path: Path, processes: Processes):
    driver = script(tmp_path, STAYS)
    process = processes.start(driver)
    assert stop(driver, 0.5) == 1
    assert process.poll() is None


def test_process_that_only_names_the_script_is_left_alone(tmp_path: Path, processes: Processes):
    driver = script(tmp_path, ENDS)
    other = tmp_path / "other.py"
    other.write_text(ENDS)
    process = processes.start(other, driver)
    assert stop(driver, 30) == 0
    assert process.poll() is None


def test_machine_without_a_driver_is_stopped_at_once(tmp_path: Path):
    assert stop(tmp_path / "annotate.py", 30) == 0
