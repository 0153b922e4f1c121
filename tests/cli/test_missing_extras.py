"""A package that is not installed: one line that says how to get it."""

import subprocess
import sys

import pytest

ANNOTATE = ["annotate", "--config", "ner"]
WITHOUT = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from pipeline.cli.app import app
app({arguments!r}, prog_name="xmod-pipeline")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "arguments", "extra"),
    [
        (
            ["s3fs", "botocore"],
            ["annotate", "--config", "ner", "--set", "input.uri=s3://a/b"],
            "s3",
        ),
        (["s3fs", "botocore"], ["verify", "s3://a/b"], "s3"),
        (
            ["gcsfs"],
            ["annotate", "--config", "ner", "--set", "input.uri=gs://a/b"],
            "gcs",
        ),
        (["tensorboardX"], ["finetune", "--config", "finetune_ner"], "train"),
        (["seqeval"], ["evaluate", "--config", "evaluate"], "train"),
    ],
)
def test_command_without_what_it_needs_says_how_to_get_it(names, arguments, extra):
    code = WITHOUT.format(names=names, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert f"pip install 'xmod-pipeline[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
