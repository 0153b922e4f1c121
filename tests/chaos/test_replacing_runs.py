"""Every request of a run whose corpus changed, each way that it can end badly, and a run after it.

One file has another content, one is gone, one is new, and one is as it was.
"""

import io
import json
from collections.abc import Iterator
from itertools import count, islice, product

import pyarrow.parquet as pq
import pytest

from pipeline.errors import IncompleteError, InputError, OutputError
from pipeline.output.verify import verify
from tests.chaos.test_crash_matrix import ONE_CRASH, at
from tests.helpers.changing import Corpus, ids_of, run
from tests.helpers.faulty_store import FAULTS, Fate, FaultyStore
from tests.helpers.outputs import CrashError

ROWS = dict.fromkeys("abcd", 3)
BEFORE = Corpus({"a": "1", "b": "1b", "d": "1d"}, rows=ROWS)
AFTER = Corpus({"a": "2", "c": "1c", "d": "1d"}, rows=ROWS)
GONE = Corpus({"b": "1b"}, rows=ROWS)
REPLACE, REMOVE = {"changed": "replace"}, {"missing": "remove"}
POLICIES = [REPLACE, REPLACE | REMOVE]

Files = dict[str, bytes]


def expected(policy: dict[str, str]) -> list[str]:
    """The records of an output that has followed the change."""
    return ids_of(AFTER) if REMOVE.items() <= policy.items() else ids_of(AFTER, GONE)


@pytest.fixture(scope="module")
def output() -> Files:
    """A finished output of the corpus as it was."""
    files: Files = {}
    run(FaultyStore(files=files), BEFORE)
    return files


def ends(store: FaultyStore, corpus: Corpus, policy: dict[str, str]) -> bool:
    try:
        run(store, corpus, **policy)
    except (CrashError, OutputError, IncompleteError):
        return False
    return True


def outcomes(
    files: Files, policy: dict[str, str], fates=FAULTS, every: int = 1, corpus: Corpus = AFTER
) -> Iterator[Files]:
    """What each fault of each request of a run leaves of ``files``, or one of ``every`` so many."""
    requests = count()
    counting = FaultyStore(files=dict(files), fate_of=lambda *_: (next(requests), Fate.DONE)[1])
    run(counting, corpus, **policy)
    for number, fate in islice(product(range(next(requests)), fates), 0, None, every):
        store = FaultyStore(files=dict(files), fate_of=at(number, fate))
        ends(store, corpus, policy)
        yield store.files


def listed_ids(files: Files) -> list[str]:
    """The record ids that a reader of the manifest meets."""
    ids: list[str] = []
    for unit in json.loads(files["_manifest.json"])["units"]:
        for entry in filter(None, (unit["part"], unit["quarantine"])):
            body = files[entry["path"]]
            assert len(body) == entry["bytes"]
            ids += pq.read_table(io.BytesIO(body))["record_id"].to_pylist()
    return sorted(ids)


def assert_finished(files: Files, ids: list[str]) -> None:
    assert listed_ids(files) == ids
    verdict = verify(FaultyStore(files=files))
    assert verdict.problems == ()
    assert verdict.rows_out + verdict.rows_quarantined == len(ids)
    parts = json.loads(files["_manifest.json"])["units"]
    assert sum(path.startswith("data/") for path in files) == len(parts)


@pytest.mark.long
@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_reader_of_the_manifest_meets_each_record_once_whatever_ends_the_run(
    output: Files, policy: dict[str, str]
):
    schedules = 0
    for files in outcomes(output, policy):
        assert listed_ids(files) in (ids_of(BEFORE), expected(policy))
        verdict = verify(FaultyStore(files=files))
        assert verdict.rows_out + verdict.rows_quarantined == len(listed_ids(files))
        assert verdict.problems == () if "_SUCCESS" in files else verdict.problems
        run(FaultyStore(files=files), AFTER, **policy)
        assert_finished(files, expected(policy))
        schedules += 1
    assert schedules >= 190


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_run_that_may_not_replace_is_refused_or_finishes_what_was_begun(
    output: Files, policy: dict[str, str]
):
    refused = 0
    for files in outcomes(output, policy, ONE_CRASH):
        before = dict(files)
        try:
            run(FaultyStore(files=files), AFTER)
        except InputError:
            assert files == before
            assert listed_ids(files) == ids_of(BEFORE)
            refused += 1
        else:
            assert_finished(files, expected(policy))
    assert refused > 20


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_corpus_that_is_as_it_was_again_is_the_old_output_or_another_change(
    output: Files, policy: dict[str, str]
):
    for files in outcomes(output, policy, ONE_CRASH):
        replaced = listed_ids(files) == expected(policy)
        again = dict(files)
        if replaced:
            with pytest.raises(InputError):
                run(FaultyStore(files=again), BEFORE, **REMOVE)
            assert again == files
        run(FaultyStore(files=again), BEFORE, **REMOVE, **(REPLACE if replaced else {}))
        assert_finished(again, ids_of(BEFORE))


@pytest.mark.parametrize("every", [397, pytest.param(1, marks=pytest.mark.long)])
def test_crash_and_then_another_fault_in_its_resumption(output: Files, every: int):
    policy = REPLACE | REMOVE
    schedules = 0
    for crashed in outcomes(output, policy, ONE_CRASH):
        for files in outcomes(crashed, policy, FAULTS[:3], every):
            assert listed_ids(files) in (ids_of(BEFORE), ids_of(AFTER))
            run(FaultyStore(files=files), AFTER, **policy)
            assert_finished(files, ids_of(AFTER))
            schedules += 1
    assert schedules >= 4000 // every
