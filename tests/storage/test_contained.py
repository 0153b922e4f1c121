"""What is no plain file of the output is noticed, and neither read nor followed."""

import os
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.storage import Store
from pipeline.storage.contained import NO_FILE


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "secret"
    file.parent.mkdir()
    file.write_bytes(b"secret")
    return file


@pytest.fixture
def folder(local_store: Store) -> Path:
    local_store.create("data/a", b"one")
    return Path(local_store.uri.removeprefix("file://"))


@pytest.mark.parametrize(
    "path", ["../elsewhere/secret", "data/../../elsewhere/secret", "/dev/zero"]
)
def test_path_that_leads_out_is_not_read(
    local_store: Store, folder: Path, outside: Path, path: str
):
    with pytest.raises(OutputError, match=r"leads out of the output"):
        local_store.read(path)
    with pytest.raises(OutputError, match=r"leads out of the output"):
        local_store.read_all([path])


def test_links_and_pipes_are_listed_as_no_files_and_not_read(
    local_store: Store, folder: Path, outside: Path
):
    (folder / "data/file").symlink_to(outside)
    (folder / "data/zero").symlink_to("/dev/zero")
    (folder / "data/none").symlink_to(outside.with_name("none"))
    os.mkfifo(folder / "data/pipe")
    (folder / "linked").symlink_to(outside.parent)
    found = local_store.listing()
    assert found.pop("data/a") == 3
    assert found == dict.fromkeys(
        ["data/file", "data/none", "data/pipe", "data/zero", "linked"], NO_FILE
    )
    for path in ("data/file", "data/zero", "data/pipe"):
        with pytest.raises(OutputError, match=r"leads out|no plain file"):
            local_store.read(path)
    with pytest.raises(OutputError, match="leads out"):
        local_store.listing("linked")


def test_output_that_is_itself_behind_a_link_is_read(local_store: Store, folder: Path):
    (folder.parent / "link").symlink_to(folder)
    store = Store.open(str(folder.parent / "link"))
    assert store.listing() == {"data/a": 3}
    assert store.read("data/a") == b"one"


@pytest.mark.parametrize("path", ["_run.json", "_commit/a.json", "_manifest.json"])
def test_json_of_gigabytes_is_not_read(local_store: Store, folder: Path, path: str):
    (folder / path).parent.mkdir(exist_ok=True)
    with (folder / path).open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(OutputError, match=f"has {3 << 30} bytes"):
        local_store.read(path)


def test_folder_that_cannot_be_listed_is_an_error_and_not_empty(
    local_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    scandir = os.scandir

    def denied(path: str) -> object:
        if path.endswith("data"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(OutputError, match="Permission denied"):
        local_store.listing()


def test_empty_file_is_read_from_every_store(store: Store):
    store.create("data/empty.json", b"")
    assert store.read("data/empty.json") == b""
    assert store.read_all(["data/empty.json"]) == {"data/empty.json": b""}


def test_json_above_the_limit_is_refused_by_every_store(store: Store):
    store.create("_run.json", b" " * ((1 << 24) + 1))
    with pytest.raises(OutputError, match="bytes; expected"):
        store.read("_run.json")


def test_files_whose_path_has_no_link_are_read_without_a_walk_of_all_folders_above(
    local_store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    resolved: list[str] = []
    realpath = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: resolved.append(path) or realpath(path))
    assert local_store.read_all(["data/a"]) == {"data/a": b"one"}
    assert resolved == []
    (folder / "again").symlink_to("data")
    assert local_store.read("again/a") == b"one"
    assert set(local_store.listing("again")) == {"data/a"}
