"""What the training commands log: each step's figures, with their time."""

import logging


def start_training_logs() -> None:
    """Log from INFO on, with time and logger."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
