"""What a cluster must have before a job begins; addresses and tokens are in test_on_a_cluster."""

import pytest

import pipeline
from pipeline.errors import ConfigError
from pipeline.execution import session

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def test_machines_with_this_version_of_the_package_will_do():
    session._require_package()


def test_machines_with_another_version_of_the_package_are_refused(monkeypatch):
    there = pipeline.__version__
    monkeypatch.setattr(pipeline, "__version__", "9.9")
    with pytest.raises(ConfigError, match=rf"has {there}; expected version 9\.9.*--runtime-env"):
        session._require_package()
