"""An input and an output that share files."""

import os
from pathlib import Path

import pytest

from pipeline.contract.unit import SourceFile
from pipeline.errors import ConfigError
from pipeline.storage import InputListing, list_input
from pipeline.storage.overlap import require_apart, require_outside

PART = "data/part-00000000000000000000000000000000.parquet"


def check(source: Path | str, target: Path | str) -> None:
    require_apart(str(source), list_input(str(source)), str(target))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A corpus of one file, and a finished output beside it."""
    for name in ("lake/raw/a.parquet", f"lake/out/{PART}"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    return tmp_path / "lake"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("out/data", "out"),
        ("out/data/*.parquet", "out"),
        (f"out/{PART}", "out"),
        ("out", "out"),
        ("raw", "."),
        ("raw/a.parquet", "."),
        ("raw", "raw"),
        ("raw", "raw/out"),
        ("raw/../raw", "raw/x/../out"),
        (".", "out"),
        (".", "new"),
        ("**/*.parquet", "out"),
        ("**/*.parquet", "new"),
        ("**/data/*", "new"),
        ("*/*/*.parquet", "new"),
        ("raw/**/*.parquet", "raw/deep/new"),
        ("r*/**", "raw/new"),
    ],
)
def test_input_and_output_that_share_files_are_refused(lake: Path, source: str, target: str):
    with pytest.raises(ConfigError, match=r"Set output\.uri to a folder beside the corpus"):
        check(lake / source, lake / target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("raw", "out"),
        ("raw", "raw2"),
        ("raw", "new"),
        ("raw/a.parquet", "raw/out"),
        ("raw/*.parquet", "raw/out"),
        ("*/*.parquet", "new"),
        ("r*/**/*.parquet", "new"),
    ],
)
def test_input_and_output_apart_pass(lake: Path, source: str, target: str):
    check(lake / source, lake / target)


def test_input_that_a_link_leads_into_the_output_is_refused(lake: Path):
    (lake / "raw" / "old").symlink_to(lake / "out" / "data")
    for source in ("raw", "raw/**/*.parquet", "raw/old", "raw/old/*"):
        with pytest.raises(ConfigError, match="delete its input"):
            check(lake / source, lake / "out")
    (lake / "raw" / "old").unlink()
    (lake / "raw" / "b.parquet").symlink_to(lake / "out" / PART)
    with pytest.raises(ConfigError, match=r"b\.parquet"):
        check(lake / "raw", lake / "out")


def test_input_of_links_to_links_into_the_output_is_refused(lake: Path):
    (lake / "raw" / "b.parquet").symlink_to("../beside/c.parquet")
    (lake / "beside").mkdir()
    (lake / "beside" / "c.parquet").symlink_to("../out/" + PART)
    with pytest.raises(ConfigError, match=r"output\.uri"):
        check(lake / "raw", lake / "out")


def test_input_of_many_links_takes_a_look_at_each_and_not_at_all_folders_above(
    lake: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(100):
        (lake / "raw" / f"{number}.parquet").symlink_to(lake / "beside" / f"{number}.blob")
        (lake / "beside").mkdir(exist_ok=True)
        (lake / "beside" / f"{number}.blob").write_bytes(b"x")
    listing, looked, stat = list_input(str(lake / "raw")), [], os.stat
    monkeypatch.setattr(os, "stat", lambda *path, **how: looked.append(path) or stat(*path, **how))
    require_apart(str(lake / "raw"), listing, str(lake / "out"))
    assert len(looked) < 100


def test_glob_of_what_a_run_puts_in_quarantine_is_refused(lake: Path):
    path = lake / "old" / "quarantine" / "a.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"output\.uri"):
        check(lake / "*" / "quarantine" / "*.parquet", lake / "new")


def test_output_whose_folder_is_a_link_to_the_input_is_refused(lake: Path):
    (lake / "linked").symlink_to("raw")
    (lake / "new").mkdir()
    (lake / "new" / "data").symlink_to(lake / "raw")
    for target in ("linked", "linked/out", "new"):
        with pytest.raises(ConfigError):
            check(lake / "raw", lake / target)


def test_output_that_is_elsewhere_by_a_link_below_the_input_is_refused(lake: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (lake / "raw" / "out").symlink_to(tmp_path / "elsewhere")
    for source in ("raw", "raw/**/*.parquet"):
        with pytest.raises(ConfigError):
            check(lake / source, lake / "raw" / "out")


def test_folders_that_differ_in_case_or_by_a_mount_are_told_by_what_they_are(
    lake: Path, monkeypatch: pytest.MonkeyPatch
):
    real = os.stat

    def bound(path: object, *given: object, **named: object) -> os.stat_result:
        return real(str(path).replace("/RAW", "/raw").replace("/bound", "/raw"), *given, **named)

    listing = list_input(str(lake / "raw"))
    monkeypatch.setattr(os, "stat", bound)
    for target in ("RAW", "RAW/out", "bound/out", "bound"):
        with pytest.raises(ConfigError):
            require_apart(str(lake / "raw"), listing, str(lake / target))


@pytest.mark.parametrize(
    ("source", "found", "target", "is_apart"),
    [
        ("s3://b/lake/raw", "s3://b/lake/raw/a.parquet", "s3://b/lake/out", True),
        ("s3://b/lake", "s3://b/lake/raw/a.parquet", "s3://b/lake/out", False),
        ("s3a://b/lake/raw", "s3://b/lake/raw/a.parquet", "s3://b/lake", False),
        ("s3://b/raw", "s3://b/raw/a.parquet", "s3://b/raw2", True),
        ("s3://b/raw", "s3://b/raw/a.parquet", "s3://other/raw", True),
        ("s3://b/raw", "s3://b/raw/a.parquet", "gs://b/raw", True),
        ("s3://b", "s3://b/a.parquet", "s3://b/out", False),
        ("s3://b/**/*.parquet", "s3://b/a.parquet", "s3://b/out", False),
        ("s3://b/*.parquet", "s3://b/a.parquet", "s3://b/out", True),
        ("s3://b/lake/**", f"s3://b/lake/out/{PART}", "s3://b/lake/out", False),
        ("gs://b/l*/out/data/*", f"gs://b/lake/out/{PART}", "gs://b/lake/out", False),
        ("gs://b/l[a]ke/**", "gs://b/lake/a.parquet", "gs://b/lake/out", False),
        ("gs://b/l[a]ke", "gs://b/l[a]ke/a.parquet", "gs://b/lake/out", True),
    ],
)
def test_places_in_a_store_are_compared_by_their_names(
    source: str, found: str, target: str, is_apart: bool
):
    listing = InputListing((SourceFile(uri=found, size=1, version="1"),), {})
    if is_apart:
        require_apart(source, listing, target)
        return
    with pytest.raises(ConfigError):
        require_apart(source, listing, target)


def test_folder_in_an_output_is_refused_by_the_name_of_its_setting(lake: Path):
    outputs = [str(lake / "out"), "s3://b/out"]
    (lake / "linked").symlink_to("out")
    for folder in ("out", "out/data", "out/new", "linked/x"):
        with pytest.raises(ConfigError, match=r"--export .* is in the output"):
            require_outside("--export", str(lake / folder), outputs)
    with pytest.raises(ConfigError):
        require_outside("--export", "s3a://b/out/x/", outputs)
    for folder in (str(lake / "out2"), str(lake), "s3://b/out2", "gs://b/out"):
        require_outside("--export", folder, outputs)
