"""Annotate multilingual Parquet corpora with X-MOD on Ray, every record exactly once.

The way of a record::

    corpus ─plan─▶ units ─read─▶ identify ─▶ tokenize ─▶ annotate ─▶ publish ─▶ enriched Parquet
                         gate    language    windows     X-MOD       commit      data/ + _commit/
                                 → lang_id               actor pools             quarantine/

==================  =========================================================================
``config``          YAML and ``--set`` overrides → frozen settings; the only YAML reader
``schema``          every column name and Arrow type at each hand-off
``errors``          the exception tree
``storage``         files at ``file``, ``s3://`` and ``gs://``; create-only writes
``plan``            input URI → units, fingerprint, minus what is committed
``read``            unit → Arrow table, behind the schema gate
``language``        text or tag → language → X-MOD language and ``lang_id``
``tokenize``        text → windows of token ids with offsets into the text
``xmod``            the model, without Ray: checkpoints, routed adapters, batches, windows, pooling
``tasks``           one file a task: what it takes from a forward and the columns it adds
``annotate``        windows → task columns, through one forward a checkpoint
``publish``         unit → part, quarantine, commit record; created once, adopted if there
``blame``           a unit that failed → its rows annotated apart, the guilty ones quarantined
``reconcile``       commit records → counts that add up, ``_manifest.json``, ``_SUCCESS``
``verify``          an output folder → the list of what is wrong with it
``flow``            the stages as one Ray Dataset, in rounds
``report``          what happened → ``run_report.json`` and the summary by language
``training``        pre-train, fine-tune, evaluate
==================  =========================================================================
"""

__version__ = "0.1.0"
