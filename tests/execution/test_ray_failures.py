"""What Ray raises, as people read it."""

import pytest
from ray.exceptions import ActorDiedError, RayActorError, RayTaskError

from pipeline.errors import CheckpointError, ClusterError, ConfigError
from pipeline.execution.ray_failures import explained


def task_error(cause: Exception) -> RayTaskError:
    """What Ray raises for what a task raised."""
    shown = f"Traceback (most recent call last):\n{type(cause).__module__}.{type(cause).__name__}"
    return RayTaskError("run", f"{shown}: {cause}", cause)


def test_explained_error_of_the_package_is_that_error():
    cause = CheckpointError("No model folder at 'x'.")
    assert explained(task_error(cause), "annotate") is cause
    outer = RuntimeError("around it")
    outer.__cause__ = task_error(cause)
    assert explained(outer, "annotate") is cause


def test_explained_actor_that_could_not_be_made_quotes_an_error_of_the_package():
    """Of these Ray has the text alone; a message may have several lines."""
    error = explained(ActorDiedError(task_error(CheckpointError("one\n  two"))), "annotate")
    assert (type(error), str(error)) == (CheckpointError, "one\n  two")


@pytest.mark.parametrize("name", ["pipeline", "torch"])
def test_explained_module_that_is_not_there_says_how_to_install_it(name):
    missing = ActorDiedError(task_error(ModuleNotFoundError(f"No module named '{name}'")))
    missing.error_msg = f"…\nModuleNotFoundError: No module named '{name}'"
    error = explained(missing, "annotate")
    assert type(error) is ConfigError
    assert f"no module named '{name}'" in str(error)
    assert "--runtime-env" in str(error)


def test_explained_error_of_another_kind_is_named_without_its_message():
    error = explained(task_error(ValueError("the text of a record")), "annotate")
    assert type(error) is ClusterError
    assert "builtins.ValueError" in str(error)
    assert "the text of a record" not in str(error)


def test_explained_fault_of_rays_is_one_line():
    error = explained(RayActorError(error_msg="\x1b[36mIt died.\x1b[39m\nand more"), "annotate")
    assert type(error) is ClusterError
    assert "RayActorError: It died. See" in str(error)
    assert "and more" not in str(error)
