"""Any number of runs at a time on one output, each held before every request it makes.

A rule of the machine starts a run, or lets the next request of one have a fate. What must hold at
any moment: a commit record that stands names files that stand, whole. What must hold once all have
ended, however they did, and one run went through: each record is there once.
"""

import json
import queue
import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipeline.errors import PipelineError
from pipeline.output.commit import file_entry
from tests.chaos.test_crash_matrix import assert_each_record_once, run
from tests.helpers.faulty_store import Fate, FaultyStore
from tests.helpers.outputs import CrashError

MOST_WRITERS = 3
WITHIN = 30
"""Seconds that a run may take from one request to the next."""


class Process:
    """``job`` in a thread, which stands still but for ``go``."""

    def __init__(self, files: dict[str, bytes], job: Callable[[FaultyStore], object]) -> None:
        self.error: BaseException | None = None
        self._asks: queue.Queue[bool] = queue.Queue()
        self._fates: queue.Queue[Fate] = queue.Queue()
        store = FaultyStore(files=files, fate_of=self._fate_of)
        threading.Thread(target=self._run, args=[store, job], daemon=True).start()
        self.alive = self._asks.get(timeout=WITHIN)

    def go(self, fate: Fate) -> None:
        """Its next request has ``fate``, and it goes on up to the one after."""
        self._fates.put(fate)
        self.alive = self._asks.get(timeout=WITHIN)
        if self.error:
            raise self.error

    def _fate_of(self, _: str, __: str) -> Fate:
        self._asks.put(True)
        return self._fates.get(timeout=WITHIN)

    def _run(self, store: FaultyStore, job: Callable[[FaultyStore], object]) -> None:
        try:
            job(store)
        except (CrashError, PipelineError):
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._asks.put(False)


class SeveralRuns(RuleBasedStateMachine):
    """Runs of one configuration on one output, which may fail other rows each."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.processes: list[Process] = []

    @precondition(lambda self: len(self.processes) < MOST_WRITERS)
    @rule(failed=st.frozensets(st.integers(0, 8), max_size=3))
    def start(self, failed: frozenset[int]) -> None:
        type(self).steps += 1
        self._keep(Process(self.files, partial(run, failed=failed)))

    @precondition(lambda self: self.processes)
    @rule(
        which=st.integers(0, MOST_WRITERS - 1),
        fate=st.sampled_from([Fate.DONE] * 6 + list(Fate)),
    )
    def request(self, which: int, fate: Fate) -> None:
        type(self).steps += 1
        process = self.processes.pop(which % len(self.processes))
        process.go(fate)
        self._keep(process)

    @invariant()
    def commit_records_name_files_that_stand(self) -> None:
        for path, body in self.files.items():
            if not path.startswith("_commit/"):
                continue
            record = json.loads(body)
            for named in filter(None, (record["part"], record["quarantine"])):
                standing = self.files.get(named["path"])
                assert standing is not None
                assert file_entry(named["path"], standing).model_dump() == named

    def teardown(self) -> None:
        for process in self.processes:
            process.go(Fate.CRASH_BEFORE)
        run(FaultyStore(files=self.files))
        assert_each_record_once(self.files)

    def _keep(self, process: Process) -> None:
        if process.alive:
            self.processes.append(process)


@pytest.mark.parametrize(
    ("examples", "steps"), [(20, 50), pytest.param(250, 80, marks=pytest.mark.long)]
)
def test_several_runs_at_once_leave_each_record_once(examples: int, steps: int):
    SeveralRuns.steps = 0
    run_state_machine_as_test(
        SeveralRuns,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    assert SeveralRuns.steps > examples * steps / 2
