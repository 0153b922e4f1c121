"""What ``benchmarks/planning.py`` and ``benchmarks/scale.py`` measure, each in a fresh process.

``corpora``  a number of files or of records → a corpus in a folder
``planned``  a corpus → seconds and memory of planning it, by this package or the plain way
``job``      settings → a whole job: when each unit was committed, and the driver's memory then
``raylets``  cores → a Ray of one raylet a core
``outcomes`` jobs → a figure, a table, a picture

What holds: a process imports, plans or annotates, and does nothing else, so that its memory is that
of its work.
"""
