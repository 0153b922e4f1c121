"""The resources of a run, reserved as a whole before it starts, or not at all.

Enters: a ``Request``. Leaves: a ``Reservation``: a Ray placement group with a bundle for each
actor. What holds: read and publish tasks reserve no CPU, so that they never wait for another job's
actors; a run that waits for resources holds none and says what it waits for. A reservation that
loses a machine is released and made anew: Ray 2.60 retries a bundle that fits nowhere without a
pause, and the whole cluster waits for that.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import ray
from ray.util.placement_group import (
    PlacementGroup,
    placement_group,
    placement_group_table,
    remove_placement_group,
)
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from pipeline.config import RuntimeSettings
from pipeline.errors import ClusterError, ConfigError, StoppedError
from pipeline.execution.stop import Stopped, never

logger = logging.getLogger(__name__)

_TELL_SECONDS = 30
_POLL_SECONDS = 1


class MachineLostError(Exception):
    """A machine of the reservation is lost. Caught by the run, which reserves anew."""


@dataclass(frozen=True)
class Reservation:
    """Room for ``actors`` actors; there may be ``most`` once the cluster has room for more."""

    group: PlacementGroup
    actors: int
    most: int
    machines: frozenset[str] = frozenset()
    """Ids of the Ray nodes that hold its bundles."""

    @property
    def strategy(self) -> PlacementGroupSchedulingStrategy:
        """Places an actor in the reservation."""
        return PlacementGroupSchedulingStrategy(self.group)

    def strategies(self) -> Iterator[PlacementGroupSchedulingStrategy | str]:
        """For one actor after the other: in the reservation, and beyond it wherever there is room.

        After ``most`` of them it begins anew: these are in place of some that are gone.
        """
        reserved = [self.strategy] * self.actors
        return cycle([*reserved, *["SPREAD"] * (self.most - self.actors)])

    def require_machines(self) -> None:
        """Raise MachineLostError unless all of its machines are alive."""
        if not self.machines <= {machine["NodeID"] for machine in _machines()}:
            raise MachineLostError

    def task_options(self) -> dict[str, object]:
        """Ray's options of the tasks beside the actors: which machines they are spread over.

        Not those without a CPU to give, as heads mostly are, nor those with GPUs where others are
        at hand.
        """
        machines = [(one["NodeID"], one["Resources"]) for one in _machines()]
        working = {node for node, has in machines if has.get("CPU")}
        plain = {node for node, has in machines if node in working and not has.get("GPU")}
        spared = sorted({node for node, _ in machines} - (plain or working))
        options: dict[str, object] = {"scheduling_strategy": "SPREAD"}
        if working and spared:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(spared)})"}
        return options


@dataclass(frozen=True)
class Request:
    """``most`` bundles of ``bundle``, such as ``{"CPU": 1}``; ``least`` will do.

    With ``least`` 0 one will do, on a machine that may still have to join. ``timeout`` is in
    seconds.
    """

    bundle: Mapping[str, float]
    least: int
    most: int
    timeout: float

    @classmethod
    def of_actors(cls, runtime: RuntimeSettings, units: int) -> "Request":
        """For the actors of a run, of which ``units`` keep no more than one each busy."""
        bundle = {"CPU": runtime.cpus_per_actor, "GPU": runtime.gpus_per_actor}
        actors = runtime.actors
        return cls(
            {name: number for name, number in bundle.items() if number},
            min(actors.min, units),
            min(actors.max, units),
            runtime.start_timeout,
        )

    def anew(self) -> "Request":
        """The request for as many bundles as the remaining machines have room for."""
        return replace(self, least=0)

    def unmet(self, waited: float) -> str:
        """What is waited for, and since when."""
        return (
            f"no room for {max(1, self.least)} x {_listed(self.bundle)} after {waited:.0f} of "
            f"{self.timeout:g} seconds (start_timeout); of {_listed(_total())} {_listed(_free())} "
            "are free"
        )


@contextmanager
def reserved(request: Request, stopped: Stopped = never) -> Iterator[Reservation]:
    """Room for what is requested: as much of it as is free now, the least at least.

    Raises ConfigError where the cluster can never hold the least, ClusterError where it has no room
    in time, and StoppedError once it is ``stopped``.
    """
    _require_machines(request)
    group = _granted(request, stopped)
    try:
        places = placement_group_table(group)["bundles_to_node_id"].values()
        yield Reservation(group, len(group.bundle_specs), request.most, frozenset(places))
    finally:
        remove_placement_group(group)


def _require_machines(request: Request) -> None:
    """Raise ConfigError unless the machines of the cluster can hold the least at all."""
    machines = [machine["Resources"] for machine in _machines()]
    room = sum(_fitting(machine, request.bundle) for machine in machines)
    if room < request.least:
        raise ConfigError(
            f"{request.least} x {_listed(request.bundle)} do not fit on the cluster, which has "
            f"room for {room}: its machines have {'; '.join(_listed(one) for one in machines)}. "
            "Set lower what the section runtime of the config asks for: the number of processes, "
            "or the CPUs or GPUs of each."
        )


def _granted(request: Request, stopped: Stopped) -> PlacementGroup:
    """The bundles once all of them are granted."""
    least = max(1, request.least)
    number = max(least, min(request.most, _fitting(_free(), request.bundle)))
    group: PlacementGroup = placement_group([dict(request.bundle)] * number)
    begun = told = time.monotonic()
    try:
        while not group.wait(_POLL_SECONDS):
            now = time.monotonic()
            if stopped():
                raise StoppedError(
                    "Told to stop before the cluster had room. Run the same command again to "
                    "start anew."
                )
            if now - begun >= request.timeout:
                raise ClusterError(
                    f"The job could not start: {request.unmet(now - begun)}. Run it again once "
                    "other jobs have ended, or add machines."
                )
            if now - told >= _TELL_SECONDS:
                told = now
                logger.warning("waiting to start: %s", request.unmet(now - begun))
                if len(group.bundle_specs) > least:
                    remove_placement_group(group)
                    group = placement_group([dict(request.bundle)] * least)
    except BaseException:
        remove_placement_group(group)
        raise
    return group


def _machines() -> list[dict[str, Any]]:
    """Ray's records of the machines that are there."""
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _total() -> dict[str, float]:
    total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return total


def _free() -> dict[str, float]:
    """What nobody holds, with a zero for what is all held."""
    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    return dict.fromkeys(_total(), 0.0) | free


def _fitting(resources: Mapping[str, float], bundle: Mapping[str, float]) -> int:
    """How many times ``resources`` hold ``bundle``."""
    return min(int(resources.get(name, 0) / needed) for name, needed in bundle.items())


def _listed(resources: Mapping[str, float]) -> str:
    """CPUs and GPUs as people say them."""
    named = {name: resources[name] for name in ("CPU", "GPU") if name in resources}
    return ", ".join(f"{number:g} {name}" for name, number in named.items()) or "no CPU"
