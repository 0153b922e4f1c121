"""The documentation: its site builds without a warning, so that each link leads somewhere."""

import subprocess
import sys
from pathlib import Path

from docs.config_reference import reference
from docs.config_schemas import SETTINGS

ROOT = Path(__file__).parents[1]


def test_reference_page_is_that_of_the_settings():
    assert (ROOT / "docs" / "reference.md").read_text() == reference(), "run make config-docs"


def test_reference_says_what_every_key_is_for():
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 20 * len(SETTINGS)
    assert [row for row in rows if not row.split("|")[4].strip()] == []


def test_site_builds_with_every_link_checked(tmp_path):
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", "."]
    done = subprocess.run([*build, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "runtime" in (tmp_path / "docs" / "reference.html").read_text()
