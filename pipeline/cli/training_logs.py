"""What the training commands log: each step's figures, with their time."""

import logging

from pipeline.reporting.logs import line_handler


def start_training_logs() -> None:
    """Log from INFO on, with time and logger."""
    handler = line_handler("%(asctime)s %(name)s %(message)s")
    logging.basicConfig(level=logging.INFO, handlers=[handler])
