"""Repositories of the hub, by replicas of its cache."""

import pytest

from pipeline.errors import CheckpointError
from pipeline.xmod.hub import fetched, is_commit

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    "revision", [None, "", "main", "v1.0", COMMIT[:7], COMMIT.upper(), f"{COMMIT}0"]
)
def test_is_commit_what_may_move_is_none(revision):
    assert not is_commit(revision)


def test_is_commit_forty_digits_are_one():
    assert is_commit(COMMIT)


def test_fetched_gives_the_files_of_the_commit(hub_cache, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    commit = hub_cache.add("a/b", tmp_path, without="hub")
    assert (fetched("a/b", commit, ("config.json",), "model.path") / "config.json").is_file()


def test_fetched_what_cannot_be_had_says_what_to_set_instead(hub_cache):
    with pytest.raises(CheckpointError, match=r"'a/b' at revision .*set model\.path to a local"):
        fetched("a/b", COMMIT, ("config.json",), "model.path")
