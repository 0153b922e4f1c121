"""The tiny corpus and base of the trainings."""

from tests.training.conftest import base, corpora

__all__ = ["base", "corpora"]
