"""A suspect and its process, whose part is played here; with Ray it is in test_run.py."""

from types import SimpleNamespace

import pyarrow as pa
import pytest
import ray
from ray.exceptions import GetTimeoutError, RayActorError

from pipeline.config import RuntimeSettings
from pipeline.contract.unit import Unit
from pipeline.errors import IncompleteError
from pipeline.execution.isolated_worker import IsolatedWorker
from tests.helpers.outputs import make_block, make_unit


class Process:
    """Stands for a process apart: its answers end as they are told to, one after the other."""

    def __init__(self, asked: list[tuple[str, int]], ending: list[BaseException | None]) -> None:
        self.asked, self.ending = asked, ending

    def __getattr__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(remote=lambda part: (name, part))

    def answer(self, question: tuple[str, Unit]) -> pa.Table | None:
        name, part = question
        self.asked.append((name, part.rows))
        if (error := self.ending.pop(0) if self.ending else None) is not None:
            raise error
        return None if name == "hold" else make_block(part)


@pytest.fixture
def search(monkeypatch):
    """Publishes a unit of three rows by processes whose answers end so; gives what was asked."""

    def publish(*ending: BaseException | None) -> list[tuple[str, int]]:
        asked: list[tuple[str, int]] = []
        endings = list(ending)
        settings = SimpleNamespace(runtime=RuntimeSettings())
        reader = SimpleNamespace(max_bytes=2**30, columns=SimpleNamespace(kept=()))
        job = SimpleNamespace(settings=settings, reader=reader, publisher=lambda block: block)
        isolation = IsolatedWorker(job, SimpleNamespace())

        def start(self: IsolatedWorker) -> None:
            asked.append(("start", 0))
            self._actor = Process(asked, endings)

        monkeypatch.setattr(IsolatedWorker, "_start", start)
        monkeypatch.setattr(ray, "kill", lambda _: None)
        monkeypatch.setattr(ray, "get", lambda question, timeout: isolation._actor.answer(question))
        assert len(isolation.publish(make_unit(0, 3))) == 3
        return asked

    return publish


HELD = [("start", 0), ("hold", 3)]
ROW = ("annotate", 1)


def test_isolation_holds_the_unit_and_then_annotates_its_pieces(search):
    assert search() == [*HELD, ROW, ROW, ROW]


def test_isolation_process_after_one_that_died_holds_the_unit_again(search):
    asked = search(None, None, RayActorError())
    assert asked == [*HELD, ROW, ROW, *HELD, ROW, ROW]


def test_isolation_unit_that_kills_a_process_twice_is_not_held(search, caplog):
    asked = search(RayActorError(), RayActorError())
    assert asked == [*HELD, *HELD, ("start", 0), ROW, ROW, ROW]
    assert "is prepared in pieces" in caplog.text


def test_isolation_unit_that_takes_too_long_to_hold_is_not_held_again(search):
    asked = search(GetTimeoutError())
    assert asked == [*HELD, ("start", 0), ROW, ROW, ROW]


def test_isolation_process_that_can_no_longer_hold_the_unit_goes_on_without(search):
    asked = search(None, RayActorError(), GetTimeoutError())
    assert asked == [*HELD, ROW, *HELD, ("start", 0), ROW, ROW, ROW]


def test_isolation_that_is_closed_asks_nothing_and_starts_no_other_process(monkeypatch):
    monkeypatch.setattr(ray, "kill", lambda _: None)
    closed = IsolatedWorker(None, None)
    closed.close()
    closed._actor = Process([], [])  # which was on its way when it was closed
    for _ in range(2):
        with pytest.raises(IncompleteError, match="The run ended"):
            closed._ready_actor()
        closed._actor = None
