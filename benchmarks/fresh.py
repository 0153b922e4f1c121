"""A function in a process of its own, so that its seconds and memory are of its work alone.

Imports no more than it needs, because what it imports is measured along.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def fresh(
    function: str,
    *arguments: object,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Any:  # noqa: ANN401 # whatever JSON the function returns
    """What ``module:function`` returns in a process of its own, called with strings.

    ``prefix`` starts the process, such as ``taskset -c 0``. Raises CalledProcessError if it fails.
    """
    module, name = function.split(":")
    code = (
        f"import json, sys; from {module} import {name}; "
        f"print('\\n' + json.dumps({name}(*sys.argv[1:])))"
    )
    done = subprocess.run(
        [*prefix, sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    return json.loads(done.stdout.splitlines()[-1])


def peak_megabytes() -> float:
    """The most memory that this process ever held.

    From the kernel's VmHWM, because Linux carries getrusage's ``ru_maxrss`` over from the parent.
    """
    marks = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(marks["VmHWM"].split()[0]) / 1024
