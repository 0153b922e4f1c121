"""Fixtures that several tests share: stores, checkpoints, and the one Ray cluster of a session."""

import logging
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from pipeline.storage import Store
from tests.helpers.corpora import save_models
from tests.helpers.hub import HubCache
from tests.helpers.languages import FEW
from tests.helpers.stores import S3Server, seaweedfs

LONG = 3600
"""Seconds that a test may take that is marked so; the others have those of pyproject.toml."""

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")  # no test fails for being slow

SLOW_FOLDERS = {"benchmarks", "chaos", "demo", "docs", "fuzz", "infra", "jobs", "training"}
"""Folders below ``tests`` with nothing for the inner loop."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the long tests their time, and mark those of the inner loop."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG))
        marked = any(item.get_closest_marker(name) for name in ("long", "ray", "s3", "slow"))
        if not marked and SLOW_FOLDERS.isdisjoint(item.path.parts):
            item.add_marker(pytest.mark.fast)


@pytest.fixture(autouse=True)
def denormals_as_they_were() -> Iterator[None]:
    """The engine and trainings flush denormals in their process; hypothesis draws them here."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="session")
def few() -> tuple[str, ...]:
    """A small checkpoint: no Norwegian, no Greek."""
    return FEW


@pytest.fixture
def local_store(tmp_path: Path) -> Store:
    """An output folder on this disk, not there yet."""
    return Store.open(str(tmp_path / "out"))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, which this session's environment points to."""
    with pytest.MonkeyPatch.context() as environment:
        with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
            for name, value in server.environment.items():
                environment.setenv(name, value)
            yield server


@pytest.fixture(scope="session")
def s3_bucket(s3_server: S3Server) -> str:
    """The URI of a bucket on that server."""
    s3_server.make_bucket("corpus")
    return "s3://corpus"


@pytest.fixture
def s3_store(s3_bucket: str) -> Store:
    """An output folder in that bucket, one a test."""
    return Store.open(f"{s3_bucket}/{uuid.uuid4().hex}/out")


@pytest.fixture(
    params=["local_store", pytest.param("s3_store", marks=pytest.mark.s3)], ids=["local", "s3"]
)
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of output folder in turn."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubCache:
    """An empty cache of the model hub, which this process and those that it starts look into."""
    return HubCache(tmp_path / "hub", monkeypatch)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny checkpoints, ``ner`` and ``topic``."""
    return save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def ray_cluster(s3_bucket: str) -> Iterator[None]:
    """A Ray of this machine for the session; its workers know the S3 server and obey poison."""
    import ray

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(Path(__file__).parent / "poison"), prepend=os.pathsep)
        environment.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
        ray.init(
            address="local",
            num_cpus=4,
            include_dashboard=False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    yield
    ray.shutdown()
