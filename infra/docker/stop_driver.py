"""SIGTERM for the job that runs on this machine, and a wait until it has ended.

    python stop_driver.py jobs/annotate.py 40

Enters: a script as the job's command line names it, and how many seconds it may take. Leaves: exit
code 0 once no process runs the script, 1 where one still does. What holds: a process is told only
if it is a Python whose first argument is the script. The head's preStop hook runs it: Kubernetes
tells a container's first process alone, which is Ray, and Ray ends the driver without a word.
"""

import os
import signal
import sys
import time
from pathlib import Path

_LOOK_AGAIN_SECONDS = 0.2


def drivers(script: str) -> list[int]:
    """The processes of this machine that run ``script``."""
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdecimal() and _runs(folder, script)
    ]


def _runs(folder: Path, script: str) -> bool:
    try:
        command = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False  # it has ended since it was listed
    program = os.path.basename(command[0])
    return program.startswith(b"python") and command[1:2] == [os.fsencode(script)]


def stop(script: str, seconds: float) -> bool:
    """Tell all drivers once; whether they are gone ``seconds`` later at most."""
    for process in drivers(script):
        os.kill(process, signal.SIGTERM)
    last = time.monotonic() + seconds
    while drivers(script):
        if time.monotonic() > last:
            return False
        time.sleep(_LOOK_AGAIN_SECONDS)
    return True


if __name__ == "__main__":
    sys.exit(0 if stop(sys.argv[1], float(sys.argv[2])) else 1)
