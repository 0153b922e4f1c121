"""How often actors may fail to load their models: Ray would restart a dying process for ever.

A successful load resets the count.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

from pipeline.errors import ClusterError

_MOST = 3
_ANSWERS_WITHIN = 60


class LoadAttempts:
    """Counts attempts by actor, in an actor of its own, on a machine by Ray's ``options``.

    ``needed`` is the memory that an attempt needs, in bytes.
    """

    def __init__(self, needed: int, options: dict[str, Any]) -> None:
        self._needed = needed
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 1, **options}
        self._counter: Any = ray.remote(_counter()).options(**options).remote()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """An attempt of the actor that this is called in."""
        actor = ray.get_runtime_context().get_actor_id()
        if self._begun(actor) > _MOST:
            raise ClusterError(
                f"A process that loads the models died {_MOST} times in a row, most likely killed "
                f"for want of memory: an actor needs about {self._needed / 1e9:.1f} GB. Set "
                "runtime.actors lower, or give the machines more memory."
            )
        yield
        self._counter.forget.remote(actor)

    def _begun(self, actor: str | None) -> int:
        try:
            return int(ray.get(self._counter.begin.remote(actor), timeout=_ANSWERS_WITHIN))
        except RayError:
            return 1  # its machine is gone: another counts from here on


def _counter() -> type:
    """The counter's class, of this function: Ray sends it by value, and it imports nothing."""

    class Counter:
        def __init__(self) -> None:
            self._begun: dict[str, int] = {}

        def begin(self, actor: str) -> int:
            self._begun[actor] = self._begun.get(actor, 0) + 1
            return self._begun[actor]

        def forget(self, actor: str) -> None:
            self._begun[actor] = 0

    return Counter
