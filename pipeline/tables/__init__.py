"""Analytics tables from enriched outputs: documents, entities, labels, languages.

The way of a record::

    outputs ─survey─▶ committed parts ─count─▶ tally ─layout─▶ rows by file ─write─▶ files ─commit─▶

================  =================================================================================
``columns``       every column of every table, with ``plain_types`` for what comes from an output
``outputs``       an output → a ``source`` with its committed parts; ``reading`` opens their files
``dates``         a record's date, and the span of dates that it is in
``rows``          part → rows of entities and labels; ``documents`` those of documents
``tally``         part → counts by date and language; the table languages
``layout``        which partition and file a row goes to, and which files are written again
``table_files``   rows of one file → the file
``steps``         what a process does with one part or one file; ``flow`` runs steps on Ray
``destination``   what a table holds and one commit of what changes: ``parquet_tables``, or
                  ``iceberg_tables`` with its ``catalog`` and ``data_files``
``planning``      settings → what the tables lack; ``build`` goes from there to the commit
================  =================================================================================
"""
