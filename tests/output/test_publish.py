"""A unit published: once, again, by two at a time, and from every crash."""

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations, count, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.contract import schema
from pipeline.errors import PipelineError, PublishError, StageError
from pipeline.output.commit import (
    CommitRecord,
    LanguageCounts,
    commit_path,
    parse_commit,
    part_path,
    quarantine_path,
)
from pipeline.output.publish import Publisher
from pipeline.stages.stopwatch import row_shares, seconds_by_stage, timed
from pipeline.storage import Store
from tests.helpers.outputs import (
    DECLARED,
    CrashError,
    MemoryStore,
    SteppingStore,
    assert_exactly_once,
    crash_at,
    make_block,
    make_unit,
    rows_in,
)

UNIT = make_unit()
PART, QUARANTINE = part_path(UNIT.unit_id), quarantine_path(UNIT.unit_id)
COMMIT = commit_path(UNIT.unit_id)


def publish(store: Store, failed: tuple[int, ...] = ()) -> CommitRecord:
    receipt = Publisher(store, DECLARED)(make_block(UNIT, failed))
    return CommitRecord.model_validate_json(receipt["commit"][0].as_py())


def read(store: Store, path: str) -> pa.Table:
    return pq.read_table(io.BytesIO(store.read(path) or b""))


def test_publish_block_writes_part_quarantine_and_commit_record(store: Store):
    record = publish(store, failed=(1, 4))
    part, quarantine = read(store, PART), read(store, QUARANTINE)
    assert part.schema.equals(DECLARED)
    assert part["text"].to_pylist() == ["Berlin 0", "Berlin 2", "Berlin 3", "Berlin 5"]
    assert part["embedding"].to_pylist()[1] == [0.5, 2.0]
    assert quarantine.schema.equals(schema.QUARANTINE)
    assert quarantine.to_pylist()[1] == {
        "record_id": "file:///corpus/a.parquet#4",
        "file": "file:///corpus/a.parquet",
        "row": 4,
        "stage": "annotate",
        "error_type": "ValueError",
        "message": "no",
    }
    assert (record.rows_in, record.rows_out, record.rows_quarantined) == (6, 4, 2)
    assert record.counts == {
        "de": LanguageCounts(records=2, entities=2, tokens=8, quarantined=1, detected=2),
        "fr": LanguageCounts(records=2, tokens=8, quarantined=1, detected=2),
    }
    assert record.reasons == {"ValueError": 2}
    assert json.loads(store.read(COMMIT) or b"") == record.model_dump(mode="json")
    assert_exactly_once(store, UNIT)


def test_publish_returns_one_receipt(local_store: Store):
    receipt = Publisher(local_store, DECLARED)(make_block(UNIT))
    assert receipt.schema.equals(schema.RECEIPT)
    assert receipt["unit_id"].to_pylist() == [UNIT.unit_id]
    assert receipt["failure"].to_pylist() == [None]


def test_publish_block_without_failures_writes_no_quarantine(local_store: Store):
    assert publish(local_store).quarantine is None
    assert local_store.listing("quarantine") == {}


def test_publish_block_of_failures_only_writes_a_part_without_rows(local_store: Store):
    publish(local_store, failed=tuple(range(6)))
    assert read(local_store, PART).num_rows == 0
    assert read(local_store, PART).schema.equals(DECLARED)
    assert_exactly_once(local_store, UNIT)


def test_publish_block_of_which_nothing_could_be_read_quarantines_it(local_store: Store):
    block = make_block(UNIT, failed=range(6)).select(["record_id", "_unit", "_row", "_error"])
    Publisher(local_store, DECLARED)(block)
    assert read(local_store, PART).schema.equals(DECLARED)
    assert_exactly_once(local_store, UNIT)


def test_publish_twice_gives_the_same_record_and_the_same_bytes(store: Store):
    first = publish(store, failed=(1,))
    listing = store.listing()
    assert publish(store, failed=(1,)) == first
    assert publish(store, failed=(2, 3)) == first
    assert store.listing() == listing


def test_publish_of_the_same_block_elsewhere_writes_the_same_bytes(tmp_path: Path):
    stores = [Store.open(str(tmp_path / name)) for name in "ab"]
    records = [publish(store, failed=(1,)) for store in stores]
    assert len({record.model_dump_json(exclude={"stages"}) for record in records}) == 1
    assert stores[0].read(PART) == stores[1].read(PART)


def test_publish_commits_what_each_stage_took_and_publishes_no_column_of_it(local_store: Store):
    block = timed("annotate", lambda: timed("read", lambda: make_block(UNIT, failed=(1,))))
    receipt = Publisher(local_store, DECLARED)(block)
    record = CommitRecord.model_validate_json(receipt["commit"][0].as_py())
    assert list(record.stages) == ["read", "annotate", "publish"]
    assert record.stages["annotate"] == seconds_by_stage(block)["annotate"]
    assert record.stages["publish"].wall > 0
    assert read(local_store, PART).schema.equals(DECLARED)
    assert_exactly_once(local_store, UNIT)


def test_publish_commits_the_micro_batches_of_all_rows_those_in_quarantine_too(
    local_store: Store,
):
    had = {"number": 3, "tokens": 100, "room": 150}
    block = make_block(UNIT, failed=(1,))
    shares = row_shares(had, schema.BATCHES.type, block.num_rows)
    Publisher(local_store, DECLARED)(block.append_column(schema.BATCHES, shares))
    batches = parse_commit(local_store.read(COMMIT) or b"", COMMIT).batches
    assert batches.model_dump() == had
    assert batches.fill == pytest.approx(2 / 3)


def test_publish_of_a_committed_unit_gives_the_seconds_that_were_committed(local_store: Store):
    first = publish(local_store)
    slow = timed("read", lambda: make_block(UNIT))
    again = Publisher(local_store, DECLARED)(slow)["commit"][0].as_py()
    assert CommitRecord.model_validate_json(again).stages == first.stages


def test_commit_record_without_seconds_is_one(local_store: Store):
    old = json.loads(publish(local_store).model_dump_json()) | {"stages": {}}
    assert parse_commit(json.dumps(old).encode(), COMMIT).stages == {}
    local_store.replace(COMMIT, json.dumps(old).encode())
    assert publish(local_store).stages == {}
    assert_exactly_once(local_store, UNIT)


def test_publish_keeps_what_a_dictionary_or_a_null_says(local_store: Store):
    declared = pa.schema([schema.RECORD_ID, pa.field("kind", pa.string()), *DECLARED])
    declared = pa.schema([f for f in declared if f.name != "record_id"]).append(schema.RECORD_ID)
    kinds = pa.array([None, "a", "b", "a", None, "b"]).dictionary_encode()
    block = make_block(UNIT).append_column("kind", kinds)
    Publisher(local_store, declared)(block)
    assert read(local_store, PART)["kind"].to_pylist() == [None, "a", "b", "a", None, "b"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (make_block(UNIT).slice(0, 3), "3 rows"),
        (make_block(UNIT).slice(3), "3 rows"),
        (pa.concat_tables([make_block(UNIT)] * 2), "12 rows"),
        (make_block(UNIT).take([1, 0, 2, 3, 4, 5]), "in order"),
        (make_block(UNIT).slice(0, 0), "0 units"),
        (pa.concat_tables([make_block(UNIT), make_block(make_unit(6, 9))]), "2 units"),
    ],
    ids=["head", "tail", "doubled", "shuffled", "empty", "two units"],
)
def test_publish_block_that_is_not_its_whole_unit_is_refused(
    local_store: Store, block: pa.Table, expected: str
):
    with pytest.raises(PublishError, match=expected):
        Publisher(local_store, DECLARED)(block)
    assert local_store.listing() == {}


@pytest.mark.parametrize(
    "block",
    [
        make_block(UNIT).drop_columns(["entities"]),
        make_block(UNIT).append_column("surprise", pa.array([1] * 6)),
    ],
    ids=["missing", "undeclared"],
)
def test_publish_block_with_other_columns_than_declared_is_refused(
    local_store: Store, block: pa.Table
):
    with pytest.raises(PublishError, match="A stage produces other columns"):
        Publisher(local_store, DECLARED)(block)
    assert local_store.listing() == {}


def test_publish_value_of_another_type_is_refused_without_showing_it(local_store: Store):
    block = make_block(UNIT)
    position = block.column_names.index("n_tokens")
    block = block.set_column(position, "n_tokens", pa.array(["secret text"] * 6))
    with pytest.raises(PublishError, match="n_tokens") as refused:
        Publisher(local_store, DECLARED)(block)
    assert "secret" not in str(refused.value)


def test_publish_block_without_its_unit_is_refused(local_store: Store):
    with pytest.raises(StageError, match="_unit"):
        Publisher(local_store, DECLARED)(make_block(UNIT).drop_columns(["_unit"]))


# From every crash: the process ends before or after any of its requests, and another takes over.


def crashes(failed: tuple[int, ...]) -> Iterator[MemoryStore]:
    """What each crash of a publisher leaves, up to the one that comes too late."""
    for number in count():
        store = MemoryStore("memory://out")
        stepping = MemoryStore("memory://out", store.files, crash_at(number))
        try:
            publish(stepping, failed)
        except CrashError:
            yield store
        else:
            return


@pytest.mark.parametrize("number", range(16))
def test_publish_after_a_crash_at_each_request_leaves_each_record_once(store: Store, number: int):
    with pytest.raises(CrashError):
        publish(SteppingStore(store.uri, crash_at(number)), failed=(1, 4))
    publish(store, failed=(1, 4))
    assert_exactly_once(store, UNIT)
    assert rows_in(store, UNIT)[1] == [f"{UNIT.source.uri}#1", f"{UNIT.source.uri}#4"]


@pytest.mark.parametrize("first", [(), (1, 4), (0, 1, 2, 3, 4, 5)])
@pytest.mark.parametrize("second", [(), (1,), (1, 4), (2,), (0, 1, 2, 3, 4, 5)])
def test_publish_after_a_crash_with_other_failures_leaves_each_record_once(
    first: tuple[int, ...], second: tuple[int, ...]
):
    states = 0
    for store in crashes(first):
        publish(store, second)
        assert_exactly_once(store, UNIT)
        states += 1
    assert states == (8 if first else 7)


def test_publish_row_that_an_earlier_attempt_left_out_is_quarantined_all_the_same(
    local_store: Store,
):
    with pytest.raises(CrashError):
        publish(SteppingStore(local_store.uri, crash_at(10)), failed=(1, 4))
    assert local_store.exists(PART)
    assert not local_store.exists(QUARANTINE)
    publish(local_store, failed=())
    assert read(local_store, QUARANTINE)["error_type"].to_pylist() == ["EarlierAttempt"] * 2
    assert_exactly_once(local_store, UNIT)


def test_publish_with_repeated_record_ids_quarantines_the_row_that_failed(local_store: Store):
    block = make_block(UNIT, failed=(1,), record_id=["same"] * 6)
    crashing = SteppingStore(local_store.uri, crash_at(10))
    with pytest.raises(CrashError):
        Publisher(crashing, DECLARED)(block)
    Publisher(local_store, DECLARED)(make_block(UNIT, record_id=["same"] * 6))
    assert read(local_store, QUARANTINE)["row"].to_pylist() == [1]
    assert "Berlin 1" not in read(local_store, PART)["text"].to_pylist()


# Two writers at a time: a zombie that was taken for dead, and the one that took over.


class Turns:
    """Lets writers make their requests in the order of ``turns``; then all run freely."""

    def __init__(self, turns: list[int]):
        self.changed, self.left = threading.Condition(), turns

    def wait(self, writer: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.left[:1] in ([], [writer]), timeout=30)
            self.left = self.left[1:]
            self.changed.notify_all()

    def leave(self, writer: int) -> None:
        with self.changed:
            self.left = [turn for turn in self.left if turn != writer]
            self.changed.notify_all()


def publish_in_turn(store: Store, failed: tuple[int, ...], turns: Turns, writer: int):
    try:
        own = MemoryStore(store.uri, store.files, partial(turns.wait, writer))
        return publish(own, failed)
    finally:
        turns.leave(writer)


@pytest.mark.parametrize("other", [(1, 4), (), (2,)])
@pytest.mark.parametrize(
    "every",
    [
        97,
        pytest.param(29, marks=[pytest.mark.slow, pytest.mark.long]),
        pytest.param(1, marks=[pytest.mark.slow, pytest.mark.long]),
    ],
)
def test_publish_by_two_writers_in_any_order_leaves_each_record_once(
    other: tuple[int, ...], every: int
):
    requests = 8
    with ThreadPoolExecutor(2) as writers:
        for first in islice(combinations(range(2 * requests), requests), 0, None, every):
            turns = Turns([0 if turn in first else 1 for turn in range(2 * requests)])
            store = MemoryStore("memory://out")
            records = list(
                writers.map(publish_in_turn, [store] * 2, [(1, 4), other], [turns] * 2, [0, 1])
            )
            assert records[0] == records[1]
            assert_exactly_once(store, UNIT)


def test_publish_by_many_writers_at_once_leaves_each_record_once(store: Store):
    failures = [(), (1,), (4,), (1, 4), (0, 5), ()]
    with ThreadPoolExecutor(len(failures)) as writers:
        records = list(writers.map(publish, [store] * len(failures), failures))
    assert all(record == records[0] for record in records)
    assert_exactly_once(store, UNIT)


# What nobody of ours left there is refused, and the message says what to delete.


def refused(store: Store, failed: tuple[int, ...] = ()) -> str:
    with pytest.raises(PipelineError) as error:
        publish(store, failed)
    assert isinstance(error.value, PublishError)
    return str(error.value)


def test_publish_where_a_part_is_garbage_names_it(local_store: Store):
    local_store.create(PART, b"PAR1 not really")
    assert refused(local_store).startswith(local_store.uri_of(PART))


def test_publish_where_a_part_has_other_columns_names_both(local_store: Store):
    sink = io.BytesIO()
    pq.write_table(pa.table({"surprise": [1]}), sink)
    local_store.create(PART, sink.getvalue())
    message = refused(local_store)
    assert "surprise: int64" in message
    assert "record_id: string" in message


def test_publish_where_a_part_is_of_another_unit_names_it(local_store: Store):
    other = make_unit(6, 12)
    Publisher(local_store, DECLARED)(make_block(other))
    local_store.create(PART, local_store.read(part_path(other.unit_id)) or b"")
    assert f"is not the part of unit {UNIT.unit_id}" in refused(local_store)


def test_publish_where_a_part_has_other_records_names_it(local_store: Store):
    other = make_block(UNIT, record_id=list("abcdef"))
    with pytest.raises(CrashError):
        Publisher(SteppingStore(local_store.uri, crash_at(10)), DECLARED)(other)
    assert "holds other records than rows 0 to 5" in refused(local_store)


def test_publish_where_a_quarantine_stands_alone_leaves_its_rows_out(local_store: Store):
    publish(local_store, failed=(1, 4))
    local_store.delete([PART, COMMIT])
    publish(local_store, failed=(4,))
    assert rows_in(local_store, UNIT)[1] == [f"{UNIT.source.uri}#1", f"{UNIT.source.uri}#4"]
    assert_exactly_once(local_store, UNIT)


def test_publish_where_a_quarantine_stands_alone_and_others_fail_names_it(local_store: Store):
    publish(local_store, failed=(1, 4))
    local_store.delete([PART, COMMIT])
    assert refused(local_store, failed=(2,)).startswith(local_store.uri_of(QUARANTINE))
    assert not local_store.exists(PART)


def test_publish_where_part_and_quarantine_overlap_names_both(local_store: Store):
    publish(local_store, failed=(1, 4))
    quarantine = local_store.read(QUARANTINE) or b""
    local_store.delete([PART, QUARANTINE, COMMIT])
    publish(local_store)
    local_store.delete([COMMIT])
    local_store.create(QUARANTINE, quarantine)
    message = refused(local_store)
    assert local_store.uri_of(PART) in message
    assert local_store.uri_of(QUARANTINE) in message


@pytest.mark.parametrize("spoil", ["part", "quarantine", "record"])
def test_publish_where_a_commit_record_is_not_of_what_stands_names_it(
    local_store: Store, spoil: str
):
    publish(local_store, failed=(1,))
    path = {"part": PART, "quarantine": QUARANTINE, "record": COMMIT}[spoil]
    body = local_store.read(path) or b""
    local_store.replace(path, body.replace(b'"start":0', b'"start":1') + b" ")
    assert local_store.uri_of(COMMIT) in refused(local_store, failed=(1,))
    local_store.delete([COMMIT])


def test_publish_where_a_commit_record_is_garbage_names_it(local_store: Store):
    local_store.create(COMMIT, b"{}")
    assert refused(local_store).startswith(local_store.uri_of(COMMIT))


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.float16(),
        pa.timestamp("ns", "Europe/Berlin"),
        pa.dictionary(pa.int32(), pa.string()),
        pa.decimal128(20, 3),
        pa.large_string(),
        pa.large_list(pa.binary()),
        pa.map_(pa.string(), pa.int32()),
        pa.list_(pa.float16(), 3),
        pa.struct([pa.field("a", pa.list_(pa.date32()), nullable=False)]),
    ],
    ids=str,
)
def test_publish_kept_column_keeps_its_type(local_store: Store, kind: pa.DataType):
    declared = DECLARED.append(pa.field("kept", kind))
    block = make_block(UNIT).append_column("kept", pa.nulls(6, kind))
    Publisher(local_store, declared)(block)
    assert read(local_store, PART).schema.field("kept").type == kind
