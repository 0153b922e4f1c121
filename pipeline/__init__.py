"""Annotate multilingual Parquet corpora with X-MOD on Ray, every record exactly once.

The way of a record::

    corpus ─plan─▶ units ─read─▶ identify ─▶ tokenize ─▶ annotate ─▶ publish ─▶ enriched Parquet
                         gate    language    windows     X-MOD       commit      data/ + _commit/
                                 → lang_id               actor pools             quarantine/

==================  =========================================================================
``config``          YAML and ``--set`` overrides → frozen settings; the only YAML reader
``settings``        what ``jobs/annotate.py`` can be told
``schema``          every column name and Arrow type at each hand-off; what a stage is
``errors``          the exception tree
``storage``         files at ``file``, ``s3://`` and ``gs://``; create-only writes
``plan``            input URI → units (``unit``), from each file's ``footer`` alone
``job``             settings with all that they name looked up: a ``recipe`` a stage, fingerprint
``read``            unit → Arrow table of ``records``, behind the schema ``gate``; ``dictionaries``
                    and ``view_types`` that later steps can trust
``language``        text or tag → language → X-MOD language and ``lang_id``
``tokenize``        text → windows of token ids with offsets into the text, by the ``readings``
                    that tasks want: alone, after a question, before choices
``prepare``         read, identify and tokenize, in one process
``xmod``            the model, without Ray: checkpoints, routed adapters, batches, windows, pooling
``tasks``           one file a task: what it takes from a forward and the columns it adds
``annotate``        windows → task columns, through an ``engine`` a checkpoint
``publish``         unit → ``parts``, ``commit`` record; created once, adopted if there
``stopwatch``       what each stage took of a unit, on the way to its commit record, in ``portions``
                    that its rows carry
``failure``         what raised in a unit travels on as data
``blame``           pieces of a unit, down to the rows that are guilty; ``apart`` runs them on Ray,
                    each unit in an ``isolation``, ``all_stages`` in one process, where there is
                    ``room`` for its pieces together
``flow``            the stages as one Ray Dataset, in a ``session`` with Ray, on a ``reservation``;
                    ``load_attempts`` of its actors are bounded
``ending``          what a command raises → one sentence and an exit code; ``ray_failures`` of
                    Ray's, ``stop`` for signals
``changes``         a corpus that changed → units of the output that stay, go or are replaced
``run``             plan, ``claim`` the output, rounds, ``suspects``, ``reconcile``; the
                    ``manifest`` lists what the output is made of
``verify``          an output folder → the list of what is wrong with it
``report``          what happened → ``run_report.json`` and the summary; ``progress`` on the way,
                    ``effort`` summed up
``page``            an output → ``report.html``, to read in a browser
``tables``          enriched outputs → analytics tables, as Iceberg or Parquet
``training``        pre-train, fine-tune, add a language, evaluate: what a training is
                    (``learning``), on Ray Train (``cluster``); one file a head in ``heads``
==================  =========================================================================
"""

__version__ = "0.1.0"
