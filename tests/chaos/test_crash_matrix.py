"""Every request of a run, each way that it can end badly, and a run after it.

A run here is what ``pipeline.execution.run`` does, in its order and with its modules,
without Ray: claim, what is committed, publish what is not, reconcile.
"""

import io
from collections.abc import Collection, Iterator
from itertools import count, islice, product

import pyarrow.parquet as pq
import pytest

from pipeline.contract.unit import Unit
from pipeline.errors import FingerprintError, IncompleteError, OutputError, PipelineError
from pipeline.output.output_lock import acquire_lock
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import Reconciliation, committed_units, reconcile, reopen
from pipeline.output.verify import verify
from tests.helpers.faulty_store import FAULTS, Fate, FaultyStore
from tests.helpers.outputs import DECLARED, CrashError, make_block, make_unit

FAILED = frozenset({1, 4})
ONE_CRASH = (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)


def units_of(fingerprint: str) -> tuple[Unit, ...]:
    """Two units, of which the first has two rows that fail."""
    return make_unit(0, 6, fingerprint=fingerprint), make_unit(6, 9, fingerprint=fingerprint)


def run(
    store: FaultyStore,
    fingerprint: str = "a",
    failed: Collection[int] = FAILED,
    *,
    new_run: bool = False,
) -> Reconciliation:
    """What a job does; an error in publishing fails the unit alone."""
    units = units_of(fingerprint)
    acquire_lock(store, fingerprint, {}, new_run)
    committed = committed_units(store)
    left = [unit for unit in units if unit.unit_id not in committed]
    if left:
        reopen(store)
    for unit in left:
        try:
            Publisher(store, DECLARED)(make_block(unit, failed))
        except PipelineError:
            continue
    return reconcile(store, units, fingerprint)


def ends(store: FaultyStore, **options: object) -> bool:
    """Whether a run ends well, rather than with its process or an error of the store."""
    try:
        run(store, **options)
    except (CrashError, OutputError, IncompleteError):
        return False
    return True


def at(number: int, fate: Fate):
    """Request ``number``, from 0, has ``fate``; all others are done."""
    requests = count()

    def fate_of(_: str, __: str) -> Fate:
        return fate if next(requests) == number else Fate.DONE

    return fate_of


def requests_of(files: dict[str, bytes], **options: object) -> int:
    """How many requests a run makes from ``files`` on."""
    requests = count()

    def fate_of(_: str, __: str) -> Fate:
        next(requests)
        return Fate.DONE

    run(FaultyStore(files=dict(files), fate_of=fate_of), **options)
    return next(requests)


def outcomes(
    files: dict[str, bytes], fates=FAULTS, *, every: int = 1, **options: object
) -> Iterator[dict[str, bytes]]:
    """What each fault of each request leaves of ``files``, or one of ``every`` so many."""
    faults = product(range(requests_of(files, **options)), fates)
    for number, fate in islice(faults, 0, None, every):
        store = FaultyStore(files=dict(files), fate_of=at(number, fate))
        ends(store, **options)
        yield store.files


def assert_each_record_once(files: dict[str, bytes], fingerprint: str = "a") -> None:
    store = FaultyStore(files=files)
    for unit in units_of(fingerprint):
        ids: list[str] = []
        for folder in ("data", "quarantine"):
            body = files.get(f"{folder}/part-{unit.unit_id}.parquet")
            if body is not None:
                ids += pq.read_table(io.BytesIO(body))["record_id"].to_pylist()
        assert sorted(ids) == [f"{unit.source.uri}#{row}" for row in range(unit.start, unit.stop)]
    assert verify(store).problems == ()


def test_each_fault_of_each_request_leaves_each_record_once():
    schedules = 0
    for files in outcomes({}):
        run(FaultyStore(files=files))
        assert_each_record_once(files)
        schedules += 1
    assert schedules >= 80


def test_a_lost_answer_alone_stops_no_run_that_can_ask_again():
    """A unit whose create was answered twice is committed in the same run."""
    for number in range(requests_of({})):
        store = FaultyStore(fate_of=at(number, Fate.ASKED_AGAIN))
        assert ends(store)
        assert_each_record_once(store.files)


@pytest.mark.parametrize("failed", [(), (1,), (2, 8), tuple(range(9))], ids=str)
@pytest.mark.parametrize("every", [37, pytest.param(1, marks=pytest.mark.long)])
def test_a_crash_and_then_another_fault_in_its_resumption_leave_each_record_once(failed, every):
    """The resumed run may fail other rows than the first."""
    schedules = 0
    for crashed in outcomes({}, ONE_CRASH):
        for files in outcomes(crashed, FAULTS[:3], every=every, failed=failed):
            run(FaultyStore(files=files), failed=failed)
            assert_each_record_once(files)
            schedules += 1
    assert schedules >= 2000 // every


def test_a_new_run_that_ends_badly_can_be_said_again_and_mixes_nothing():
    before: dict[str, bytes] = {}
    run(FaultyStore(files=before), "a")
    for files in outcomes(before, fingerprint="b", new_run=True):
        again = dict(files)
        run(FaultyStore(files=again), "b", new_run=True)
        assert_each_record_once(again, "b")

        for fingerprint in "ab":  # without --new-run: resumes its own, or is refused
            resumed = dict(files)
            try:
                run(FaultyStore(files=resumed), fingerprint)
            except FingerprintError:
                assert resumed == files
            else:
                assert_each_record_once(resumed, fingerprint)
