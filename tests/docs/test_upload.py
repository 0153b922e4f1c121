"""What ``ray job submit --working-dir`` uploads, packed by Ray itself."""

import os
from pathlib import Path
from zipfile import ZipFile

import pytest
from ray._private.ray_constants import get_runtime_env_default_excludes
from ray._private.runtime_env.packaging import create_package

from tests.helpers.checkouts import clone
from tests.helpers.pages import ROOT

MOST = 20_000_000
MOST_BY_RAY = 100 * 1024**2
LEFT_BY_WORK = (
    "out/demo/data/part.parquet",
    "build/lib/pipeline/job.py",
    "demo/data/ner.parquet",
    "infra/airflow/.venv/bin/airflow",
    "pipeline/__pycache__/job.cpython-311.pyc",
    "runs/events",
    "training-data/text.parquet",
    "xmod_pipeline.egg-info/PKG-INFO",
    ".hypothesis/examples/a",
    ".mypy_cache/3.11/cache.db",
    ".pytest_cache/lastfailed",
    ".ruff_cache/a",
    ".venv-gpu/bin/python",
)


def uploaded(folder: Path, tmp_path: Path, *, gitignore: bool = True) -> tuple[set[str], int]:
    """The names of the files in the package of ``folder``, and its size."""
    package = tmp_path / "package.zip"
    package.unlink(missing_ok=True)  # Ray keeps one that is there
    create_package(
        str(folder),
        package,
        include_gitignore=gitignore,
        excludes=get_runtime_env_default_excludes(),
    )
    with ZipFile(package) as archive:
        return set(archive.namelist()), package.stat().st_size


def files_of(*folders: str) -> set[str]:
    """The files below ``folders`` of the checkout, but for what Python leaves there."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in found}
    return {name for name in names if "__pycache__" not in name}


@pytest.mark.parametrize("gitignore", [True, False])
def test_upload_of_a_checkout_in_use_is_what_a_cluster_needs(tmp_path, gitignore):
    folder = clone(tmp_path / "checkout", os.environ).folder
    clean, size = uploaded(folder, tmp_path, gitignore=gitignore)
    assert size <= MOST
    assert clean >= files_of("pipeline", "jobs", "configs", "demo/corpus")
    assert {name.split("/")[0] for name in clean if "/" in name} == {
        "pipeline",
        "jobs",
        "configs",
        "demo",
    }

    for name in ("my.yaml", *LEFT_BY_WORK):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"0")
    assert uploaded(folder, tmp_path, gitignore=gitignore)[0] - clean == {"my.yaml"}


def test_upload_with_the_demo_model_is_below_the_limit_of_ray(tmp_path):
    names, size = uploaded(ROOT / "infra" / "ray" / "demo", tmp_path)
    models = (f"demo/model/{name}" for name in ("ner", "topic", "embeddings"))
    assert size < MOST_BY_RAY
    assert names == files_of("pipeline", "jobs", "configs", "demo/corpus", *models)
