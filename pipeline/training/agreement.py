"""What one worker finds out, all of them know.

Enters: a question that the first worker answers. Leaves: its answer, on every worker.
Holds: an error is an answer too, and raised on all; a worker would else wait for one that has given
up until its time is over.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from torch import distributed

from pipeline.errors import PipelineError

Answer = TypeVar("Answer")


def agreed(ask: Callable[[], Answer]) -> Answer:
    """What `ask` gives the first worker; raises the PipelineError that it raises there."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return ask()
    told = [_answer(ask) if distributed.get_rank() == 0 else None]
    distributed.broadcast_object_list(told, src=0)
    if isinstance(told[0], PipelineError):
        raise told[0]
    return cast(Answer, told[0])


def _answer(ask: Callable[[], Answer]) -> Answer | PipelineError:
    try:
        return ask()
    except PipelineError as error:
        return error
