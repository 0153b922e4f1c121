"""Measurements behind docs/performance.md, one module a figure.

``harness`` and ``fresh`` are what all share: sides in turns, records, processes of their own.
``corpora`` and ``xmod_base`` make texts and a checkpoint of X-MOD base's size, ``raylets`` a Ray
cluster of one node a core, ``detector_start`` is the part of ``language_detectors`` that runs in
fresh processes. Every other module is a command that compares its sides in one run, such as
``python -m benchmarks.engine``. ``results`` keeps what they wrote.
"""
