"""What the training commands share: logs, clean exits and a config."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pipeline.cli.clean_exit import clean_exit
from pipeline.config import load
from pipeline.config.loading import ConfigT
from pipeline.reporting.logs import line_handler


@contextmanager
def training_command(
    name: str, model: type[ConfigT], config: str, overrides: Sequence[str] | None
) -> Iterator[ConfigT]:
    """The settings of the command ``name``, which logs from INFO on, with time and logger."""
    handler = line_handler("%(asctime)s %(name)s %(message)s")
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    with clean_exit(name):
        settings = load(config, overrides or [], model)
        from pipeline.xmod.transformers_logging import silence_transformers

        silence_transformers()
        yield settings
