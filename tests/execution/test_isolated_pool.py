"""Suspects side by side, without Ray: who has them, and how it ends."""

import threading

import pyarrow as pa
import pytest

from pipeline.errors import OutputError
from pipeline.execution import isolated_pool
from pipeline.execution.isolated_pool import publish_isolated
from pipeline.execution.reservation import Reservation
from pipeline.execution.stop import never
from tests.helpers.outputs import make_unit

UNITS = [make_unit(start, start + 1) for start in range(6)]
RECEIPT = pa.table({"unit_id": ["u"]})


def room(actors: int) -> Reservation:
    """A reservation with room for so many."""
    return Reservation(None, actors, actors)


class IsolatedWorker:
    """Publishes by ``doing``, and remembers how many of its kind were made and closed."""

    made: int
    closed: int
    doing = staticmethod(lambda unit: RECEIPT)

    def __init__(self, _: object, __: object) -> None:
        type(self).made += 1

    def publish(self, unit: object) -> pa.Table:
        return type(self).doing(unit)

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def isolation(monkeypatch: pytest.MonkeyPatch) -> type[IsolatedWorker]:
    made = type("Counted", (IsolatedWorker,), {"made": 0, "closed": 0})
    monkeypatch.setattr(isolated_pool, "IsolatedWorker", made)
    return made


@pytest.mark.parametrize(("actors", "expected"), [(1, 1), (3, 3), (50, 6)])
def test_publish_apart_gives_each_unit_with_as_many_at_a_time_as_there_is_room(
    isolation, actors, expected
):
    together = threading.Barrier(expected)

    def publish(_: object) -> pa.Table:
        together.wait(60)
        return RECEIPT

    isolation.doing = staticmethod(publish)
    found = list(publish_isolated(None, UNITS, room(actors), never))
    assert sorted(unit.start for unit, _ in found) == list(range(6))
    assert all(receipt is RECEIPT for _, receipt in found)
    assert isolation.made == expected


def test_publish_apart_that_has_no_more_to_do_gives_way_before_the_others_end(isolation):
    """The other one waits for what the first holds, as on a cluster with room for one."""
    given_way = threading.Event()
    isolation.close = lambda self: given_way.set()

    def publish(unit: object) -> pa.Table:
        if unit is UNITS[0]:
            assert given_way.wait(60)
        return RECEIPT

    isolation.doing = staticmethod(publish)
    found = [unit for unit, _ in publish_isolated(None, UNITS, room(2), never)]
    assert found == [*UNITS[1:], UNITS[0]]


def test_publish_apart_errors_of_the_package_are_given_and_others_raised(isolation):
    def publish(unit: object) -> pa.Table:
        raise OutputError("gone") if unit is UNITS[0] else KeyError("a fault of ours")

    isolation.doing = staticmethod(publish)
    found = publish_isolated(None, UNITS, room(1), never)
    unit, error = next(found)
    assert (unit, str(error)) == (UNITS[0], "gone")
    with pytest.raises(KeyError):
        list(found)
    assert isolation.closed >= 1


def test_publish_apart_begins_none_once_it_is_stopped(isolation):
    begun: list[object] = []

    def publish(unit: object) -> pa.Table:
        begun.append(unit)
        return RECEIPT

    isolation.doing = staticmethod(publish)
    found = list(publish_isolated(None, UNITS, room(1), lambda: len(begun) >= 2))
    assert [unit for unit, _ in found] == begun == UNITS[:2]


def test_publish_apart_reader_who_breaks_off_closes_those_at_work(isolation):
    closed = threading.Event()

    def publish(unit: object) -> pa.Table:
        if unit is UNITS[0]:
            return RECEIPT
        closed.wait(60)
        return RECEIPT

    isolation.doing = staticmethod(publish)
    isolation.close = lambda self: closed.set()
    found = publish_isolated(None, UNITS, room(1), never)
    next(found)
    found.close()
    assert closed.is_set()
