"""What transformers says of its own accord and nobody needs to hear.

Enters: a process. Leaves: it without bars, and without reports of weights that a head does not have
yet or that it leaves out on purpose.
"""

from transformers.utils import logging


def silence_transformers() -> None:
    """Errors are still told."""
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
