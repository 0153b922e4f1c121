"""What the pages' commands need: a clean clone, a Ray head with its token, a corpus on S3."""

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.helpers.checkouts import Checkout, clone
from tests.helpers.exceptions import CORPORA
from tests.helpers.heads import Head, ray_head
from tests.helpers.pages import ROOT
from tests.helpers.stores import S3Server


@pytest.fixture(scope="session")
def bucket(s3_server: S3Server) -> str:
    """The bucket that the pages name, with the sample corpus where they have theirs."""
    s3_server.make_bucket("bucket")
    store = fsspec.filesystem("s3", endpoint_url=s3_server.endpoint)
    for file in sorted((ROOT / "demo" / "corpus").glob("*.parquet")):
        store.put(str(file), f"bucket/corpus/{file.name}")
    return "s3://bucket"


@pytest.fixture(scope="session")
def head(bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """A head that reaches the bucket."""
    with ray_head(tmp_path_factory.mktemp("head")) as running:
        yield running


@pytest.fixture(scope="session")
def checkout(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A clean clone in which ``make demo`` has run, as the pages take for granted."""
    folder = tmp_path_factory.mktemp("reader")
    corpora = (ROOT / CORPORA).resolve()
    if corpora.is_dir():
        (folder / "shared").mkdir()
        (folder / "shared" / "data").symlink_to(corpora)
    made = clone(folder / "xmod-pipeline", {**os.environ, **head.environment})
    made.run("make demo", "README.md")
    return made


@pytest.fixture
def in_checkout(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The clone as this process's working folder."""
    monkeypatch.chdir(checkout.folder)
    return checkout.folder
