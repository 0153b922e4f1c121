"""X-MOD base as benchmarks run it: its geometry with random weights, and texts in its languages.

``checkpoint`` makes the model's folder, ``texts`` the windows.
"""
