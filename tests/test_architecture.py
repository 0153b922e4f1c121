"""Rules that hold for the tree as a whole."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    *("errors", "config", "contract", "storage", "corpus", "language", "xmod", "tasks", "stages"),
    *(
        "output",
        "planning",
        "isolation",
        "execution",
        "reporting",
        "tables",
        "training",
        "api",
        "cli",
    ),
)
"""The packages from the bottom to the top: each may import those before it, and itself."""

RAY_SHELLS = {"execution", "tables", "training", "api", "cli"}
"""Where Ray may be imported; all other packages run without it."""

TORCH_FREE = {
    *("errors", "config", "contract", "storage", "corpus", "language", "output", "planning"),
    *("reporting", "isolation"),
}
"""Packages that import no torch when they are imported, and neither does what they import."""

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("pipeline", "jobs")
    for path in sorted((ROOT / folder).rglob("*.py"))
}

TESTED_ELSEWHERE = {
    "pipeline.config.section": "tests/config/test_loading.py",
    "pipeline.config.tables": "tests/tables/test_tables_settings.py",
    "pipeline.contract.record": "tests/output/test_manifest.py",
    "pipeline.storage.local": "tests/storage/test_storage.py",
    "pipeline.corpus.records": "tests/stages/test_read.py",
    "pipeline.xmod.transformers_logging": "tests/jobs/test_annotate.py",
    "pipeline.tasks.answers": "tests/tasks/test_question_answering.py",
    "pipeline.stages.engine": "tests/stages/test_annotate.py",
    # Publishing is tested from crash to crash, with all that it writes.
    "pipeline.output.blocks": "tests/output/test_publish.py",
    "pipeline.output.parts": "tests/output/test_publish.py",
    "pipeline.output.verify.claims": "tests/output/verify/test_verify.py",
    "pipeline.output.verify.unit_files": "tests/output/verify/test_verify.py",
    "pipeline.execution.load_attempts": "tests/jobs/test_on_a_cluster.py",
    "pipeline.reporting.progress": "tests/jobs/test_annotate.py",
    "pipeline.tables.flow": "tests/tables/test_build.py",
    # A few steps of each training, and the checkpoint that they leave.
    # What runs in a process of its own, and what stands beside a model.
    "pipeline.training.importing.card": "tests/training/importing/test_importing.py",
    "pipeline.training.importing.unpickling": "tests/training/importing/test_pickled.py",
    "pipeline.training.curves": "tests/training/test_finetune.py",
    "pipeline.training.heads.causal_lm": "tests/training/test_finetune.py",
    "pipeline.training.heads.head": "tests/training/test_finetune.py",
    "pipeline.training.scored_trainer": "tests/training/test_finetune.py",
    "pipeline.training.trainer": "tests/training/test_finetune.py",
    # Commands are tested as users start them.
    "pipeline.cli.annotate": "tests/jobs/test_annotate.py",
    "pipeline.cli.annotation": "tests/jobs/test_annotate.py",
    "pipeline.cli.verify": "tests/output/verify/test_verify.py",
    "pipeline.cli.report": "tests/reporting/page/test_page.py",
    "pipeline.cli.tables": "tests/tables/test_tables_job.py",
    "pipeline.cli.pretrain": "tests/training/test_training_jobs.py",
    "pipeline.cli.finetune": "tests/training/test_training_jobs.py",
    "pipeline.cli.evaluate": "tests/training/test_training_jobs.py",
    "pipeline.cli.add_language": "tests/training/test_training_jobs.py",
    "pipeline.cli.import_checkpoint": "tests/training/importing/test_importing.py",
    "pipeline.cli.training": "tests/training/test_training_jobs.py",
}
"""Modules that no test of their package imports, and the test that runs them."""


def package_of(module: str) -> str:
    """The package below ``pipeline`` that ``module`` is in; empty for ``pipeline`` itself."""
    return [*module.split("."), ""][1]


PACKAGED = [m for m in MODULES if m.startswith("pipeline.")]


@cache
def imports_of(module: str, *, when_imported: bool = False) -> frozenset[str]:
    """All modules that ``module`` imports; ``when_imported``, those outside of functions."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in _statements(tree, into_functions=not when_imported):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def _statements(node: ast.AST, *, into_functions: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and not into_functions:
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _statements(child, into_functions=into_functions)


def chain_to(module: str, library: str, *, when_imported: bool) -> list[str] | None:
    """The shortest chain of imports from ``module`` to ``library``; None where there is none."""
    chains, seen = [[module]], {module}
    while chains:
        chain = chains.pop(0)
        at_import = when_imported or chain[-1] == "pipeline"  # whose API is imported on demand
        for name in sorted(imports_of(chain[-1], when_imported=at_import)):
            if name.partition(".")[0] == library:
                return [*chain, name]
            parts = name.split(".")
            for known in {".".join(parts[: k + 1]) for k in range(len(parts))} & MODULES.keys():
                if known not in seen:
                    seen.add(known)
                    chains.append([*chain, known])
    return None


def test_every_package_has_its_layer():
    assert {package_of(module) for module in MODULES if module.startswith("pipeline")} == {
        *LAYERS,
        "",
    }


@pytest.mark.parametrize("module", PACKAGED)
def test_module_imports_only_layers_below(module: str):
    allowed = LAYERS[: LAYERS.index(package_of(module)) + 1]
    used = {package_of(name) for name in imports_of(module) if name.startswith("pipeline.")}
    assert used & set(LAYERS) <= set(allowed)


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m.startswith("pipeline") and package_of(m) not in RAY_SHELLS]
)
def test_module_reaches_no_ray(module: str):
    assert chain_to(module, "ray", when_imported=False) is None


@pytest.mark.parametrize(
    "module", [*(m for m in PACKAGED if package_of(m) in TORCH_FREE), "pipeline.stages.read"]
)
def test_module_reaches_no_torch_when_imported(module: str):
    assert chain_to(module, "torch", when_imported=True) is None
    assert chain_to(module, "transformers", when_imported=True) is None  # it imports torch


@pytest.mark.parametrize("module", MODULES)
def test_module_reads_yaml_only_in_config(module: str):
    assert "yaml" not in imports_of(module) or module == "pipeline.config.yaml_values"


@pytest.mark.parametrize("module", MODULES)
def test_module_prints_by_what_escapes_control_characters(module: str):
    consoles = {"rich.console.Console", "rich.print"} & imports_of(module)
    assert not consoles, "expected the Console of pipeline.reporting.console"
    echoes = "typer.echo(" in MODULES[module].read_text(encoding="utf-8")
    assert not echoes or module in ("pipeline.cli.clean_exit", "pipeline.cli.app")


@pytest.mark.parametrize("module", MODULES)
def test_module_does_not_import_jobs_demo_or_tests(module: str):
    packages = {name.partition(".")[0] for name in imports_of(module)}
    assert packages.isdisjoint({"jobs", "demo", "tests", "pytest"})


@pytest.mark.parametrize("module", MODULES)
def test_module_opens_with_a_docstring(module: str):
    assert ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8")))


def imported_by(folder: Path) -> set[str]:
    """The modules that the tests in ``folder`` import, by name or by way of their package."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py"))
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    found = {str(node.module) for node in nodes}
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    return found | names | {REEXPORTS[name] for name in names if name in REEXPORTS}


REEXPORTS = {
    f"{package}.{alias.name}": str(node.module)
    for package, path in MODULES.items()
    if path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
"""Names that a package hands on, and the modules that they are from."""

TESTED = {
    package: imported_by(ROOT / "tests" / package)
    for package in LAYERS
    if (ROOT / "tests" / package).is_dir()
}


@pytest.mark.parametrize(
    "module",
    [m for m in PACKAGED if MODULES[m].name != "__init__.py"],
)
def test_module_is_imported_by_a_test_of_its_package(module: str):
    path = MODULES[module].relative_to(ROOT / "pipeline")
    mirrored = ROOT / "tests" / path.parent / f"test_{path.name}"
    tested = mirrored.is_file() or module in TESTED.get(package_of(module), set())
    assert tested != (module in TESTED_ELSEWHERE), f"expected {mirrored}, or an entry above"


@pytest.mark.parametrize("test", sorted(set(TESTED_ELSEWHERE.values())))
def test_test_that_stands_for_others_is_there(test: str):
    assert (ROOT / test).is_file()
