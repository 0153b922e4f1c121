"""Analytics tables from enriched outputs: documents, entities, labels, languages; as Iceberg.

The way of a record::

    outputs ─survey─▶ committed parts ─count─▶ layout ─place─▶ sorted rows ─write─▶ files ─commit─▶

===============  ==================================================================================
``columns``      the columns of every table, and how an output's columns join them
``outputs``      an output → its committed parts, as ``source`` describes and opens them
``dates``        a record's date, and the day, month or year that it is in
``rows``         part → rows of documents, entities and labels
``tally``        part → counts by date and language; the table languages
``layout``       which partition a row goes to, and which files are rewritten
``iceberg``      the tables in a ``catalog``: load, create, commit; ``data_files`` are their files
``planning``     settings → what the tables lack; ``build`` goes from there to the commit
``flow``         what Ray runs for a build, and for an ``export`` to plain Parquet
===============  ==================================================================================
"""
