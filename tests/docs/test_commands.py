"""Each command, query and program of the pages, run as it stands there, in a clean clone.

On a real Ray head with its token and a real S3. ``exceptions.py`` has the exceptions.
"""

import re

import duckdb
import pytest

from tests.helpers.exceptions import (
    CORPORA,
    NEED_CORPORA,
    NOT_RUN,
    not_run,
)
from tests.helpers.pages import (
    NOT_TO_RUN,
    PAGES,
    PYTHON,
    ROOT,
    SHELL,
    SQL,
    is_command,
    languages,
    snippets,
)

EVERY = [snippet for page in PAGES for snippet in snippets(page)]
TO_RUN = [one for one in EVERY if one.language != SHELL or not not_run(one.text)]


def run(checkout, page: str) -> None:
    """All of ``page``, in order; its SQL in one session."""
    database = duckdb.connect()
    for snippet in (one for one in TO_RUN if one.page == page):
        language, _, rest = snippet.language.partition(" ")
        if language == SHELL:
            checkout.run(snippet.text, snippet.place)
        elif language == PYTHON:
            checkout.run_python(snippet.text, snippet.place)
        else:
            rows = database.execute(snippet.text).fetchall()
            assert rows or rest == "setup", f"{snippet.place} gives no rows"


@pytest.mark.ray
@pytest.mark.s3
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.usefixtures("in_checkout")
@pytest.mark.parametrize("page", sorted({one.page for one in TO_RUN}))
def test_commands_of_page_run_as_they_stand(page, checkout):
    if page in NEED_CORPORA and not (ROOT / CORPORA).is_dir():
        pytest.skip(f"no corpora at {CORPORA}")
    run(checkout, page)


@pytest.mark.parametrize("page", PAGES)
def test_block_of_page_says_its_language(page):
    named = {language for language in languages(page) if not re.fullmatch(r"\{.+\}", language)}
    assert named <= {SHELL, SQL, PYTHON, *NOT_TO_RUN}


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_command_that_is_not_run_is_on_a_page_and_checked_elsewhere(pattern):
    assert any(pattern in not_run(one.text) for one in EVERY), "no page has it any more"
    assert (ROOT / NOT_RUN[pattern].checked_by).is_file()


def test_command_in_a_line_is_found_in_text_and_in_tables():
    found = {one.text for one in EVERY if one.language == SHELL}
    assert "python jobs/pretrain.py --config configs/pretrain.yaml" in found
    assert "python jobs/verify.py OUTPUT" in found
    assert not is_command("ray_xmod_records_total")
    assert not is_command("runtime.actors")
