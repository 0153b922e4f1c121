"""What transformers prints on its own."""

from transformers.utils import logging


def silence_transformers() -> None:
    """Turn off progress bars and all messages but errors.

    Its warnings name weights that a head lacks before training, or that are left out on purpose.
    """
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
