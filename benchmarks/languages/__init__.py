"""What ``benchmarks/language_detectors.py`` is made of, in the order in which it runs.

``footprint``  detectors' names → seconds until they answer, memory; a fresh process each
``texts``      a folder of corpora → texts with their X-MOD languages
``runs``       detectors, texts → answers, texts a second, strays
``figures``    answers → accuracy, calibration, confusions
``report``     all of these → one record, which is saved as JSON and as Markdown
``tables``     a report → tables for the terminal and for Markdown
``pictures``   a report → reliability and languages side by side; ``confusion`` the heat maps

What holds: one thread, which is set here because numpy reads it when it is first imported.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1")
