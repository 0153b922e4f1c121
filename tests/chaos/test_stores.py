"""A run on a real S3 server behind a proxy that spoils answers: it ends well, or can be run again.

The runs are those of ``test_crash_matrix``, whose parts a store of its own counts at the end.
"""

import os
import random
import uuid
from collections.abc import Iterator

import pytest

from pipeline.errors import IncompleteError, OutputError
from pipeline.storage import Store
from tests.chaos.test_crash_matrix import run, units_of
from tests.helpers.faulty_proxy import FaultyProxy, Spoilt, faulty_proxy
from tests.helpers.outputs import FINGERPRINT, assert_exactly_once

pytestmark = pytest.mark.s3

TRANSIENT = (
    Spoilt.UNAVAILABLE,
    Spoilt.TOO_MANY,
    Spoilt.RESET,
    Spoilt.RESET_WITHIN,
    Spoilt.TRUNCATED,
    Spoilt.SLOW,
    Spoilt.STALLED,
    Spoilt.DROPPED,
)


@pytest.fixture
def proxy(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """A proxy that S3 stores go through while the test runs."""
    with faulty_proxy(os.environ["AWS_ENDPOINT_URL"]) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        forget_clients()
        yield running
    forget_clients()


def forget_clients() -> None:
    """s3fs keeps clients, and these their endpoint."""
    from s3fs.core import S3FileSystem

    S3FileSystem.clear_instance_cache()


def assert_all_there(proxy: FaultyProxy, store: Store) -> None:
    proxy.plan = lambda *_: Spoilt.NOT
    forget_clients()
    assert_exactly_once(store, *units_of(FINGERPRINT))


@pytest.mark.parametrize("spoilt", TRANSIENT)
def test_every_fourth_answer_is_spoilt(proxy: FaultyProxy, s3_bucket: str, spoilt: Spoilt):
    proxy.plan = lambda number, *_: spoilt if number % 4 == 3 else Spoilt.NOT
    store = Store.open(f"{s3_bucket}/{uuid.uuid4().hex}")
    run(store, FINGERPRINT)
    assert proxy.done[spoilt] >= 5
    assert_all_there(proxy, store)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 12))]
)
def test_a_tenth_of_all_answers_is_spoilt_one_way_or_another(
    proxy: FaultyProxy, s3_bucket: str, seed: int
):
    chance = random.Random(seed)

    def plan(*_: object) -> Spoilt:
        return chance.choice(TRANSIENT) if chance.random() < 0.1 else Spoilt.NOT

    proxy.plan = plan
    for _ in range(3):
        store = Store.open(f"{s3_bucket}/{uuid.uuid4().hex}")
        run(store, FINGERPRINT)
        proxy.plan, spoiling = (lambda *_: Spoilt.NOT), proxy.plan
        assert_exactly_once(store, *units_of(FINGERPRINT))
        proxy.plan = spoiling
    assert proxy.done.total() - proxy.done[Spoilt.NOT] >= 5


def test_listings_that_lag_behind_never_make_a_run_end_well_with_less(
    proxy: FaultyProxy, s3_bucket: str
):
    store = Store.open(f"{s3_bucket}/{uuid.uuid4().hex}")
    proxy.plan = lambda *_: Spoilt.STALE
    with pytest.raises(IncompleteError, match="not committed"):
        run(store, FINGERPRINT)
    assert not store.exists("_SUCCESS")
    proxy.plan = lambda *_: Spoilt.NOT
    run(store, FINGERPRINT)
    assert_all_there(proxy, store)


def test_a_clock_that_is_wrong_is_said(proxy: FaultyProxy, s3_bucket: str):
    proxy.plan = lambda *_: Spoilt.SKEWED
    store = Store.open(f"{s3_bucket}/{uuid.uuid4().hex}")
    with pytest.raises(OutputError, match=r"Skewed|Forbidden|403|clock"):
        run(store, FINGERPRINT)


@pytest.mark.long
def test_a_service_that_stays_away_is_said_and_a_later_run_goes_on(
    proxy: FaultyProxy, s3_bucket: str
):
    proxy.plan = lambda number, *_: Spoilt.NOT if number < 12 else Spoilt.UNAVAILABLE
    store = Store.open(f"{s3_bucket}/{uuid.uuid4().hex}")
    with pytest.raises(OutputError, match=r"Check output\.uri, the service"):
        run(store, FINGERPRINT)
    proxy.plan = lambda *_: Spoilt.NOT
    run(store, FINGERPRINT)
    assert_all_there(proxy, store)


@pytest.mark.long
def test_a_request_that_hangs_is_given_up_and_made_again(proxy: FaultyProxy, s3_bucket: str):
    proxy.plan = lambda number, *_: Spoilt.HUNG if number == 6 else Spoilt.NOT
    store = Store.open(f"{s3_bucket}/{uuid.uuid4().hex}")
    run(store, FINGERPRINT)
    assert proxy.done[Spoilt.HUNG] == 1
    assert_all_there(proxy, store)
