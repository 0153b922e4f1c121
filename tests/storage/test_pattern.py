"""Which files a folder or a glob names, and what is counted beside them."""

import pytest

from pipeline.storage import Store, list_input
from pipeline.storage.inputs import summary

FILES = (
    *("a.parquet", "de/b.parquet", "_hidden.parquet", ".x.parquet", "_tmp/c.parquet"),
    *("_tmp/d.parquet", "de/_old/e.parquet", "a.PARQUET", "b.parquet.gz", "c.parq", "notes.txt"),
)


@pytest.fixture
def corpus(store: Store) -> Store:
    for path in FILES:
        store.replace(path, b"one")
    return store


def found(corpus: Store, path: str) -> list[str]:
    listing = list_input(corpus.uri_of(path))
    return [source.uri.removeprefix(f"{corpus.uri}/") for source in listing.files]


def test_folder_counts_all_that_is_not_read(corpus: Store):
    assert found(corpus, "") == ["a.parquet", "de/b.parquet"]
    assert list_input(corpus.uri).left_out == {
        "files named _* or .*": 2,
        "folders named _* or .*": 2,
        "files not named *.parquet": 4,
    }


@pytest.mark.parametrize(
    ("pattern", "files", "left_out"),
    [
        ("*.parquet", ["a.parquet"], {"files named _* or .*": 2}),
        ("a.*", ["a.PARQUET", "a.parquet"], {}),
        (
            "*",
            ["a.PARQUET", "a.parquet", "b.parquet.gz", "c.parq", "notes.txt"],
            {
                "files named _* or .*": 2,
                "folders that the glob names": 1,
                "folders named _* or .*": 1,
            },
        ),
        ("_tmp/*.parquet", ["_tmp/c.parquet", "_tmp/d.parquet"], {}),
        ("_t*/*.parquet", ["_tmp/c.parquet", "_tmp/d.parquet"], {}),
        ("_*.parquet", ["_hidden.parquet"], {}),
        (".[x].parquet", [".x.parquet"], {}),
        ("*/_old/*.parquet", ["de/_old/e.parquet"], {"folders named _* or .*": 1}),
        (
            "**/*.parquet",
            ["a.parquet", "de/b.parquet"],
            {
                "files named _* or .*": 2,
                "folders named _* or .*": 2,
            },
        ),
        ("d?/*.parquet", ["de/b.parquet"], {}),
        ("[x]*/*", None, {}),
    ],
)
def test_glob_names_its_files_and_counts_what_it_names_and_leaves_out(
    corpus: Store, pattern: str, files: list[str] | None, left_out: dict[str, int]
):
    if files is None:
        with pytest.raises(Exception, match="No Parquet file"):
            found(corpus, pattern)
        return
    assert found(corpus, pattern) == files
    assert list_input(corpus.uri_of(pattern)).left_out == left_out


def test_folder_with_nothing_to_read_says_what_is_there(store: Store):
    store.replace("a.PARQUET", b"")
    store.replace("_x/b.parquet", b"")
    with pytest.raises(
        Exception, match=r"left out: 1 file not named \*\.parquet, \d folders? named"
    ):
        list_input(store.uri)


def test_summary_counts_in_words():
    assert summary({"folders that the glob names": 1, "files named _* or .*": 3}) == (
        "3 files named _* or .*, 1 folder that the glob names"
    )
