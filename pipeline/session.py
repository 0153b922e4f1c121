"""A connection to Ray: the cluster at ``RAY_ADDRESS``, or a Ray of this machine for the while.

Enters: how many CPUs are needed at once. Leaves: a connection, ended with the block. What holds: a
Ray that was there before stays there; Ray's token authentication is as the environment has it.
"""

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import ray


@contextmanager
def connected(cpus: float, *, log_to_driver: bool = False) -> Iterator[None]:
    """Ray with ``cpus`` or more, if it is of this machine; of a cluster, what it has.

    In a process that is connected already, that connection is used and stays.
    """
    if ray.is_initialized():
        yield
        return
    # Ray tells the console of each process that dies; the run does, with what it had.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if os.environ.get("RAY_ADDRESS"):
        ray.init(logging_level=logging.ERROR, log_to_driver=log_to_driver)
    else:
        # On its own machine a job may count more CPUs than there are: the kernel shares them out.
        ray.init(
            address="local",
            num_cpus=max(os.cpu_count() or 1, math.ceil(cpus)),
            include_dashboard=False,
            logging_level=logging.ERROR,
            log_to_driver=log_to_driver,
        )
    try:
        yield
    finally:
        ray.shutdown()
