"""The exception tree.

Enters: nothing. Leaves: the exceptions that the package raises on purpose. What holds: each
message says what is wrong, the value seen, what was expected and where to mend it; no record's text
is in it. Messages quote untrusted names, and are shown as ``printable`` text.

::

    PipelineError
    ├── ConfigError            the configuration cannot be used                      exit 2
    ├── InputError             the corpus cannot be read as configured               exit 2
    │   ├── SchemaError        a file's columns are not those the job was given
    │   ├── DamagedError       a file's bytes are not the Parquet that they should be
    │   └── TooLargeError      rows unfold to more bytes than a unit may have
    ├── CheckpointError        the model cannot be loaded or does not fit the task   exit 2
    ├── OutputError            the output is not this run's to write                 exit 2
    │   └── FingerprintError   it holds the results of another configuration
    ├── LossError              more would be lost than the settings allow            exit 4
    ├── ClusterError           Ray cannot run the job now; another try may do        exit 5
    ├── StageError             a stage broke its contract: a fault of this package
    ├── LanguageError          a tag or an id names no adapter of the checkpoint
    ├── PublishError           a part cannot be published as it should be
    ├── IncompleteError        the job ended and not every record is accounted for   exit 1
    └── StoppedError           the job was told to stop; run again, it goes on       exit 75
"""

import re
from collections.abc import Sequence
from enum import IntEnum


class PipelineError(Exception):
    """Any failure that this package can explain."""


class ConfigError(PipelineError):
    """A configuration file or an override is wrong."""


class InputError(PipelineError):
    """The input is missing, empty, or cannot be read."""


class SchemaError(InputError):
    """A file's columns or types are not what the job was planned with."""


class DamagedError(InputError):
    """A file's bytes are damaged: trying again will not help."""


class TooLargeError(InputError):
    """Rows unfold to more bytes than a unit may have: fewer at a time may do."""


class CheckpointError(PipelineError):
    """A model folder cannot be loaded, or does not serve the task it was given to."""


class OutputError(PipelineError):
    """The output folder cannot take this run's results."""


class FingerprintError(OutputError):
    """The output folder holds results of another configuration, model or version."""


class LossError(PipelineError):
    """More input files or records would be left out than the settings allow."""


class ClusterError(PipelineError):
    """The Ray cluster is away, has no room, or lost what a job cannot do without."""


class StageError(PipelineError):
    """A stage got or made other columns or rows than it declares."""


class LanguageError(PipelineError):
    """A language tag or ``lang_id`` that names no adapter of the checkpoint."""


class PublishError(PipelineError):
    """A unit's part cannot be written, or what stands in its place is not it."""


class IncompleteError(PipelineError):
    """Units are left without a commit record, or counts do not add up."""


class StoppedError(PipelineError):
    """The job was told to stop before it was done."""


EXTRAS = {
    "s3fs": "s3",
    "gcsfs": "gcs",
    **dict.fromkeys(("boto3", "botocore", "pyiceberg", "sqlalchemy"), "tables"),
    **dict.fromkeys(("accelerate", "matplotlib", "seqeval", "sklearn", "tensorboardX"), "train"),
}
"""Packages that not every installation has, and the extra of this package that they come with."""


def missing_extra(package: str, extra: str) -> ConfigError:
    """The error of a feature whose ``package`` is not installed."""
    return ConfigError(
        f"{package} is not installed, which this needs. Run: pip install 'xmod-pipeline[{extra}]'."
    )


class ExitCode(IntEnum):
    """What a command ends with."""

    INCOMPLETE = 1
    UNUSABLE = 2
    BAD_FILES = 3
    LOSS = 4
    TEMPORARY = 5
    STOPPED = 75
    INTERRUPTED = 130


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 except tab and line feed, C1, line separators, bidi embeddings, overrides and isolates, and
surrogates. Joiners and directional marks stay: Arabic, Hebrew and Indic scripts need them."""


def printable(text: str) -> str:
    """``text`` with control characters escaped, except line feeds and tabs."""
    return _CONTROLS.sub(_escaped, text)


def on_one_line(text: str) -> str:
    """``printable(text)`` with line feeds escaped, so that a name cannot pass for a message."""
    return printable(text).replace("\n", "\\n")


def shortened(lines: Sequence[str]) -> list[str]:
    """The first ten of ``lines``, and how many more there are."""
    more = [f"… and {len(lines) - 10} more"] if len(lines) > 10 else []
    return [*lines[:10], *more]


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
