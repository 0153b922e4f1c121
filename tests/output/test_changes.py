"""What happens to an output whose corpus changed: what is refused, kept, retired."""

import io
import json

import pyarrow.parquet as pq
import pytest

from pipeline.errors import IncompleteError, InputError
from pipeline.output import retry_list
from pipeline.output.changes import Changes
from pipeline.output.commit import commit_path, part_path, quarantine_path
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import reconcile
from pipeline.output.verify import verify
from pipeline.storage import Store
from tests.helpers.changing import Corpus, block_of, changes_of, corpus, ids_of, run, uri_of
from tests.helpers.outputs import DECLARED, FINGERPRINT, MemoryStore

BOTH = corpus(a="1", b="1b")
CHANGED = corpus(a="2", b="1b")
A, B = corpus(a="1"), corpus(b="1b")
REPLACE = {"changed": "replace"}
REMOVE = {"missing": "remove"}


@pytest.fixture
def store() -> MemoryStore:
    """An output of the files a and b, finished."""
    made = MemoryStore("memory://out")
    run(made, BOTH)
    return made


def manifest_of(store: Store) -> dict[str, object]:
    found: dict[str, object] = json.loads(store.read("_manifest.json") or b"")
    return found


def ids_in(store: Store) -> list[str]:
    """The record ids of all parts and quarantines that stand, listed or not."""
    bodies = store.read_all([*store.listing("data"), *store.listing("quarantine")]).values()
    tables = [pq.read_table(io.BytesIO(body)) for body in bodies]
    return sorted(one for table in tables for one in table["record_id"].to_pylist())


def assert_output(store: Store, *found: Corpus) -> None:
    """The records of ``found``, and no other file, are there once, and verify agrees."""
    assert ids_in(store) == ids_of(*found)
    assert verify(store).problems == ()
    assert manifest_of(store)["retired"] == []


def assert_refused(store: MemoryStore, found: Corpus, *names: str, **policy: str) -> str:
    """A plan names the files of ``names`` and no other, and writes nothing."""
    before = dict(store.files)
    with pytest.raises(InputError) as error:
        run(store, found, **policy)
    assert store.files == before
    message = str(error.value)
    assert {name for name in "abcde" if uri_of(name) in message} == set(names)
    return message


def unit_ids(found: Corpus) -> set[str]:
    return {unit.unit_id for unit in found.units}


def test_same_corpus_has_no_changes(store: MemoryStore):
    before = dict(store.files)
    assert changes_of(store, BOTH) == Changes()
    run(store, BOTH)
    assert store.files == before


def test_grown_corpus_has_new_files_and_keeps_what_is_there(store: MemoryStore):
    grown = corpus(a="1", b="1b", c="1c")
    assert changes_of(store, grown) == Changes(new=(uri_of("c"),))
    run(store, grown)
    assert_output(store, grown)


def test_changed_file_is_refused_and_named(store: MemoryStore):
    message = assert_refused(store, CHANGED, "a")
    assert message.startswith("The corpus is not the one of memory://out.\n1 input files have")
    assert "input.changed: replace" in message


def test_many_changed_files_are_counted_and_ten_are_named():
    store = MemoryStore("memory://out")
    names = [f"n{number:02}" for number in range(12)]
    run(store, Corpus(dict.fromkeys(names, "1")))
    with pytest.raises(InputError) as error:
        run(store, Corpus(dict.fromkeys(names, "2")))
    message = str(error.value)
    assert message.count(".parquet") == 10
    assert "12 input files" in message
    assert "and 2 more" in message


def test_changed_file_is_replaced(store: MemoryStore):
    found = changes_of(store, CHANGED, **REPLACE)
    assert (found.changed, found.retired) == ((uri_of("a"),), unit_ids(A))
    run(store, CHANGED, **REPLACE)
    assert_output(store, CHANGED)


@pytest.mark.parametrize(
    "name", ["local_store", pytest.param("s3_store", marks=pytest.mark.s3)], ids=["disk", "s3"]
)
def test_changed_and_gone_files_on_a_real_store(request: pytest.FixtureRequest, name: str):
    real: Store = request.getfixturevalue(name)
    run(real, BOTH)
    run(real, corpus(a="2", c="1c"), **REPLACE)
    assert_output(real, corpus(a="2", c="1c"), B)
    run(real, corpus(a="2", c="1c"), **REMOVE)
    assert_output(real, corpus(a="2", c="1c"))


def test_changed_file_without_rows_leaves_none(store: MemoryStore):
    found = Corpus({"a": "2", "b": "1b"}, rows={"a": 0})
    run(store, found, **REPLACE)
    assert_output(store, B)


def test_gone_file_keeps_its_rows(store: MemoryStore):
    found = changes_of(store, B)
    assert (found.gone, set(found.kept), found.retired) == ((uri_of("a"),), unit_ids(A), set())
    run(store, B)
    assert_output(store, BOTH)
    assert manifest_of(store)["kept"] == {uri_of("a"): "gone"}
    run(store, B)
    assert_output(store, BOTH)


def test_gone_file_loses_its_rows_where_the_config_says_so(store: MemoryStore):
    run(store, B, **REMOVE)
    assert_output(store, B)
    assert manifest_of(store)["kept"] == {}


def test_gone_file_that_was_kept_loses_its_rows_later(store: MemoryStore):
    run(store, B)
    run(store, B, **REMOVE)
    assert_output(store, B)


def test_gone_file_is_refused_where_the_config_says_so(store: MemoryStore):
    assert "input.missing" in assert_refused(store, B, "a", missing="fail")


def test_gone_file_that_is_back_is_the_corpus_again(store: MemoryStore):
    run(store, B)
    assert changes_of(store, BOTH) == Changes()
    run(store, BOTH)
    assert_output(store, BOTH)
    assert manifest_of(store)["kept"] == {}


def test_gone_file_that_is_back_with_another_content_is_a_changed_one(store: MemoryStore):
    run(store, B)
    assert_refused(store, CHANGED, "a")
    run(store, CHANGED, **REPLACE)
    assert_output(store, CHANGED)


def test_changed_and_gone_and_new_files_in_one_run():
    store = MemoryStore("memory://out")
    run(store, corpus(a="1", b="1b", c="1c"))
    now = corpus(a="2", c="1c", d="1d")
    message = assert_refused(store, now, "a", "b", missing="fail")
    assert message.count("input files") == 2
    run(store, now, **REPLACE)
    assert_output(store, now, B)
    run(store, now, **REMOVE)
    assert_output(store, now)


def test_moved_file_is_refused_with_both_names_unless_the_old_rows_go(store: MemoryStore):
    moved = corpus(b="1b", c="1")
    assert "input.missing: remove" in assert_refused(store, moved, "a", "c")
    run(store, moved, **REMOVE)
    assert_output(store, moved)


def test_file_moved_over_another_is_refused_too(store: MemoryStore):
    """What was b is a now: to replace a and to keep b would double the records of b."""
    over = corpus(a="1b")
    assert_refused(store, over, "a", "b", **REPLACE)
    run(store, over, **REPLACE, **REMOVE)
    assert_output(store, over)


def test_moved_file_of_a_run_that_did_not_end_is_still_refused(store: MemoryStore):
    moved = corpus(b="1b", c="1")
    with pytest.raises(IncompleteError):
        run(store, moved, most=2, **REMOVE)
    assert_refused(store, moved, "a", "c")
    run(store, moved, **REMOVE)
    assert_output(store, moved)


def test_copy_of_a_file_that_is_there_is_a_new_file(store: MemoryStore):
    copied = corpus(a="1", b="1b", c="1")
    run(store, copied)
    assert_output(store, copied)
    run(store, corpus(b="1b", c="1"))
    assert_output(store, copied)


def test_files_that_swap_their_contents_are_changed(store: MemoryStore):
    swapped = corpus(a="1b", b="1")
    assert_refused(store, swapped, "a", "b")
    run(store, swapped, **REPLACE)
    assert_output(store, swapped)


def test_replacing_run_that_did_not_end_leaves_the_old_records_in_the_manifest(store: MemoryStore):
    before = store.files["_manifest.json"]
    with pytest.raises(IncompleteError):
        run(store, CHANGED, most=1, **REPLACE)
    assert store.files["_manifest.json"] == before
    assert "_SUCCESS" not in store.files
    assert {part_path(one) for one in unit_ids(BOTH)} <= store.files.keys()
    assert_refused(store, CHANGED, "a")
    run(store, CHANGED, **REPLACE)
    assert_output(store, CHANGED)


def test_replacing_run_that_did_not_end_is_undone_where_the_old_content_is_back(
    store: MemoryStore,
):
    with pytest.raises(IncompleteError):
        run(store, CHANGED, most=2, **REPLACE)
    found = changes_of(store, BOTH)
    assert (found.changed, len(found.retired)) == ((), 2)
    run(store, BOTH)
    assert_output(store, BOTH)


def test_replacing_run_that_did_not_end_and_a_third_content(store: MemoryStore):
    third = corpus(a="3", b="1b")
    with pytest.raises(IncompleteError):
        run(store, CHANGED, most=2, **REPLACE)
    assert_refused(store, third, "a")
    run(store, third, **REPLACE)
    assert_output(store, third)


def test_replacing_run_that_did_not_end_and_then_no_file_keeps_what_was_listed(
    store: MemoryStore,
):
    with pytest.raises(IncompleteError):
        run(store, CHANGED, most=2, **REPLACE)
    run(store, B)
    assert_output(store, BOTH)


def test_changed_file_with_its_old_content_again(store: MemoryStore):
    run(store, CHANGED, **REPLACE)
    assert_refused(store, BOTH, "a")
    run(store, BOTH, **REPLACE)
    assert_output(store, BOTH)


def test_first_run_that_did_not_end_and_a_changed_file():
    store = MemoryStore("memory://out")
    with pytest.raises(IncompleteError):
        run(store, BOTH, most=4)
    assert_refused(store, CHANGED, "a")
    run(store, CHANGED, **REPLACE)
    assert_output(store, CHANGED)


def test_first_runs_that_did_not_end_keep_one_content_of_a_file_that_is_gone():
    store = MemoryStore("memory://out")
    for content, most in (("1", 3), ("2", 1)):
        with pytest.raises(IncompleteError):
            run(store, corpus(a=content, b="1b"), most=most, **REPLACE)
    run(store, B)
    assert_output(store, BOTH)


def test_part_of_a_gone_file_that_was_committed_is_kept_as_it_is():
    store = MemoryStore("memory://out")
    with pytest.raises(IncompleteError):
        run(store, BOTH, most=2)
    run(store, B)
    some = [one for one in ids_of(A) if one[-1] in "0123"]
    assert ids_in(store) == sorted([*some, *ids_of(B)])
    assert verify(store).problems == ()


def test_limit_over_a_corpus_with_a_new_first_file_is_a_change():
    store = MemoryStore("memory://out")
    run(store, Corpus({"b": "1b", "c": "1c"}, limit=7))
    now = Corpus({"a": "1", "b": "1b", "c": "1c"}, limit=7)
    assert_refused(store, now, "b", "c")
    run(store, now, **REPLACE)
    assert_output(store, now)


def test_unreadable_file_keeps_its_rows(store: MemoryStore):
    bad = corpus(bad=("a",), a="?", b="1b")
    found = changes_of(store, bad, changed="fail", missing="fail")
    assert (found.gone, found.changed, set(found.kept)) == ((), (), unit_ids(A))
    run(store, bad, **REPLACE, **REMOVE)
    assert_output(store, BOTH)
    assert manifest_of(store)["kept"] == {uri_of("a"): "unreadable"}


def test_listed_unit_whose_record_was_taken_away_is_missed(store: MemoryStore):
    lost = A.units[0]
    store.delete([commit_path(lost.unit_id)])
    with pytest.raises(IncompleteError, match="not committed: rows 0 to 1"):
        run(store, B)
    assert part_path(lost.unit_id) in store.files
    run(store, BOTH)
    assert_output(store, BOTH)
    store.delete([commit_path(lost.unit_id)])
    assert_refused(store, CHANGED, "a")
    run(store, CHANGED, **REPLACE)
    assert_output(store, CHANGED)


def test_part_without_a_record_of_a_file_that_changed_is_deleted():
    store = MemoryStore("memory://out")
    with pytest.raises(IncompleteError):
        run(store, BOTH, most=1)
    store.delete([commit_path(A.units[0].unit_id)])
    assert changes_of(store, CHANGED).changed == ()
    retry_list.add(store, A.units[1:])
    run(store, CHANGED)
    assert_output(store, CHANGED)
    assert retry_list.listed(store) == frozenset()


def test_part_that_another_run_is_writing_is_not_deleted(store: MemoryStore):
    """One with a grown corpus, say, which commits it in a moment."""
    changes = changes_of(store, BOTH)
    newer = corpus(c="1").units[0]
    Publisher(store, DECLARED)(block_of(newer))
    record = store.files.pop(commit_path(newer.unit_id))
    with pytest.raises(IncompleteError, match="once no other run is at work"):
        reconcile(store, BOTH.units, FINGERPRINT, changes)
    changes = changes_of(store, BOTH)
    store.files[commit_path(newer.unit_id)] = record
    with pytest.raises(IncompleteError, match="which the plan does not have"):
        reconcile(store, BOTH.units, FINGERPRINT, changes)
    grown = corpus(a="1", b="1b", c="1")
    run(store, grown)
    assert_output(store, grown)


@pytest.mark.parametrize("name", ["mine", "part-1", f"part-{'g' * 32}", f"part-{'0' * 32}.tmp"])
def test_file_of_another_name_is_never_deleted(store: MemoryStore, name: str):
    store.create(f"data/{name}.parquet", b"mine")
    with pytest.raises(IncompleteError, match=name):
        run(store, CHANGED, **REPLACE)
    assert store.files[f"data/{name}.parquet"] == b"mine"
    assert {part_path(one) for one in unit_ids(A)} <= store.files.keys()


def interrupted(store: MemoryStore, *done: str) -> None:
    """What a run leaves that removes a, and ends once all that is named was deleted."""
    before = dict(store.files)
    run(store, B, **REMOVE)
    manifest = manifest_of(store) | {"retired": sorted(unit_ids(A))}
    store.files.update({path: body for path, body in before.items() if path not in done})
    store.files["_manifest.json"] = json.dumps(manifest).encode()
    del store.files["_SUCCESS"]


@pytest.mark.parametrize("policy", [REMOVE, {"missing": "keep"}, {"missing": "fail"}], ids=str)
@pytest.mark.parametrize("deleted", [0, 1, 3])
def test_units_that_are_retired_already_are_deleted_whatever_the_config_says(
    store: MemoryStore, policy: dict[str, str], deleted: int
):
    interrupted(store, *(commit_path(unit.unit_id) for unit in A.units[:deleted]))
    assert changes_of(store, B, **policy).gone == ()
    run(store, B, **policy)
    assert_output(store, B)


def test_units_that_are_retired_already_and_planned_again_are_not_deleted(store: MemoryStore):
    interrupted(store, commit_path(A.units[0].unit_id), quarantine_path(A.units[0].unit_id))
    run(store, BOTH)
    assert_output(store, BOTH)


def test_damaged_commit_record_of_a_changed_file_is_left_to_reconciliation():
    store = MemoryStore("memory://out")
    with pytest.raises(IncompleteError):
        run(store, BOTH, most=1)
    store.files[commit_path(A.units[0].unit_id)] = b"{"
    with pytest.raises(IncompleteError, match="is no commit record"):
        run(store, CHANGED, **REPLACE)


def test_unit_that_another_run_commits_meanwhile_is_reported(store: MemoryStore):
    changes = changes_of(store, BOTH)
    Publisher(store, DECLARED)(block_of(CHANGED.units[0]))
    with pytest.raises(IncompleteError, match="which the plan does not have"):
        reconcile(store, BOTH.units, FINGERPRINT, changes)
