"""Analytics tables from enriched outputs: documents, entities, labels, languages; as Iceberg.

The way of a record::

    outputs ─survey─▶ committed parts ─count─▶ tally ─layout─▶ rows by file ─write─▶ files ─commit─▶

===============  ==================================================================================
``columns``      the columns of every table, with ``plain_types`` for those that come from an output
``outputs``      an output → its committed parts, as ``source`` describes and opens them
``dates``        a record's date, and the day, month or year that it is in
``rows``         part → rows of entities and labels; ``documents`` → those of documents
``tally``        part → counts by date and language; the table languages
``layout``       which partition and file a row goes to, and which files are rewritten
``iceberg``      the tables in a ``catalog``: load, create, commit; ``data_files`` are their files
``planning``     settings → what the tables lack; ``build`` goes from there to the commit
``flow``         the ``steps`` of a build, and an ``export``'s, on Ray
===============  ==================================================================================
"""

from importlib.util import find_spec

from pipeline.errors import ConfigError

if find_spec("pyiceberg") is None:
    raise ConfigError(
        "Tables are Apache Iceberg's, and pyiceberg is not installed. Install it with "
        "pip install 'xmod-pipeline[tables]'."
    )
