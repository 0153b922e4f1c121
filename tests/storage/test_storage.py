"""Files at each kind of store."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.contract.unit import SourceFile
from pipeline.errors import ConfigError, InputError, OutputError
from pipeline.storage import Store, canonical, input_files, open_input, read_tail
from tests.helpers.stores import gcs_puts


def test_create_new_path_writes_the_bytes(store: Store):
    assert store.create("data/a", b"one")
    assert store.read("data/a") == b"one"


def test_create_taken_path_leaves_what_is_there(store: Store):
    store.create("data/a", b"one")
    assert not store.create("data/a", b"two")
    assert store.read("data/a") == b"one"


def test_create_empty_file_is_a_file(store: Store):
    assert store.create("_SUCCESS", b"")
    assert store.exists("_SUCCESS")
    assert store.read("_SUCCESS") == b""


def test_create_large_body_on_a_taken_path_leaves_what_is_there(store: Store):
    store.create("data/a", b"one")
    assert not store.create("data/a", bytes(101 << 20))  # s3fs would upload this in parts
    assert store.read("data/a") == b"one"


def test_create_by_many_writers_is_won_by_one(store: Store):
    paths = [f"data/{attempt}" for attempt in range(3)]
    bodies = [b"%d" % writer for writer in range(6)]
    with ThreadPoolExecutor(6) as writers:
        for path in paths:
            won = list(writers.map(store.create, [path] * 6, bodies))
            assert won.count(True) == 1
            assert store.read(path) == bodies[won.index(True)]


def test_create_on_gcs_is_conditional(monkeypatch: pytest.MonkeyPatch):
    objects: dict[str, bytes] = {}
    with gcs_puts(objects) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        store = Store.open("gs://bucket/out")
        assert store.create("data/a", b"one")
        assert not store.create("data/a", b"two")
        assert objects == {"out/data/a": b"one"}
        store.replace("data/a", b"three")
        assert objects == {"out/data/a": b"three"}


def test_create_killed_while_writing_leaves_nothing_in_its_place(tmp_path: Path):
    code = (
        "import os, signal\n"
        "from pipeline.storage import Store\n"
        "os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"Store.open({str(tmp_path)!r}).create('data/a', b'one')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    store = Store.open(str(tmp_path))
    assert store.read("data/a") is None
    assert [path.split("/")[0] for path in store.listing()] == ["_tmp"]
    assert store.create("data/a", b"two")


def test_replace_writes_over_what_is_there(store: Store):
    store.replace("report.json", b"one")
    store.replace("report.json", b"two")
    assert store.read("report.json") == b"two"
    assert set(store.listing()) == {"report.json"}


def test_read_missing_path_is_none(store: Store):
    assert store.read("data/none") is None
    assert not store.exists("data/none")


def test_read_all_gives_each_body_by_its_path(store: Store):
    bodies = {f"_commit/{name}.json": name.encode() for name in "abc"}
    for path, body in bodies.items():
        store.create(path, body)
    assert store.read_all(bodies) == bodies
    assert store.read_all([]) == {}


def test_read_all_with_one_missing_raises(store: Store):
    store.create("a", b"")
    with pytest.raises(OutputError, match="nothing is there"):
        store.read_all(["a", "none"])


def test_listing_sees_what_others_wrote_since(store: Store):
    assert store.listing() == {}
    assert store.listing("data") == {}
    store.create("data/a", b"one")
    assert store.listing("data") == {"data/a": 3}
    Store.open(store.uri).create("data/b", b"four")
    store.create("database", b"")
    assert store.listing("data") == {"data/a": 3, "data/b": 4}
    assert store.listing() == {"data/a": 3, "data/b": 4, "database": 0}


def test_delete_removes_files_and_forgives_those_that_are_gone(store: Store):
    store.create("data/a", b"one")
    store.create("data/b", b"two")
    store.delete(["data/a", "data/none"])
    store.delete(["other/none"])
    store.delete([])
    assert store.listing() == {"data/b": 3}


def test_paths_that_look_like_globs_are_taken_literally(store: Store):
    folder = Store.open(store.uri_of("run[1] *"))
    assert folder.create("a", b"one")
    assert folder.read_all(["a"]) == {"a": b"one"}
    assert folder.listing() == {"a": 3}
    folder.replace("b.parquet", b"two")
    assert [source.size for source in input_files(folder.uri)] == [3]
    folder.delete(["a", "b.parquet"])
    assert folder.listing() == {}


def test_store_pickled_and_in_a_fork_works(store: Store):
    store.create("a", b"parent")  # so that a connection and its thread exist before the fork
    child = os.fork()
    if child == 0:
        copy = pickle.loads(pickle.dumps(store))
        os._exit(0 if copy.read("a") == b"parent" and copy.create("b", b"child") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.read("b") == b"child"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/a/b/", "file:///a/b"),
        ("file:///a/../b", "file:///b"),
        ("s3a://bucket/folder/", "s3://bucket/folder"),
        ("gcs://bucket", "gs://bucket"),
    ],
)
def test_canonical_uri_has_one_spelling(uri: str, expected: str):
    assert canonical(uri) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://host/a",
        "s3:///folder",
        "gs://",
        "",
        "out\0put",
        "s3://bucket/a\nb",
        "s3://bucket/../other",
        "s3://bucket/a/./b",
        "gs://bucket/a/..",
    ],
)
def test_canonical_bad_uri_raises(uri: str):
    with pytest.raises(ConfigError):
        canonical(uri)


def test_canonical_uri_with_credentials_is_refused_without_showing_them():
    with pytest.raises(ConfigError) as refused:
        canonical("s3://key:hunter2@bucket/folder")
    assert "hunter2" not in str(refused.value)


@pytest.mark.s3
def test_create_with_wrong_credentials_raises_without_showing_them(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    code = f"from pipeline.storage import Store\nStore.open({s3_bucket!r}).create('a', b'')"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert "pipeline.errors.OutputError: Cannot create s3://corpus/a: " in ended.stderr
    assert "hunter2" not in ended.stderr


@pytest.mark.slow
def test_create_with_nobody_at_the_endpoint_raises(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    code = "from pipeline.storage import Store\nStore.open('s3://corpus').create('a', b'')"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    last = ended.stderr[ended.stderr.rindex("pipeline.errors.") :]
    assert last.startswith("pipeline.errors.OutputError: Cannot create s3://corpus/a: Endpoint")


def test_create_below_a_file_raises(local_store: Store):
    local_store.create("data", b"")
    with pytest.raises(OutputError, match="data/a"):
        local_store.create("data/a", b"")


@pytest.fixture
def corpus(store: Store) -> Store:
    """Parquet files, and others that a reader of Parquet skips."""
    for path in ("b.parquet", "de/a.parquet", "_tmp/x.parquet", ".hidden.parquet", "notes.txt"):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"text": [path]}), sink)
        store.replace(path, sink.getvalue().to_pybytes())
    return store


def test_input_files_of_a_folder_are_its_parquet_files_sorted(corpus: Store):
    found = input_files(corpus.uri)
    assert [source.uri for source in found] == [
        f"{corpus.uri}/b.parquet",
        f"{corpus.uri}/de/a.parquet",
    ]
    assert found == input_files(corpus.uri + "/")


@pytest.mark.parametrize("pattern", ["b.parquet", "*.parquet", "b*"])
def test_input_files_of_a_file_or_a_glob_are_those(corpus: Store, pattern: str):
    assert [source.uri for source in input_files(corpus.uri_of(pattern))] == [
        f"{corpus.uri}/b.parquet"
    ]


@pytest.mark.parametrize("path", ["none", "none/*.parquet", "_tmp/y.parquet"])
def test_input_files_where_nothing_is_raises(corpus: Store, path: str):
    with pytest.raises(InputError, match=r"input\.uri"):
        input_files(corpus.uri_of(path))


def test_open_input_reads_as_parquet(corpus: Store):
    with open_input(input_files(corpus.uri)[1]) as file:
        assert pq.read_table(file).to_pydict() == {"text": ["de/a.parquet"]}


def test_open_input_of_a_file_that_changed_raises(corpus: Store):
    planned = input_files(corpus.uri)[0]
    corpus.replace("b.parquet", b"something else")
    assert input_files(corpus.uri)[0] != planned
    with pytest.raises(InputError, match="has changed"), open_input(planned):
        pass


def test_open_input_of_a_file_that_is_gone_raises(corpus: Store):
    planned = input_files(corpus.uri)[0]
    corpus.delete(["b.parquet"])
    with pytest.raises(InputError, match=r"b\.parquet: nothing is there"), open_input(planned):
        pass


def test_read_tail_is_the_end_of_the_file(store: Store):
    whole = bytes(range(256)) * 1000
    store.replace("a.parquet", whole)
    store.replace("b.parquet", b"short")
    long, short = input_files(store.uri)
    tail = read_tail(long)
    assert tail
    assert len(tail) < len(whole)
    assert whole.endswith(tail)
    assert read_tail(short) == b"short"


def test_read_tail_of_a_file_that_is_not_the_one_planned_is_none(store: Store):
    store.replace("a.parquet", b"one")
    store.replace("b.parquet", b"one")
    store.replace("c.parquet", b"")
    changed, gone, empty = input_files(store.uri)
    store.replace("a.parquet", b"two")
    store.delete(["b.parquet"])
    assert [read_tail(source) for source in (changed, gone, empty)] == [None] * 3


def test_read_tail_at_a_store_that_knows_no_such_request_is_none():
    assert read_tail(SourceFile(uri="gs://bucket/a.parquet", size=3, version="1")) is None
