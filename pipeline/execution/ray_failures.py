"""Ray's exceptions → one sentence each, as a PipelineError, without a traceback."""

import re

from pipeline import errors
from pipeline.errors import ClusterError, ConfigError, PipelineError

MISSING_PACKAGE = (
    "Install it on the machines of the cluster, as the image does (docs/kubernetes.md), or hand in "
    "the job with `ray job submit --working-dir . --runtime-env infra/ray/runtime_env.yaml`."
)

_OURS = re.compile(r"^pipeline\.errors\.(\w+): (.*)", re.DOTALL | re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NOT_THERE = re.compile(r"^ModuleNotFoundError: (No module named .*)$", re.MULTILINE)


def explained(error: BaseException, doing: str) -> PipelineError:
    """Why Ray failed at ``doing``, such as "create an actor"."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, PipelineError):
            return seen
        seen = getattr(seen, "cause", None) or seen.__cause__
    # Of an actor that could not be made Ray has the text alone.
    if quoted := list(_OURS.finditer(str(error))):
        name, message = quoted[-1].groups()
        return getattr(errors, name, ClusterError)(message.strip())
    if missing := _NOT_THERE.search(str(error)):
        return ConfigError(f"A machine of the cluster has {missing[1].lower()}. {MISSING_PACKAGE}")
    return ClusterError(
        f"Ray could not {doing}: {_named(error)}. See Ray's log, and run the same command again to "
        "go on."
    )


def _named(error: BaseException) -> str:
    """What a worker raised is only named: its message may hold a record's text."""
    raised = getattr(error, "cause", None)
    if isinstance(raised, BaseException):
        return f"a worker raised {type(raised).__module__}.{type(raised).__name__}"
    first = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {_COLOURS.sub('', first).rstrip('.')}"
