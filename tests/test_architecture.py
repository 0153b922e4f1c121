"""Rules that hold for the tree as a whole."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("pipeline", "jobs")
    for path in (ROOT / folder).rglob("*.py")
)

KNOW_RAY = (
    "pipeline/flow.py",
    "pipeline/apart.py",
    "pipeline/isolation.py",
    "pipeline/load_attempts.py",
    "pipeline/metrics.py",
    "pipeline/reservation.py",
    "pipeline/session.py",
    "pipeline/stop.py",
    "pipeline/tables/flow.py",
    "pipeline/training/cluster.py",
    "jobs/",
)
"""Where Ray may be imported: the shell around a core that runs without it."""

TESTED_ELSEWHERE = {
    # A package whose modules are one thing, tested through what it exports.
    "pipeline/storage/": "tests/test_storage.py",
    "pipeline/verify/": "tests/test_verify.py",
    "pipeline/settings/": "tests/test_settings.py",
    "pipeline/records.py": "tests/test_read.py",
    # Publishing is tested from crash to crash, with all that it writes.
    "pipeline/blocks.py": "tests/test_publish.py",
    "pipeline/claim.py": "tests/test_reconcile.py",
    "pipeline/commit.py": "tests/test_publish.py",
    "pipeline/parts.py": "tests/test_publish.py",
    # What needs a cluster is tested with whole jobs.
    "pipeline/flow.py": "tests/test_run.py",
    "pipeline/load_attempts.py": "tests/jobs/test_on_a_cluster.py",
    "pipeline/ending.py": "tests/jobs/test_on_a_cluster.py",
    "pipeline/stop.py": "tests/jobs/test_annotate.py",
    "pipeline/progress.py": "tests/jobs/test_annotate.py",
    "pipeline/tasks/masked_lm.py": "tests/tasks/test_masked_lm_task.py",
    "pipeline/tasks/answers.py": "tests/tasks/test_question_answering.py",
    "pipeline/xmod/generation.py": "tests/xmod/test_generation_loop.py",
    "pipeline/tables/flow.py": "tests/tables/test_build.py",
    # The two formats in one, and what a manifest says of a file.
    "pipeline/tables/destination.py": "tests/tables/test_build.py",
    "pipeline/tables/source.py": "tests/tables/test_outputs.py",
    "pipeline/tables/data_files.py": "tests/tables/test_iceberg_tables.py",
    "jobs/tables.py": "tests/tables/test_tables_job.py",
    "pipeline/run_report.py": "tests/test_report.py",
    "pipeline/page/limits.py": "tests/page/test_page.py",
    "pipeline/page/facts.py": "tests/page/test_sections.py",
    "pipeline/page/shown.py": "tests/page/test_sample.py",
    "jobs/report.py": "tests/page/test_page.py",
    # Two files of one name cannot be collected: the job's has test_annotate.py.
    "pipeline/annotate.py": "tests/test_annotate_stage.py",
    "pipeline/engine.py": "tests/test_annotate_stage.py",
    "jobs/verify.py": "tests/test_verify.py",
    "jobs/completion.py": "tests/test_completion.py",
    "pipeline/config_reference.py": "tests/test_docs.py",
    "pipeline/quiet.py": "tests/jobs/test_annotate.py",
    # Training is tested by what comes of it: a few steps, and the checkpoint that they leave.
    "pipeline/training/": "tests/training/test_finetune.py",
    "jobs/finetune.py": "tests/training/test_training_jobs.py",
    "jobs/pretrain.py": "tests/training/test_training_jobs.py",
    "jobs/add_language.py": "tests/training/test_training_jobs.py",
    "jobs/evaluate.py": "tests/training/test_training_jobs.py",
    "jobs/train_identifier.py": "tests/training/test_identifier.py",
}
"""Modules without a test file of their own, and the one that tests them."""

NOTHING_TO_TEST = {
    "pipeline/errors.py",  # classes without a body
    "pipeline/tasks/task.py",  # a protocol
    "pipeline/language/detection.py",  # a record and a protocol
    "pipeline/language/xmod_base.py",  # a list
}


def imports_of(path: Path) -> Iterator[str]:
    """The names of all modules that ``path`` imports, at its top or in a function."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield node.module or ""


def packages_of(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(path)}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_imports_ray_only_in_the_shell(path: Path):
    assert "ray" not in packages_of(path) or path.as_posix().startswith(KNOW_RAY)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_reads_yaml_only_in_config(path: Path):
    assert "yaml" not in packages_of(path) or path.as_posix() == "pipeline/config.py"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_does_not_import_jobs_or_tests(path: Path):
    assert packages_of(path).isdisjoint({"jobs", "tests", "pytest"})


KNOWS_ALL_SETTINGS = "pipeline/config_schemas.py"
"""Of both sides; nothing of the pipeline imports it but what writes their reference."""


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_of_annotation_does_not_import_training(path: Path):
    if path.parts[0] == "pipeline" and path.parts[1] != "training":
        if path.as_posix() == KNOWS_ALL_SETTINGS:
            return
        trained = [name for name in imports_of(path) if name.startswith("pipeline.training")]
        assert trained == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_opens_with_a_docstring(path: Path):
    assert ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def elsewhere(path: Path) -> str | None:
    return next(
        (TESTED_ELSEWHERE[key] for key in TESTED_ELSEWHERE if str(path).startswith(key)), None
    )


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "__init__.py"], ids=str)
def test_module_has_a_test_file_in_its_mirrored_place(path: Path):
    if path.as_posix() in NOTHING_TO_TEST:
        return
    folder = path.parent.relative_to("pipeline") if path.parts[0] == "pipeline" else path.parent
    mirrored = TESTS / folder / f"test_{path.name}"
    other = elsewhere(path)
    assert mirrored.is_file() or (other and (ROOT / other).is_file()), f"expected {mirrored}"


@pytest.mark.parametrize("key", [*TESTED_ELSEWHERE, *sorted(NOTHING_TO_TEST)])
def test_exception_from_the_mirror_names_what_is_there(key: str):
    assert (ROOT / key).exists()


def test_test_files_have_names_of_their_own():
    # pytest takes the files of folders without __init__.py for modules of one name space.
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
