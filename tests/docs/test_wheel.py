"""The wheel, in an environment that has nothing else: it annotates, and says what it lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh installation of the wheel, without extras."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*build, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv" / "bin" / "pip", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", ROOT / "requirements.lock", wheel], check=True)
    return folder / "venv" / "bin" / "xmod-pipeline"


def test_wheel_annotates_with_a_config_by_name_and_verifies(command: Path, tmp_path: Path):
    demo = ROOT / "demo"
    options = [
        *("--set", f"input.uri={demo}/corpus"),
        *("--set", f"tasks.0.model.path={demo}/model/ner"),
        *("--limit", "50"),
    ]
    annotate = [command, "annotate", "--config", "ner", *options]
    done = subprocess.run(annotate, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    verify = [command, "verify", "out/ner"]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "50 records annotated" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["annotate", "--config", "ner", "--set", "input.uri=s3://bucket/corpus"], "s3"),
        (["finetune", "--config", "finetune_ner"], "train"),
    ],
)
def test_wheel_without_an_extra_names_it(command: Path, tmp_path: Path, arguments, extra):
    done = subprocess.run([command, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"pip install 'xmod-pipeline[{extra}]'" in done.stderr
