"""An output claimed by a run, and the end of a job."""

import json
from pathlib import Path

import pytest

from pipeline.contract.unit import Unit
from pipeline.errors import FingerprintError, IncompleteError, OutputError
from pipeline.output.commit import LanguageCounts, commit_path, part_path
from pipeline.output.output_lock import acquire_lock
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import committed_units, reconcile, reopen
from pipeline.output.verify import verify
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, FINGERPRINT, assert_exactly_once, make_block, make_unit

UNITS = (
    make_unit(0, 6),
    make_unit(6, 9),
    make_unit(0, 4, uri="file:///corpus/b.parquet"),
)
ECHO = {"tasks": [{"type": "ner", "min_score": 0.5}], "input": {"uri": "s3://corpus"}}


def publish(store: Store, *units: Unit) -> None:
    for unit in units:
        Publisher(store, DECLARED)(make_block(unit, failed=(unit.start,)))


def incomplete(store: Store, units: tuple[Unit, ...] = UNITS) -> str:
    with pytest.raises(IncompleteError) as error:
        reconcile(store, units, FINGERPRINT)
    assert not store.exists("_SUCCESS")
    return str(error.value)


def test_reconcile_complete_output_writes_manifest_and_success(store: Store):
    publish(store, *UNITS)
    result = reconcile(store, UNITS, FINGERPRINT)
    assert (result.rows_in, result.rows_out, result.rows_quarantined) == (13, 10, 3)
    assert result.counts["de"] == LanguageCounts(
        records=4, entities=4, tokens=16, quarantined=3, detected=4
    )
    assert result.reasons == {"ValueError": 3}
    manifest = json.loads(store.read("_manifest.json") or b"")
    assert [unit["unit_id"] for unit in manifest["units"]] == [unit.unit_id for unit in UNITS]
    assert manifest["units"][0]["part"]["path"] == part_path(UNITS[0].unit_id)
    assert (manifest["fingerprint"], manifest["rows_in"]) == (FINGERPRINT, 13)
    assert store.exists("_SUCCESS")
    assert committed_units(store) == {unit.unit_id for unit in UNITS}


def test_reconcile_twice_writes_the_same_manifest(local_store: Store):
    publish(local_store, *UNITS)
    reconcile(local_store, UNITS, FINGERPRINT)
    first = local_store.read("_manifest.json")
    reconcile(local_store, UNITS[::-1], FINGERPRINT)
    assert local_store.read("_manifest.json") == first


def test_reconcile_manifest_does_not_tell_one_writer_from_another(tmp_path: Path):
    bodies = set()
    for name in "ab":
        store = Store.open(str(tmp_path / name))
        publish(store, *UNITS)
        reconcile(store, UNITS, FINGERPRINT)
        bodies.add(store.read("_manifest.json"))
    assert len(bodies) == 1


def test_reconcile_without_a_unit_lists_its_rows(local_store: Store):
    publish(local_store, *UNITS[:2])
    message = incomplete(local_store)
    assert "1 problems" in message
    assert "not committed: rows 0 to 3 of file:///corpus/b.parquet" in message


def test_reconcile_of_a_grown_corpus_reopens_until_all_is_there(local_store: Store):
    publish(local_store, *UNITS[:2])
    reconcile(local_store, UNITS[:2], FINGERPRINT)
    reopen(local_store)
    assert not local_store.exists("_SUCCESS")
    incomplete(local_store)
    publish(local_store, UNITS[2])
    reconcile(local_store, UNITS, FINGERPRINT)
    assert_exactly_once(local_store, *UNITS)


def test_reconcile_incomplete_output_takes_a_stale_success_away(local_store: Store):
    publish(local_store, *UNITS[:2])
    reconcile(local_store, UNITS[:2], FINGERPRINT)
    incomplete(local_store)


def test_reconcile_with_a_unit_that_is_not_planned_says_what_to_do(local_store: Store):
    publish(local_store, *UNITS)
    assert "which the plan does not have" in incomplete(local_store, UNITS[:2])


def test_reconcile_with_a_part_gone_or_a_file_too_many_names_them(local_store: Store):
    publish(local_store, *UNITS)
    local_store.delete([part_path(UNITS[0].unit_id)])
    local_store.create("data/part-foreign.parquet", b"foreign")
    message = incomplete(local_store)
    assert f"{part_path(UNITS[0].unit_id)}: no bytes stand" in message
    assert "data/part-foreign.parquet: 7 bytes stand, none are committed" in message


def test_reconcile_with_counts_that_do_not_add_up_names_the_record(local_store: Store):
    publish(local_store, *UNITS)
    path = commit_path(UNITS[1].unit_id)
    record = json.loads(local_store.read(path) or b"")
    local_store.replace(path, json.dumps({**record, "rows_out": 99}).encode())
    assert f"{path}: 3 rows in, 99 out, 1 quarantined" in incomplete(local_store)


def test_reconcile_with_a_broken_record_lists_it_and_its_unit(local_store: Store):
    publish(local_store, *UNITS)
    local_store.replace(commit_path(UNITS[1].unit_id), b"{")
    message = incomplete(local_store)
    assert "is no commit record" in message
    assert "not committed: rows 6 to 8" in message


def test_reconcile_of_many_missing_units_shows_ten(local_store: Store):
    units = tuple(make_unit(start, start + 1) for start in range(25))
    message = incomplete(local_store, units)
    assert message.count("not committed") == 10
    assert message.endswith("… and 15 more")


def test_claim_new_folder_is_ours_and_stays_so(store: Store):
    acquire_lock(store, FINGERPRINT, ECHO)
    acquire_lock(store, FINGERPRINT, ECHO)
    assert json.loads(store.read("_run.json") or b"")["echo"] == ECHO


def test_claim_of_another_run_is_refused_and_shows_what_differs(store: Store):
    acquire_lock(store, FINGERPRINT, ECHO)
    changed = {"tasks": [{"type": "ner", "min_score": 0.9}], "input": {"uri": "s3://corpus"}}
    with pytest.raises(FingerprintError) as error:
        acquire_lock(store, "0" * 64, changed)
    message = str(error.value)
    assert "tasks.0.min_score: there 0.5, here 0.9" in message
    assert "input.uri" not in message
    assert "--new-run" in message


def test_claim_of_a_run_that_differs_in_its_fingerprint_only_says_so(local_store: Store):
    acquire_lock(local_store, FINGERPRINT, ECHO)
    with pytest.raises(FingerprintError, match="what a config shows is the same"):
        acquire_lock(local_store, "0" * 64, ECHO)


def test_claim_new_run_deletes_the_earlier_results_and_nothing_else(store: Store):
    acquire_lock(store, FINGERPRINT, ECHO)
    publish(store, *UNITS)
    reconcile(store, UNITS, FINGERPRINT)
    store.create("_retry/a.json", b"{}")
    store.create("README.md", b"mine")
    acquire_lock(store, "0" * 64, {}, new_run=True)
    assert set(store.listing()) == {"_run.json", "README.md"}
    assert json.loads(store.read("_run.json") or b"")["fingerprint"] == "0" * 64


def test_claim_new_run_in_an_empty_folder_is_a_claim(local_store: Store):
    acquire_lock(local_store, FINGERPRINT, ECHO, new_run=True)
    assert set(local_store.listing()) == {"_run.json"}


@pytest.mark.parametrize("new_run", [False, True])
def test_claim_of_a_folder_with_results_of_nobody_is_refused(local_store: Store, new_run: bool):
    local_store.create("data/mine.parquet", b"mine")
    with pytest.raises(OutputError, match=r"data/mine\.parquet"):
        acquire_lock(local_store, FINGERPRINT, ECHO, new_run)
    assert set(local_store.listing()) == {"data/mine.parquet"}


def test_claim_of_a_folder_with_a_broken_identity_is_refused(local_store: Store):
    local_store.create("_run.json", b"{")
    with pytest.raises(OutputError, match=r"_run\.json"):
        acquire_lock(local_store, FINGERPRINT, ECHO)
    acquire_lock(local_store, FINGERPRINT, ECHO, new_run=True)


def test_claim_new_run_that_stopped_half_way_leaves_the_earlier_run_resumable(
    local_store: Store, monkeypatch: pytest.MonkeyPatch
):
    acquire_lock(local_store, FINGERPRINT, ECHO)
    publish(local_store, *UNITS)
    reconcile(local_store, UNITS, FINGERPRINT)
    delete, calls = Store.delete, []

    def delete_twice(store: Store, paths: list[str]) -> None:
        calls.append(paths)
        if len(calls) > 2:
            raise OutputError("gone")
        delete(store, paths)

    monkeypatch.setattr(Store, "delete", delete_twice)
    with pytest.raises(OutputError, match="gone"):
        acquire_lock(local_store, "0" * 64, {}, new_run=True)
    monkeypatch.undo()
    with pytest.raises(FingerprintError):
        acquire_lock(local_store, "0" * 64, {})
    acquire_lock(local_store, FINGERPRINT, ECHO)
    assert committed_units(local_store) == frozenset()
    publish(local_store, *UNITS)
    assert_exactly_once(local_store, *UNITS)


def test_counts_of_more_tags_than_are_counted_lose_none_in_totals(local_store: Store):
    units = (make_unit(0, 600), make_unit(600, 1000), make_unit(1000, 1003))
    for unit in units:
        tags: list[object] = [f"de-Arab-x-{row % 500}" for row in range(unit.start, unit.stop)]
        tags[1:3] = ["fr", "fr"]
        failed = range(unit.start, unit.stop, 7)
        Publisher(local_store, DECLARED)(make_block(unit, failed=failed, language=tags))
    run = f'{{"fingerprint": "{FINGERPRINT}"}}'.encode()
    local_store.create("_run.json", run)
    result = reconcile(local_store, units, FINGERPRINT)
    for counts in (*(record.counts for record in result.records), result.counts):
        assert len(counts) <= 257
    assert len(result.counts) == 257
    assert result.counts["fr"].records == 6
    total = sum(result.counts.values(), LanguageCounts())
    assert (total.records, total.quarantined) == (result.rows_out, result.rows_quarantined)
    assert (total.detected, total.tokens) == (result.rows_out, 4 * result.rows_out)
    assert verify(local_store).problems == ()
    tamper = json.loads(local_store.read("_manifest.json") or b"")
    tamper["counts"]["other"]["tokens"] += 1
    local_store.replace("_manifest.json", json.dumps(tamper).encode())
    assert [problem.what for problem in verify(local_store).problems] == [
        "counts of language other"
    ]


def test_commit_record_counts_by_x_mod_language_too(local_store: Store):
    unit = make_unit(0, 6)
    codes: list[object] = ["de_DE", "de_DE", None, "fr_XX", "fr_XX", "fr_XX"]
    tags: list[object] = [f"de-x-{row}" for row in range(6)]
    block = make_block(unit, failed=(5,), xmod_language=codes, language=tags)
    Publisher(local_store, DECLARED)(block)
    (record,) = reconcile(local_store, [unit], FINGERPRINT).records
    records = {name: counts.records for name, counts in record.adapters.items()}
    assert records == {"de_DE": 2, "fr_XX": 2, "none": 1}
