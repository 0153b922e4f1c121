"""A checkpoint's files: what they are known by."""

import hashlib
import os

import pytest

from pipeline.xmod.files import digest_of, stamp_of


def test_digest_is_over_names_and_contents_of_what_loading_reads(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    before = digest_of(tmp_path)
    (tmp_path / "README.md").write_text("not read")
    assert digest_of(tmp_path) == before
    content = hashlib.sha256(b"{}").hexdigest()
    assert before == hashlib.sha256(f"config.json {content}\n".encode()).hexdigest()
    (tmp_path / "config.json").rename(tmp_path / "other.json")
    assert digest_of(tmp_path) != before


@pytest.mark.parametrize("change", ["same size", "new file", "gone", "replaced"])
def test_stamp_changes_with_the_files(tmp_path, change):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    os.utime(path, ns=(0, 0))
    before = stamp_of(tmp_path)
    assert stamp_of(tmp_path) == before
    if change == "same size":
        path.write_bytes(b"WEIGHTS")
    elif change == "new file":
        (tmp_path / "tokenizer.json").write_text("{}")
    elif change == "gone":
        path.unlink()
    else:
        copy = tmp_path / "copy"
        copy.write_bytes(b"WEIGHTS")
        os.utime(copy, ns=(0, 0))
        copy.rename(path)
    assert stamp_of(tmp_path) != before
