"""A canary in the credentials and one in the texts: neither leaves by a side door."""

import shutil
import tempfile
from pathlib import Path

import pytest

from pipeline.storage import Store
from tests.helpers.corpora import assert_complete
from tests.helpers.stores import SECRET_KEY
from tests.helpers.whole_jobs import WholeJob

pytestmark = [pytest.mark.ray, pytest.mark.s3, pytest.mark.slow]

CANARY = "canary-5f1d7c"
HOLD_TEXT = ("data",)
"""Folders of an output that are there to hold texts."""


@pytest.fixture
def ray_folder():
    """Where Ray keeps its session; short, as sockets lie in it."""
    folder = tempfile.mkdtemp(prefix="cnry", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder)


def files_with(folder: Path, secret: str) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and secret.encode() in path.read_bytes()
    ]


@pytest.mark.long
def test_no_text_and_no_credential_is_in_logs_reports_or_records_of_the_run(
    tmp_path, models, s3_bucket, ray_folder
):
    texts = (
        f"{CANARY} POISON-RAISE",
        f"{CANARY} POISON-KILL",
        f"{CANARY} plain",
        f"{CANARY} {'x' * 2_000_000}",
    )
    job = WholeJob.over(tmp_path, models, 20, texts, unit_rows=6)
    environment = {
        **job.environment,
        "RAY_TMPDIR": str(ray_folder),
        "RAY_BACKEND_LOG_LEVEL": "debug",
    }
    output = f"{s3_bucket}/{tmp_path.name}/out"
    seen = []
    for options in (
        ["--set", f"output.uri={output}"],
        ["--set", f"output.uri={output}", "--set", "runtime.max_length=64"],  # refused
        ["--set", "input.uri=s3://no-such-bucket/in"],
        ["--set", f"input.text_column={CANARY[:6]}"],
    ):
        result = WholeJob(job.config, job.output, job.ids, environment).run(*options)
        seen.append(result.returncode)
        for said in (result.stdout, result.stderr):
            assert CANARY not in said
            assert SECRET_KEY not in said
    assert seen == [0, 2, 2, 2]
    assert_complete(output, job.ids, quarantined=["r20", "r21", "r23"])

    assert len(list(ray_folder.rglob("*.log"))) > 3, "Ray's logs are elsewhere"
    assert files_with(ray_folder, CANARY) == []
    assert files_with(ray_folder, SECRET_KEY) == []
    store = Store.open(output)
    bodies = store.read_all(store.listing())
    assert not any(SECRET_KEY.encode() in body for body in bodies.values())
    texts_in = {path.partition("/")[0] for path, body in bodies.items() if CANARY.encode() in body}
    assert texts_in <= set(HOLD_TEXT)
