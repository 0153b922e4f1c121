"""A connection to the Ray cluster at ``RAY_ADDRESS``, or a Ray of this machine for the duration.

An existing connection is used and stays. Ray's token authentication is left as configured. A
cluster that cannot be used gives one sentence within half a minute.
"""

import logging
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import grpc
import ray
from ray._private import ray_constants
from ray._private.authentication.authentication_token_generator import (
    generate_new_authentication_token,
)
from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
from ray._private.grpc_utils import init_grpc_channel
from ray._private.ray_constants import GLOBAL_GRPC_OPTIONS
from ray._private.services import canonicalize_bootstrap_address
from ray._raylet import AuthenticationTokenLoader, GcsClient  # type: ignore[attr-defined]
from ray.exceptions import AuthenticationError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import pipeline
from pipeline.config import RuntimeSettings
from pipeline.errors import ClusterError, ConfigError, PipelineError
from pipeline.execution.ray_failures import MISSING_PACKAGE, explained

_ANSWERS_WITHIN = 15
"""Seconds for a head to answer. Ray itself asks for seven minutes, and warns on the console."""

_LOOKS_WITHIN = 60
"""Seconds for machines to say which version they have; one that is slower is asked no more."""

_NEEDED = ("pipeline", "pyarrow", "torch", "transformers")

_HOW_TO_CONNECT = (
    "Set RAY_ADDRESS to host:port of the head as seen from a machine of the cluster, or hand the "
    "job in with `ray job submit --address http://HEAD:8265 --working-dir . -- python …`."
)


@contextmanager
def connected(cpus: float, *, log_to_driver: bool = False) -> Iterator[None]:
    """Ray with ``cpus`` or more, if it is of this machine; of a cluster, what it has.

    In a process that is connected already, that connection is used and stays. Raises ConfigError
    where another try would fail as well, and ClusterError where it may not.
    """
    if ray.is_initialized():
        yield
        return
    # Ray tells the console of each process that dies; the run does, with what it had.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": log_to_driver}
    address = os.environ.get("RAY_ADDRESS") or "local"
    if address == "local":
        # On its own machine a job may count more CPUs than there are: the kernel shares them out.
        options |= {"include_dashboard": False}
        options |= {"num_cpus": max(os.cpu_count() or 1, math.ceil(cpus))}
    else:
        _require_answer(address)
    try:
        with _quiet_core(), _own_ray() if address == "local" else nullcontext():
            ray.init(address=address, **options)
    except (RayError, OSError, RuntimeError, ValueError, TimeoutError) as error:
        raise _explained(address, error) from error
    try:
        if address != "local":
            _require_package()
        yield
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Raise unless a head is at ``address`` and takes our token."""
    if address.startswith("ray://"):
        raise ConfigError(
            f"RAY_ADDRESS is {address}, of Ray's client, which cannot run Ray Data from here. "
            f"{_HOW_TO_CONNECT}"
        )
    try:
        head = canonicalize_bootstrap_address(address)
    except (ValueError, ConnectionError) as error:
        raise ConfigError(f"RAY_ADDRESS is {address!r}: {error}. {_HOW_TO_CONNECT}") from error
    if head is None:
        raise ClusterError(f"RAY_ADDRESS is {address!r}, and no Ray runs on this machine.")
    try:
        ensure_token_if_auth_enabled(create_token_if_missing=False)
        with init_grpc_channel(head, GLOBAL_GRPC_OPTIONS) as channel:
            grpc.channel_ready_future(channel).result(_ANSWERS_WITHIN)
        with _quiet_core():
            GcsClient(address=head)
    except grpc.FutureTimeoutError as error:
        raise ClusterError(
            f"No Ray head answers at {address} (RAY_ADDRESS) within {_ANSWERS_WITHIN} seconds. "
            f"Check that it runs, its port and the network. {_HOW_TO_CONNECT}"
        ) from error
    except (RayError, RuntimeError, OSError) as error:
        raise _explained(address, error) from error


@contextmanager
def _own_ray() -> Iterator[None]:
    """A Ray that is started inside listens on 127.0.0.1 only, and its token file is private.

    Ray replaces ``_node_ip_address="127.0.0.1"`` by an address of the network, except on systems
    on which it supports no clusters.
    """
    _keep_token_private()
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _keep_token_private() -> None:
    """Give Ray's token file mode 0600, creating it if needed: Ray would create it with 0644."""
    path = Path.home() / ".ray" / "auth_token"
    tokens = AuthenticationTokenLoader.instance()
    if os.environ.get("RAY_AUTH_MODE", "token") == "token" and not tokens.has_token(
        ignore_auth_mode=True
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # has mode 0600
            file.write(generate_new_authentication_token())
            file.flush()
            with suppress(OSError):  # another command was faster
                os.link(file.name, path)
        tokens.reset_cache()
    with suppress(OSError):  # it is missing, or another user's
        path.chmod(0o600)


@contextmanager
def _quiet_core() -> Iterator[None]:
    """Ray's C++ core has nothing to say on standard error: what fails is raised, too."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _require_package() -> None:
    """Raise ConfigError unless the machines that give CPUs have this version of the package."""
    machines = {
        node["NodeID"]: node["NodeManagerHostname"]
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"] and node["Resources"].get("CPU")
    }
    look = ray.remote(num_cpus=0, max_retries=1)(_version)
    there = {node: NodeAffinitySchedulingStrategy(node, soft=True) for node in machines}
    seen = {
        look.options(scheduling_strategy=there[node]).remote(_NEEDED): name
        for node, name in machines.items()
    }
    ready, _ = ray.wait(list(seen), num_returns=len(seen), timeout=_LOOKS_WITHIN)
    for reference in ready:
        try:
            found = ray.get(reference)
        except RayError as error:
            raise explained(error, f"start a process on machine {seen[reference]}") from error
        if found != pipeline.__version__:
            raise ConfigError(
                f"Machine {seen[reference]} of the cluster has {found}; expected version "
                f"{pipeline.__version__} of xmod-pipeline, as here. {MISSING_PACKAGE}"
            )


def _version(needed: Sequence[str]) -> str:
    """The version of the package on the machine, or which module it has not."""
    from importlib.util import find_spec

    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        return f"no module named {', '.join(missing)}"
    import pipeline

    return f"{pipeline.__version__}"


_version.__module__ = "__main__"  # so that Ray sends it by value, not by a name of the package


def _explained(address: str, error: Exception) -> PipelineError:
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, AuthenticationError):
        seen = seen.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if seen is not None or "AuthenticationError" in str(error):
        return ConfigError(
            f"The Ray head at {address} does not take this token. Set RAY_AUTH_MODE=token and "
            "RAY_AUTH_TOKEN_PATH to the file of the cluster's token (or RAY_AUTH_TOKEN to the "
            "token itself)."
        )
    if "ersion mismatch" in str(error):
        return ConfigError(
            f"The cluster at {address} runs other versions than this process: "
            f"{' '.join(str(error).split())} Use the cluster's Python and Ray here."
        )
    what = "Ray cannot start" if address == "local" else f"No connection to Ray at {address}"
    return ClusterError(f"{what}: {lines[0]}. {'' if address == 'local' else _HOW_TO_CONNECT}")


@contextmanager
def cluster(runtime: RuntimeSettings) -> Iterator[None]:
    """A connection to the cluster at ``RAY_ADDRESS``, or a Ray of this machine for the while."""
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with connected(runtime.actors.max * runtime.cpus_per_actor):
        yield
