"""Listings: every file that is there, or an error; never fewer files than there are."""

import os
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem
from s3fs import S3FileSystem

from pipeline.errors import InputError, OutputError
from pipeline.storage import Store, input_files, list_input
from pipeline.storage.listing import look_up
from pipeline.storage.pattern import Pattern


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two files, one of them in a folder, and what links may lead to beside them."""
    for name in ("corpus/a.parquet", "corpus/deep/b.parquet", "beside/c.parquet"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def names(folder: Path, uri: Path | str | None = None) -> list[str]:
    root = f"file://{folder}/"
    return [source.uri.removeprefix(root) for source in input_files(str(uri or folder))]


def fails(monkeypatch: pytest.MonkeyPatch, folder: Path, error: OSError) -> None:
    """Listing ``folder`` raises ``error``, as no permission binds the user of these tests."""
    scandir = os.scandir

    def faulty(path: str):
        if str(path) == str(folder):
            raise error
        return scandir(path)

    monkeypatch.setattr(os, "scandir", faulty)


ERRORS = [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")]


@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("pattern", ["", "*/*.parquet", "**/*.parquet", "deep/*"])
def test_folder_of_the_input_that_cannot_be_listed_is_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, error: OSError
):
    fails(monkeypatch, tree / "corpus" / "deep", error)
    with pytest.raises(InputError, match="corpus/deep") as caught:
        input_files(str(tree / "corpus" / pattern))
    assert str(error.strerror) in str(caught.value)


def test_folder_that_a_glob_does_not_enter_may_be_closed(
    tree: Path, monkeypatch: pytest.MonkeyPatch
):
    (tree / "corpus" / "shut").mkdir()
    fails(monkeypatch, tree / "corpus" / "shut", ERRORS[0])
    assert names(tree / "corpus", tree / "corpus" / "d*" / "*.parquet") == ["deep/b.parquet"]


@pytest.mark.parametrize("pattern", ["", "**/*.parquet"])
def test_lost_and_found_of_a_disk_is_counted_and_not_entered(
    tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
):
    (tree / "corpus" / "lost+found").mkdir()
    fails(monkeypatch, tree / "corpus" / "lost+found", ERRORS[0])
    listing = list_input(str(tree / "corpus" / pattern))
    assert len(listing.files) == 2
    assert listing.left_out == {"folders named lost+found": 1}


@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("shut", ["", "corpus", "corpus/deep"])
def test_folder_of_the_output_that_cannot_be_listed_is_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch, shut: str, error: OSError
):
    store = Store.open(str(tree))
    assert set(store.listing("corpus")) == {"corpus/a.parquet", "corpus/deep/b.parquet"}
    fails(monkeypatch, tree / shut, error)
    with pytest.raises(OutputError, match=str(tree / shut)):
        store.listing("corpus" if shut else "")


def test_exists_says_no_only_where_nothing_is(tree: Path, monkeypatch: pytest.MonkeyPatch):
    store = Store.open(str(tree))
    assert store.exists("corpus/a.parquet")
    assert not store.exists("corpus")
    assert not store.exists("corpus/none")

    def faulty(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", faulty)
    with pytest.raises(OutputError, match="Permission denied"):
        store.exists("corpus/a.parquet")


def test_look_up_at_a_store_that_fails_raises():
    class Down(LocalFileSystem):
        def info(self, path: str, **_: object) -> dict[str, object]:
            raise OSError("Slow down")

    with pytest.raises(OSError, match="Slow down"):
        look_up(Down(skip_instance_cache=True), "bucket/a")


def test_links_to_files_and_folders_are_followed(tree: Path):
    corpus = tree / "corpus"
    (corpus / "link.parquet").symlink_to("../beside/c.parquet")
    assert names(corpus) == ["a.parquet", "deep/b.parquet", "link.parquet"]
    assert names(corpus, corpus / "l*") == ["link.parquet"]
    (corpus / "link.parquet").unlink()
    (corpus / "linked").symlink_to("../beside")
    assert names(corpus) == ["a.parquet", "deep/b.parquet", "linked/c.parquet"]
    assert names(corpus, corpus / "*" / "c.parquet") == ["linked/c.parquet"]
    (tree / "all").symlink_to("corpus")
    assert names(tree / "all") == ["a.parquet", "deep/b.parquet", "linked/c.parquet"]


def test_links_below_an_output_are_listed_and_not_followed(tree: Path):
    corpus = tree / "corpus"
    (corpus / "linked").symlink_to("../beside")
    assert set(Store.open(str(corpus)).listing()) == {"a.parquet", "deep/b.parquet", "linked"}


@pytest.mark.parametrize("target", [".", "..", "loop", "deep/back", "deep"])
def test_circle_of_links_or_a_folder_met_twice_is_an_error(tree: Path, target: str):
    corpus = tree / "corpus"
    (corpus / "loop").symlink_to(target)
    (corpus / "deep" / "back").symlink_to("../loop" if target == "deep/back" else "../../beside")
    with pytest.raises(InputError, match=r"leads nowhere|one folder|one file"):
        input_files(str(corpus))


def test_link_to_the_latest_folder_is_refused_with_a_way_out(tree: Path):
    corpus = tree / "corpus"
    (corpus / "latest").symlink_to("deep")
    with pytest.raises(InputError) as caught:
        input_files(str(corpus))
    message = str(caught.value)
    assert f"'{corpus}/latest' and '{corpus}/deep' are one folder" in message
    assert "or to a glob that names only one" in message
    assert "credentials" not in message
    assert names(corpus, corpus / "d*" / "*.parquet") == ["deep/b.parquet"]


def test_file_that_two_names_lead_to_is_an_error_and_a_hard_link_is_not(tree: Path):
    corpus = tree / "corpus"
    os.link(corpus / "a.parquet", corpus / "hard.parquet")
    assert names(corpus) == ["a.parquet", "deep/b.parquet", "hard.parquet"]
    (corpus / "latest.parquet").symlink_to("deep/b.parquet")
    with pytest.raises(InputError, match=r"latest\.parquet.*one file, by a link"):
        input_files(str(corpus))
    assert names(corpus, corpus / "l*.parquet") == ["latest.parquet"]


@pytest.mark.parametrize("name", ["b.parquet", "folder"])
def test_link_that_leads_nowhere_is_named(tree: Path, name: str):
    (tree / "corpus" / name).symlink_to("nowhere")
    (tree / "corpus" / ".#lock").symlink_to("user@host")
    for uri in (tree / "corpus", tree / "corpus" / "*"):
        with pytest.raises(InputError, match=f"{name}' is a link that leads nowhere"):
            input_files(str(uri))
    assert names(tree / "corpus", tree / "corpus" / "a*") == ["a.parquet"]


def test_pipe_in_the_corpus_is_named_and_not_opened(tree: Path):
    os.mkfifo(tree / "corpus" / "b.parquet")
    for uri in ("corpus", "corpus/*", "corpus/b.parquet"):
        with pytest.raises(InputError, match=r"b\.parquet' is neither file nor folder"):
            input_files(str(tree / uri))


@pytest.mark.parametrize("name", [b"\xff.parquet", b"caf\xe9/x.parquet"])
def test_name_that_is_not_utf8_is_refused_by_a_printable_one(tree: Path, name: bytes):
    path = os.path.join(os.fsencode(tree / "corpus"), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(os.fsdecode(path)).write_bytes(b"")
    for uri in (tree / "corpus", tree / "corpus" / "**" / "*.parquet", os.fsdecode(path)):
        with pytest.raises(Exception, match="not UTF-8") as caught:
            input_files(str(uri))
        assert str(caught.value).isprintable()
        assert "\\udc" in str(caught.value)


def test_folder_deeper_than_python_recurses_is_listed(tmp_path: Path):
    place = tmp_path
    (tmp_path / "y.parquet").write_bytes(b"")
    for _ in range(1200):
        place = place / "d"
        place.mkdir()
    (place / "x.parquet").write_bytes(b"")
    assert len(input_files(str(tmp_path))) == 2
    (place / "x.parquet").unlink()
    os.removedirs(place)  # or pytest fails at that, which recurses, in a later session


@pytest.mark.parametrize("glob", ["s3://buck*/a.parquet", "/corpus/**.parquet", "/corpus/a**/b"])
def test_glob_that_cannot_be_looked_for_is_refused(glob: str):
    with pytest.raises(InputError, match="no glob that can be looked for"):
        Pattern.of_glob(glob.removeprefix("s3://"))


@pytest.mark.s3
@pytest.mark.parametrize("pattern", ["", "/*/*.parquet", "/**/*.parquet", "/de/*"])
def test_listing_of_a_store_that_fails_is_an_error(
    s3_store: Store, monkeypatch: pytest.MonkeyPatch, pattern: str
):
    s3_store.replace("a.parquet", b"one")
    s3_store.replace("de/b.parquet", b"two")
    pages = S3FileSystem._iterdir
    assert input_files(s3_store.uri + pattern)

    async def failing(self: S3FileSystem, bucket: str, **named: object):
        if not pattern or "**" in pattern or str(named["prefix"]).endswith("de/"):
            raise PermissionError("Access Denied")
        async for page in pages(self, bucket, **named):
            yield page

    monkeypatch.setattr(S3FileSystem, "_iterdir", failing)
    with pytest.raises(InputError, match="Access Denied"):
        input_files(s3_store.uri + pattern)
    if not pattern:
        with pytest.raises(OutputError, match="Access Denied"):
            s3_store.listing()


@pytest.mark.s3
def test_exists_at_a_store_that_fails_is_an_error(s3_store: Store, monkeypatch: pytest.MonkeyPatch):
    s3_store.replace("_run.json", b"{}")
    assert s3_store.exists("_run.json")
    assert not s3_store.exists("_run")

    async def failing(*_: object, **__: object) -> None:
        raise OSError("Slow down")

    monkeypatch.setattr(S3FileSystem, "_call_s3", failing)
    with pytest.raises(OutputError, match="Slow down"):
        s3_store.exists("_run.json")
