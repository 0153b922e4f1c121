"""All of what a run needs, or none of it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import ray
from ray.util.placement_group import placement_group_table

from pipeline.config import RuntimeSettings
from pipeline.errors import ClusterError, ConfigError, StoppedError
from pipeline.execution.reservation import MachineLostError, Request, Reservation, reserved

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

CPUS = 4
"""Of the session's cluster."""
ONE = {"CPU": 1.0}


@contextmanager
def held(cpus: int) -> Iterator[None]:
    """A foreign actor that holds so many CPUs until the block ends."""

    class Holder:  # of this function, so that Ray sends it by value
        def there(self) -> bool:
            return True

    holder = ray.remote(Holder).options(num_cpus=cpus).remote()
    ray.get(holder.there.remote())
    until_free(CPUS - cpus)
    try:
        yield
    finally:
        ray.kill(holder)
        until_free(CPUS)


def until_free(cpus: int) -> None:
    """The cluster tells of what is free a moment late."""
    deadline = time.monotonic() + 60
    while ray.available_resources().get("CPU", 0) != cpus:
        assert time.monotonic() < deadline, ray.available_resources()
        time.sleep(0.1)


def test_reserved_is_what_is_free_between_the_least_and_the_most():
    until_free(CPUS)
    with reserved(Request(ONE, 1, 9, 60)) as all_of_it:
        assert all_of_it.actors == CPUS
        all_of_it.require_machines()
    until_free(CPUS)
    with reserved(Request(ONE, 1, 2, 60)) as most:
        assert most.actors == 2
    until_free(CPUS)
    with held(3), reserved(Request(ONE, 1, 9, 60)) as rest:
        assert rest.actors == 1


@pytest.mark.parametrize(
    ("bundle", "least"), [({"CPU": 1.0, "GPU": 1.0}, 1), ({"CPU": 5.0}, 1), (ONE, 5)]
)
def test_reserved_what_the_cluster_can_never_hold_is_refused_at_once(bundle, least):
    with pytest.raises(ConfigError, match="4 CPU"), reserved(Request(bundle, least, least, 600)):
        pass


def test_reserved_without_room_in_time_holds_nothing():
    with held(3):
        with pytest.raises(ClusterError, match="of 4 CPU 1 CPU are free"):
            with reserved(Request(ONE, 2, 2, 2)):
                pass
        with reserved(Request(ONE, 1, 1, 60)) as room:
            assert room.actors == 1


def test_reserved_that_is_stopped_while_it_waits_gives_up():
    with held(4), pytest.raises(StoppedError), reserved(Request(ONE, 1, 1, 600), lambda: True):
        pass


def test_reserved_waits_for_what_another_gives_back():
    granted: list[Reservation] = []

    def wait() -> None:
        with reserved(Request(ONE, 3, 3, 120)) as room:
            granted.append(room)

    with held(2):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(3)
        assert granted == []
        with reserved(Request(ONE, 2, 2, 60)):
            pass  # who waits holds nothing of what would do for others
    waiting.join(120)
    assert len(granted) == 1
    assert placement_group_table(granted[0].group)["state"] == "REMOVED"


def test_reservation_of_which_a_machine_is_lost_says_so():
    with reserved(Request(ONE, 1, 1, 60)) as room:
        lost = Reservation(room.group, 1, 1, room.machines | {"0" * 56})
        with pytest.raises(MachineLostError):
            lost.require_machines()


def test_request_anew_takes_what_there_is_though_it_is_less_than_the_least():
    with held(2), reserved(Request(ONE, 5, 9, 60).anew()) as room:
        assert room.actors == 2
    with held(4), pytest.raises(ClusterError, match="no room for 1 x 1 CPU"):
        with reserved(Request({"CPU": 1.0}, 5, 9, 1).anew()):
            pass


def test_request_of_actors_is_no_more_than_units_keep_busy():
    runtime = RuntimeSettings(actors={"min": 2, "max": 8}, cpus_per_actor=3, gpus_per_actor=0.5)
    assert Request.of_actors(runtime, 5) == Request({"CPU": 3, "GPU": 0.5}, 2, 5, 1800)
    assert Request.of_actors(runtime, 1) == Request({"CPU": 3, "GPU": 0.5}, 1, 1, 1800)


@pytest.mark.parametrize(
    ("machines", "spared"),
    [
        ({"a": {"CPU": 4}}, ""),
        ({"a": {"CPU": 4}, "b": {"CPU": 4, "GPU": 1}}, "b"),
        ({"a": {"CPU": 0}, "b": {"CPU": 4, "GPU": 1}, "c": {}}, "a,c"),
        ({"a": {}, "b": {}}, ""),
    ],
)
def test_tasks_spare_machines_without_cpus_and_those_with_gpus_where_others_are(
    monkeypatch, machines, spared
):
    nodes = [{"NodeID": node, "Alive": True, "Resources": has} for node, has in machines.items()]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    selector = Reservation(None, 1, 1).task_options().get("label_selector")
    assert selector == ({"ray.io/node-id": f"!in({spared})"} if spared else None)
