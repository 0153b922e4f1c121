"""Annotate multilingual Parquet corpora with X-MOD on Ray, every record exactly once.

The packages in the order of the data flow; each imports only those above it
(``tests/test_architecture.py``)::

    errors      the exception tree and the exit codes
    config      YAML and --set → frozen settings, a module a section
    contract    column names and types at each hand-off; units
    storage     files at file, s3:// and gs://: list, read, create-only write
    corpus      input URI → files, footers, schema check → units; columns → records
    language    text or tag → language → X-MOD language
    xmod        the model: checkpoints, encoder, adapters, attention, windows
    tasks       a file a head: what it reads of a record, and its columns
    stages      what a block goes through: read, identify, tokenize, annotate
    output      parts, commit records, publish, lock, reconcile, verify
    planning    settings → job, plan, estimate
    isolation   rows that do harm: bisection, memory budget
    execution   the run on Ray: session, dataset, rounds, isolated workers, stop
    reporting   run report, summary, logs, lineage, progress; page/ → report.html
    tables      enriched outputs → analytics tables
    training    pre-train, fine-tune, add a language, evaluate
    api         ``annotate`` and ``Annotator``, to use from Python
    cli         one Typer app, a module a command
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.api.annotate import annotate
    from pipeline.api.annotator import Annotator

__all__ = ["Annotator", "annotate"]

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    """The Python API, imported when it is asked for: it takes Ray and torch along."""
    if name == "annotate":
        from pipeline.api.annotate import annotate

        return annotate
    if name == "Annotator":
        from pipeline.api.annotator import Annotator

        return Annotator
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
