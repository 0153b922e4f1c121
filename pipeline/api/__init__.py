"""The Python API: run a job from Python, or annotate the batches of a Ray Dataset of your own."""
