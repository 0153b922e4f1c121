"""The page: what is text stays text, nothing is fetched, and the command that makes it."""

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from pipeline.cli.report import report
from pipeline.errors import OutputError
from pipeline.output.verify import verify
from pipeline.reporting.page import PageLimits, try_write_page, write_page
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.page import hues, policy, render
from pipeline.reporting.page.sections import page_of
from pipeline.storage import Store
from tests.helpers.finished import HOSTILE, LABEL, SCORE, finish, write_report
from tests.helpers.outputs import make_unit

ROOT = Path(__file__).parents[3]
MEGABYTE = 1_000_000
LOADS = ("src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href")


def run_report(*arguments: str) -> Result:
    """The command ``report``, without a process of its own."""
    app = typer.Typer()
    app.command()(report)
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


def test_write_page_escapes_what_would_reorder_the_page(local_store: Store):
    hostile = "safe\u202egpj.exe\u2066\x9b\x07"
    write_page(finish(local_store, 1, text=[hostile], record_id=[hostile]))
    shown = page(local_store)
    assert r"safe\u202egpj.exe\u2066\x9b\x07" in shown
    assert not set("\u202e\u2066\x9b\x07") & set(shown)


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


def test_page_of_somebody_else_is_left_as_it_is(local_store: Store):
    finish(local_store)
    local_store.create("report.html", b"<html>mine</html>")
    with pytest.raises(OutputError, match="was not written by this package"):
        write_page(local_store)
    assert try_write_page(local_store) is None
    assert local_store.read("report.html") == b"<html>mine</html>"


def test_limits_are_checked():
    with pytest.raises(ValueError, match="less than or equal to 2000"):
        PageLimits(records=1_000_000)


def test_report_writes_the_page_and_names_it(local_store: Store):
    finish(local_store, text=["Secretburg"] * 6)
    result = run_report(local_store.uri)
    assert (result.exit_code, result.stdout.strip()) == (0, f"{local_store.uri}/report.html")
    assert "Secretburg" in page(local_store)
    assert run_report(local_store.uri, "--no-text").exit_code == 0
    assert "Secretburg" not in page(local_store)


def test_report_of_no_output_says_so(local_store: Store):
    result = run_report(local_store.uri)
    assert result.exit_code == 2
    assert "has no run_report.json" in result.output


def test_page_is_made_without_ray_and_without_torch():
    code = "import sys, pipeline.reporting.page; print({'ray', 'torch'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


class Reader(HTMLParser):
    """What a browser would make of the page: its elements, and the text of some."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self._within = ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        self.raw[self._within] = self.raw.get(self._within, "") + data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(store: Store, **limits: object) -> tuple[str, Reader]:
    html = render(page_of(read_output(store), PageLimits(**limits))).decode()
    reader = Reader()
    reader.feed(html)
    return html, reader


def hostile(store: Store) -> Store:
    """An output in which everything that a record says is hostile."""
    entity = {"label": HOSTILE, "text": HOSTILE, "start": 0, "end": len(HOSTILE), "score": 0.5}
    return finish(
        store,
        rows=6,
        failed=[5],
        text=[HOSTILE + "x"] * 6,
        record_id=[f"{HOSTILE}{row}" for row in range(6)],
        language=['x"><script>', HOSTILE, "de", "de", "de", None],
        xmod_language=[HOSTILE] * 6,
        language_source=["related"] * 6,
        entities=[[entity]] * 6,
        tasks={LABEL: [HOSTILE] * 6, SCORE: [0.5] * 6},
        echo={
            "input": {"text_column": "text", "keep_columns": "all"},
            "tasks": {HOSTILE: {"type": HOSTILE, "weights": HOSTILE, "name": HOSTILE}},
            "language": {"detector": HOSTILE},
        },
    )


def test_render_makes_no_element_of_hostile_values(local_store: Store):
    html, reader = read(hostile(local_store))
    assert len(reader.named("script")) == 1
    assert reader.named("img") == []
    assert "<img" not in html
    assert not any(name.startswith("on") for _, found in reader.elements for name in found)


def test_render_shows_hostile_values_as_they_are(local_store: Store):
    _, reader = read(hostile(local_store))
    assert HOSTILE in reader.raw["mark"]
    assert {HOSTILE} == {found["data-label"] for found in reader.named("mark")}


def test_render_fetches_nothing(local_store: Store):
    _, reader = read(finish(local_store, tasks={LABEL: ["http://x.example/a.png"] * 6}))
    found = [(tag, name) for tag, attributes in reader.elements for name in attributes]
    assert not [place for place in found if place[1] in LOADS]
    assert reader.named("link") == []
    links = {attributes["href"] for attributes in reader.named("a")}
    assert all(link.startswith("#") for link in links)
    assert "url(" not in reader.raw["style"]
    assert "@import" not in reader.raw["style"]


def test_render_links_lead_to_parts_of_the_page(local_store: Store):
    _, reader = read(finish(local_store, failed=[1], tasks={LABEL: ["art"] * 6, SCORE: [0.5] * 6}))
    places = {attributes.get("id") for _, attributes in reader.elements}
    assert {attributes["href"][1:] for attributes in reader.named("a")} <= places


def test_policy_allows_what_the_page_brings_and_nothing_else(local_store: Store):
    _, reader = read(finish(local_store))
    (meta,) = [one for one in reader.named("meta") if "http-equiv" in one]
    told = dict(part.strip().split(" ", 1) for part in meta["content"].split(";"))
    assert told == {
        "default-src": "'none'",
        "style-src": f"'{digest(reader.raw['style'])}'",
        "script-src": f"'{digest(reader.raw['script'])}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not any("style" in attributes for _, attributes in reader.elements)


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_policy_has_no_unsafe_word():
    assert "unsafe" not in policy("a", "b")


@pytest.mark.parametrize("language", ["ar", "zh-Hans", "de"])
def test_render_lets_each_text_find_its_direction(local_store: Store, language: str):
    _, reader = read(finish(local_store, rows=1, language=[language]))
    (text,) = [one for one in reader.named("p") if one.get("class") == "text"]
    assert (text["dir"], text["lang"]) == ("auto", language)


def test_render_without_texts_has_none(local_store: Store):
    secret = {"label": "LOC", "text": "Secretburg", "start": 0, "end": 10, "score": 0.5}
    finish(local_store, rows=6, text=["Secretburg is here"] * 6, entities=[[secret]] * 6)
    assert "Secretburg" in read(local_store)[0]
    assert "Secretburg" not in read(local_store, texts=False)[0]


def test_render_of_an_output_with_nothing_in_it_is_a_page(local_store: Store):
    finish(local_store, rows=2, failed=[0, 1], without=["text", "entities", "embedding"])
    html, reader = read(local_store)
    assert "0 of 2 records annotated" in html
    assert {"run", "speed", "languages", "quarantine"} <= {
        one.get("id") for one in reader.named("h2")
    }
    assert "map" not in {one.get("id") for one in reader.named("h2")}


def test_render_has_a_cell_for_each_heading(local_store: Store):
    html, _ = read(finish(local_store, failed=[1], tasks={LABEL: ["a"] * 6, SCORE: [0.5] * 6}))
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        widths = {
            len(re.findall(r"<t[hd][ >]", row))
            for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        }
        assert len(widths) == 1, table


def test_render_stays_small_however_much_there_is(local_store: Store):
    marks = [
        {"label": "LOC", "text": "語", "start": at, "end": at + 1, "score": 0.5}
        for at in range(600)
    ]
    rows = 300
    finish(
        local_store,
        rows=rows,
        text=["語" * 5_000] * rows,
        entities=[marks] * rows,
        language=[f"q{chr(97 + row // 26)}{chr(97 + row % 26)}" for row in range(rows)],
        tasks={LABEL: [f"label {row}" for row in range(rows)], SCORE: [0.5] * rows},
    )
    html, _ = read(local_store)
    assert len(html.encode()) < 3 * MEGABYTE


def test_render_tells_of_files_left_out(local_store: Store):
    finish(local_store)
    bad = [{"uri": "file:///corpus/bad<.parquet", "reason": "no footer"}]
    write_report(local_store, make_unit(0, 6), bad_files=bad)
    assert "file:///corpus/bad&lt;.parquet" in read(local_store)[0]


def test_render_of_a_run_that_annotated_nothing_says_so(local_store: Store):
    finish(local_store)
    write_report(local_store, make_unit(0, 6), seconds_to_first_unit=None, units_done_here=0)
    html, _ = read(local_store)
    assert "annotated nothing" in html
    assert "first unit" not in html


def test_render_has_a_row_for_each_language(local_store: Store):
    finish(local_store, rows=5, failed=[1], language=["de", "de", "de-CH", "fr", "de"])
    html, _ = read(local_store)
    table = html[html.index('aria-label="Languages"') :].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", table, re.DOTALL)
    numbers = [(name, re.findall(r"<td class=\"number\">(.*?)</td>", row)) for name, row in rows]
    lengths = [re.search(r"width=\"(.*?)%", row)[1] for _, row in rows]
    assert [(name, found[:3], found[-1]) for name, found in numbers] == [
        ("German (de)", ["3", "0.50", "12"], "1"),
        ("French (fr)", ["1", "0.50", "4"], "·"),
    ]
    assert lengths == ["100.0", "33.33"]


def test_render_shades_a_cell_by_its_share_of_the_language(local_store: Store):
    labels = ["a", "b", *["a"] * 9]
    languages = ["de", *["fr"] * 10]
    finish(local_store, rows=11, language=languages, tasks={LABEL: labels})
    html, _ = read(local_store)
    table = html[html.index('aria-label="topic"') :].partition("</table>")[0]
    rows = re.findall(r"<th scope=\"row\">(.*?)</th>(.*?)</tr>", table, re.DOTALL)
    shades = {name: re.findall(r"number s(\d)", row) for name, row in rows}
    assert shades == {"French (fr)": ["8", "1"], "German (de)": ["8", "0"]}


@pytest.mark.parametrize("kinds", [1, 8, 11])
def test_hues_are_distinct_until_they_are_grey(kinds: int):
    values = [f"v{kind:02}" for kind in range(kinds) for _ in range(kinds - kind)]
    assert list(hues(values).values()) == [*range(1, min(kinds, 8) + 1), *[0] * (kinds - 8)]
