"""Runs that replace the same units at a time, each held before every request it makes.

What must hold at any moment: a reader of the manifest meets each record once, all old or all new.
What must hold once all have ended, however they did, and one run went through: the new ones are
there once, and no file of the old ones.
"""

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

from tests.chaos.test_replacing_runs import (
    AFTER,
    BEFORE,
    REMOVE,
    REPLACE,
    assert_finished,
    listed_ids,
)
from tests.chaos.test_several_writers import MOST_WRITERS, Process
from tests.helpers.changing import ids_of, run
from tests.helpers.faulty_store import Fate, FaultyStore


def replace(store: FaultyStore) -> None:
    run(store, AFTER, **REPLACE, **REMOVE)


class ReplacingRuns(RuleBasedStateMachine):
    """Runs of one configuration over a corpus that changed."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        run(FaultyStore(files=self.files), BEFORE)
        self.processes: list[Process] = []

    @precondition(lambda self: len(self.processes) < MOST_WRITERS)
    @rule()
    def start(self) -> None:
        self._keep(Process(self.files, replace))

    @precondition(lambda self: self.processes)
    @rule(
        which=st.integers(0, MOST_WRITERS - 1),
        requests=st.integers(1, 12),
        fate=st.sampled_from([Fate.DONE] * 6 + list(Fate)),
    )
    def request(self, which: int, requests: int, fate: Fate) -> None:
        process = self.processes.pop(which % len(self.processes))
        for _ in range(requests - 1):
            if process.alive:
                self._go(process, Fate.DONE)
        if process.alive:
            self._go(process, fate)
        self._keep(process)

    @invariant()
    def reader_of_the_manifest_meets_each_record_once(self) -> None:
        assert listed_ids(self.files) in (ids_of(BEFORE), ids_of(AFTER))

    def teardown(self) -> None:
        for process in self.processes:
            process.go(Fate.CRASH_BEFORE)
        replace(FaultyStore(files=self.files))
        assert_finished(self.files, ids_of(AFTER))

    def _go(self, process: Process, fate: Fate) -> None:
        type(self).steps += 1
        process.go(fate)

    def _keep(self, process: Process) -> None:
        if process.alive:
            self.processes.append(process)


@pytest.mark.long
@pytest.mark.parametrize(
    ("examples", "steps"), [(20, 50), pytest.param(250, 80, marks=pytest.mark.long)]
)
def test_several_replacing_runs_at_once_leave_each_record_once(examples: int, steps: int):
    ReplacingRuns.steps = 0
    run_state_machine_as_test(
        ReplacingRuns,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
    assert ReplacingRuns.steps > examples * steps / 2
