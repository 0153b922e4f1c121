"""Failures that pass through the flow as data, and what they say."""

from errno import ENOSPC

import pyarrow as pa
import pytest

from pipeline.contract import schema
from pipeline.contract.failure import Failure
from pipeline.contract.unit import Unit
from pipeline.errors import InputError, PipelineError
from pipeline.stages.failure import failed_block, failure_in, failure_of, guarded
from tests.helpers.outputs import make_block, make_unit

UNIT = make_unit()
FAILURE = Failure("read", "InputError", "no")


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize("kind", [PipelineError, InputError])
def test_failure_of_own_exception_quotes_it(kind: type[PipelineError]):
    failure = failure_of(raised(kind("column 'a' is int64")), "read")
    assert failure == Failure("read", kind.__name__, "column 'a' is int64")


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, pa.ArrowInvalid, MemoryError])
def test_failure_of_foreign_exception_names_type_and_place_and_no_text(kind: type[Exception]):
    failure = failure_of(raised(kind("the secret words of a record")), "annotate")
    assert failure.error_type == kind.__name__
    assert "secret" not in failure.message
    assert kind.__module__ in failure.message
    assert f"{__file__}:" in failure.message


def test_failure_of_the_system_says_the_reason_and_no_text():
    full = failure_of(raised(OSError(ENOSPC, "secret", "secret")), "publish")
    assert full.message.startswith("builtins.OSError (No space left on device) at ")
    assert "secret" not in full.message
    for odd in (OSError("secret"), OSError(10**12, "secret"), OSError("secret", "secret")):
        assert failure_of(odd, "publish").message == "builtins.OSError"


def test_failure_of_exception_that_was_never_raised_names_its_type():
    assert failure_of(KeyError("secret"), "tokenize").message == "builtins.KeyError"


def test_failed_block_gives_its_failure_and_unit_back():
    block = failed_block(UNIT.to_json(), FAILURE)
    assert block.num_rows == 1
    assert failure_in(block) == FAILURE
    assert Unit.from_json(block["_unit"][0].as_py()) == UNIT


def test_failure_in_block_of_records_is_none():
    assert failure_in(make_block(UNIT)) is None


def test_guarded_step_that_returns_is_its_result():
    block = make_block(UNIT)
    assert guarded(lambda table: table.select(["text"]), "x", block).column_names == ["text"]


def test_guarded_step_that_raises_is_a_failed_block_of_the_unit():
    def step(block: pa.Table) -> pa.Table:
        raise ValueError(block["text"][0].as_py())

    block = guarded(step, "tokenize", make_block(UNIT))
    failure = failure_in(block)
    assert failure is not None
    assert (failure.stage, failure.error_type) == ("tokenize", "ValueError")
    assert "Berlin" not in failure.message
    assert Unit.from_json(block["_unit"][0].as_py()) == UNIT
    assert block.schema.field("_failure").type == schema.FAILURE


def test_guarded_failed_block_passes_and_the_step_is_not_run():
    def step(block: pa.Table) -> pa.Table:
        raise AssertionError

    block = failed_block(UNIT.to_json(), FAILURE)
    assert guarded(step, "annotate", block) is block


def test_guarded_interrupt_is_not_taken_for_a_failure():
    def step(block: pa.Table) -> pa.Table:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(step, "annotate", make_block(UNIT))
