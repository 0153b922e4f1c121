"""``--new-run`` while other runs are at work: an output holds the records of one run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.contract.unit import Unit
from pipeline.errors import FingerprintError, IncompleteError, OutputError
from pipeline.output.changes import compare
from pipeline.output.commit import commit_path, part_path
from pipeline.output.output_lock import PAGE_MARK, acquire_lock, owner_of
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import committed_units, reconcile
from pipeline.output.verify import verify
from pipeline.storage import Store
from tests.helpers.changing import Corpus, settings_of
from tests.helpers.outputs import DECLARED, MemoryStore, make_block, make_unit

OLD, NEW = "a" * 64, "b" * 64


def units_of(fingerprint: str) -> tuple[Unit, Unit]:
    return make_unit(0, 6, fingerprint=fingerprint), make_unit(6, 9, fingerprint=fingerprint)


def publish(store: Store, unit: Unit, run: str = "") -> None:
    Publisher(store, DECLARED, run=run)(make_block(unit, failed=(unit.start,)))


def finish(store: Store, fingerprint: str) -> None:
    for unit in units_of(fingerprint):
        publish(store, unit)
    reconcile(store, units_of(fingerprint), fingerprint)


def assert_is_output_of(store: Store, fingerprint: str) -> None:
    parts = {part_path(unit.unit_id) for unit in units_of(fingerprint)}
    assert set(store.listing("data")) == parts
    assert len(store.listing("quarantine")) == len(parts)
    assert store.exists("_SUCCESS")
    assert verify(store).problems == ()


@pytest.fixture
def taken(local_store: Store) -> Store:
    """An output that another configuration took while the old run was at work, and finished."""
    acquire_lock(local_store, OLD, {})
    publish(local_store, units_of(OLD)[0])
    acquire_lock(local_store, NEW, {}, new_run=True)
    finish(local_store, NEW)
    return local_store


def test_writer_of_the_old_run_writes_nothing_once_the_new_one_has_the_output(taken: Store):
    before = taken.listing()
    for unit in units_of(OLD):
        with pytest.raises(OutputError, match="is another run's since this one began"):
            publish(taken, unit)
    assert taken.listing() == before
    assert_is_output_of(taken, NEW)


@pytest.mark.parametrize("request_number", range(20))
def test_writer_that_stood_still_meanwhile_leaves_nothing(request_number: int):
    """Whichever request of it is the first one after the new run has ended."""
    store = MemoryStore("memory://out")
    acquire_lock(store, OLD, {})
    left = [request_number]

    def wait() -> None:
        left[0] -= 1
        if left[0] == -1:
            acquire_lock(store, NEW, {}, new_run=True)
            finish(store, NEW)

    slow = MemoryStore(store.uri, store.files, wait)
    try:
        publish(slow, units_of(OLD)[0])
    except OutputError:
        assert_is_output_of(store, NEW)
    else:
        assert left[0] >= 0, "the writer was done before"


@pytest.mark.parametrize("request_number", range(20))
def test_writer_of_the_same_configuration_leaves_each_record_once(request_number: int):
    store = MemoryStore("memory://out")
    acquire_lock(store, OLD, {})
    run, left = owner_of(store), [request_number]

    def wait() -> None:
        left[0] -= 1
        if left[0] == -1:
            acquire_lock(store, OLD, {}, new_run=True)

    slow = MemoryStore(store.uri, store.files, wait)
    try:
        publish(slow, units_of(OLD)[0], run)
    except OutputError:
        assert left[0] < 0
    for unit in units_of(OLD):
        publish(store, unit, owner_of(store))
    reconcile(store, units_of(OLD), OLD, run=owner_of(store))
    assert_is_output_of(store, OLD)


def test_commit_record_that_a_killed_writer_left_is_deleted_by_the_new_run(local_store: Store):
    stale = local_store.uri + "-stale"
    acquire_lock(Store.open(stale), OLD, {})
    publish(Store.open(stale), units_of(OLD)[0])
    acquire_lock(local_store, NEW, {})
    for path in Store.open(stale).listing():
        if not path.startswith("_run"):
            local_store.create(path, Store.open(stale).read(path) or b"")
    finish(local_store, NEW)
    assert_is_output_of(local_store, NEW)


def test_commit_record_of_the_old_run_does_not_hinder_a_resumed_new_run():
    store, corpus = MemoryStore("memory://out"), Corpus({"a": "1"})
    acquire_lock(store, corpus.units[0].fingerprint, {})
    foreign = make_unit(0, 2, uri=corpus.units[0].source.uri, fingerprint=OLD)
    acquire_lock(foreign_store := MemoryStore("memory://other"), OLD, {})
    publish(foreign_store, foreign)
    path = commit_path(foreign.unit_id)
    store.files[path] = foreign_store.files[path]
    changes = compare(store, committed_units(store), corpus.survey, corpus.units, settings_of())
    assert changes.changed == ()
    assert changes.retired == {foreign.unit_id}


def test_part_that_a_killed_writer_left_is_named_and_the_output_is_not_complete(taken: Store):
    path = part_path(units_of(OLD)[0].unit_id)
    taken.create(path, b"another run's")
    assert path in {problem.path for problem in verify(taken).problems}
    with pytest.raises(IncompleteError, match=path):
        reconcile(taken, units_of(NEW), NEW)
    assert not taken.exists("_SUCCESS")


def test_old_run_cannot_reconcile_what_is_not_its_own_any_more(taken: Store):
    with pytest.raises(OutputError, match="is another run's"):
        reconcile(taken, units_of(OLD), OLD)
    assert_is_output_of(taken, NEW)


def test_run_that_loses_the_output_while_it_reconciles_takes_success_away(local_store: Store):
    acquire_lock(local_store, OLD, {})
    for unit in units_of(OLD):
        publish(local_store, unit)

    class Slow(Store):
        def create(self, path: str, body: bytes) -> bool:
            if path == "_SUCCESS":
                acquire_lock(local_store, NEW, {}, new_run=True)
            return super().create(path, body)

    with pytest.raises(OutputError, match="is another run's"):
        reconcile(Slow(local_store.uri), units_of(OLD), OLD)
    assert not local_store.exists("_SUCCESS")


def during_deletion(store: Store, act: Callable[[], None]) -> Store:
    """``store``, which calls ``act`` when ``--new-run`` has deleted the commit records."""
    calls: list[object] = []

    class Slow(Store):
        def delete(self, paths: list[str]) -> None:
            super().delete(paths)
            calls.append(paths)
            if len(calls) == 2:
                act()

    return Slow(store.uri)


def started(store: Store) -> None:
    acquire_lock(store, OLD, {})
    finish(store, OLD)


@pytest.mark.parametrize("second", [NEW, "c" * 64])
def test_of_two_new_runs_at_once_one_gets_the_output(local_store: Store, second: str):
    started(local_store)
    slow = during_deletion(local_store, lambda: acquire_lock(local_store, second, {}, new_run=True))
    with pytest.raises(OutputError, match="started over by another run"):
        acquire_lock(slow, NEW, {}, new_run=True)
    finish(local_store, second)
    assert_is_output_of(local_store, second)


def test_run_resumed_while_new_run_deletes_gets_the_output_or_is_refused(local_store: Store):
    started(local_store)
    slow = during_deletion(local_store, lambda: acquire_lock(local_store, OLD, {}))
    with pytest.raises(OutputError, match="started over by another run"):
        acquire_lock(slow, NEW, {}, new_run=True)
    with pytest.raises(FingerprintError):
        acquire_lock(local_store, NEW, {})
    finish(local_store, OLD)
    assert_is_output_of(local_store, OLD)


def test_writer_that_is_at_work_while_new_run_deletes_writes_nothing(local_store: Store):
    started(local_store)

    def write() -> None:
        with pytest.raises(OutputError, match="is another run's"):
            publish(local_store, units_of(OLD)[0])

    acquire_lock(during_deletion(local_store, write), NEW, {}, new_run=True)
    finish(local_store, NEW)
    assert_is_output_of(local_store, NEW)


FOREIGN = {
    "data/mine.csv": b"mine",
    "data/mine.parquet": b"mine",
    "data/part-1.parquet": b"mine",
    "quarantine/notes.txt": b"mine",
    "_config.yml": b"mine",
    "_retry/notes.txt": b"mine",
    "_tmp/mine": b"mine",
    "report.html": b"<html>mine</html>",
    "run_report.json": b'{"mine": 1}',
    "images/chart.png": b"mine",
}


def test_new_run_deletes_no_file_of_another_name(local_store: Store):
    started(local_store)
    for path, body in FOREIGN.items():
        local_store.create(path, body)
    acquire_lock(local_store, NEW, {}, new_run=True)
    left = {path: local_store.read(path) for path in local_store.listing() if path != "_run.json"}
    assert left == FOREIGN


def test_new_run_deletes_reports_of_this_package(local_store: Store):
    started(local_store)
    local_store.create("report.html", f"<!DOCTYPE html><head>{PAGE_MARK}".encode())
    local_store.create("run_report.json", b'{"package_version": "1", "fingerprint": "a"}')
    acquire_lock(local_store, NEW, {}, new_run=True)
    assert set(local_store.listing()) == {"_run.json"}


@pytest.mark.parametrize("path", ["_SUCCESS", "_manifest.json", "run_report.json"])
def test_first_run_refuses_a_folder_where_files_of_these_names_are_not_its_own(
    local_store: Store, path: str
):
    """Spark leaves a ``_SUCCESS`` too."""
    local_store.create(path, b"mine")
    with pytest.raises(OutputError, match=path):
        acquire_lock(local_store, OLD, {})
    assert local_store.read(path) == b"mine"


@pytest.mark.parametrize(
    "path", ["data/mine.csv", "quarantine/mine.txt", "_commit/.DS_Store", "_commit/mine.json"]
)
def test_foreign_file_that_is_no_part_does_not_keep_an_output_from_being_complete(
    local_store: Store, path: str
):
    acquire_lock(local_store, OLD, {})
    local_store.create(path, b"mine")
    finish(local_store, OLD)
    assert local_store.exists("_SUCCESS")
    assert {problem.path for problem in verify(local_store).problems} == {path}
    assert local_store.read(path) == b"mine"


def test_identity_of_a_run_of_an_earlier_version_is_one(local_store: Store):
    acquire_lock(local_store, OLD, {})
    identity = json.loads(local_store.read("_run.json") or b"")
    bare = {name: identity[name] for name in ("fingerprint", "schema_version", "echo")}
    local_store.replace("_run.json", json.dumps(bare).encode())
    acquire_lock(local_store, OLD, {})
    finish(local_store, OLD)
    assert_is_output_of(local_store, OLD)


def test_new_run_over_a_broken_identity_that_stops_half_way_is_nobodys(
    local_store: Store, tmp_path: Path
):
    started(local_store)
    local_store.replace("_run.json", b"{")

    def stop() -> None:
        raise OutputError("gone")

    with pytest.raises(OutputError, match="gone"):
        acquire_lock(during_deletion(local_store, stop), NEW, {}, new_run=True)
    for fingerprint in (OLD, NEW):
        with pytest.raises(FingerprintError):
            acquire_lock(local_store, fingerprint, {})
    acquire_lock(local_store, NEW, {}, new_run=True)
    finish(local_store, NEW)
    assert_is_output_of(local_store, NEW)
