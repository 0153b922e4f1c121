"""The page in its place, and the command that makes it."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.errors import OutputError
from pipeline.output.verify import verify
from pipeline.reporting.page import PageLimits, try_write_page, write_page
from pipeline.storage import Store
from tests.helpers.finished import finish

ROOT = Path(__file__).parents[3]


def report(*arguments: str) -> object:
    import typer

    sys.path.insert(0, str(ROOT))
    from jobs.report import main

    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [*arguments])


def page(store: Store) -> str:
    return store.read("report.html").decode()


def test_write_page_leaves_the_output_as_it_is_beside_it(store: Store):
    finish(store)
    before = {path: store.read(path) for path in store.listing() if not path.startswith("_tmp")}
    assert write_page(store) == f"{store.uri}/report.html"
    after = {path: store.read(path) for path in store.listing() if not path.startswith("_tmp")}
    assert page(store).startswith("<!DOCTYPE html>")
    assert {path: body for path, body in after.items() if path != "report.html"} == before
    assert verify(store).problems == ()


def test_write_page_makes_the_same_page_again(local_store: Store):
    write_page(finish(local_store))
    first = page(local_store)
    write_page(local_store)
    assert page(local_store) == first


def test_write_page_writes_nothing_where_it_fails(local_store: Store):
    with pytest.raises(OutputError):
        write_page(local_store)
    assert not local_store.exists("report.html")


def test_try_write_page_holds_no_text(local_store: Store):
    assert try_write_page(finish(local_store, text=["Secretburg"] * 6)) is not None
    assert "Secretburg" not in page(local_store)


def test_try_write_page_does_not_fail_its_job(local_store: Store):
    (part,) = finish(local_store).listing("data")
    local_store.replace(part, b"not Parquet: Secretburg")
    assert try_write_page(local_store) is None
    assert not local_store.exists("report.html")


def test_limits_are_checked():
    with pytest.raises(ValueError, match="less than or equal to 2000"):
        PageLimits(records=1_000_000)


def test_report_writes_the_page_and_names_it(local_store: Store):
    finish(local_store, text=["Secretburg"] * 6)
    result = report(local_store.uri)
    assert (result.exit_code, result.stdout.strip()) == (0, f"{local_store.uri}/report.html")
    assert "Secretburg" in page(local_store)
    assert report(local_store.uri, "--no-text").exit_code == 0
    assert "Secretburg" not in page(local_store)


def test_report_of_no_output_says_so(local_store: Store):
    result = report(local_store.uri)
    assert result.exit_code == 2
    assert "has no run_report.json" in result.output


def test_page_is_made_without_ray_and_without_torch():
    code = "import sys, pipeline.reporting.page; print({'ray', 'torch'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
