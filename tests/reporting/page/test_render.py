"""The page as HTML: what is text stays text, and nothing is fetched."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from pipeline.reporting.page import PageLimits
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.render import policy, render
from pipeline.reporting.page.sections import page_of
from pipeline.storage import Store
from tests.helpers.finished import HOSTILE, LABEL, SCORE, finish
from tests.helpers.outputs import make_unit

MEGABYTE = 1_000_000
LOADS = ("src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href")


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
    from tests.helpers.finished import write_report

    finish(local_store)
    bad = [{"uri": "file:///corpus/bad<.parquet", "reason": "no footer"}]
    write_report(local_store, make_unit(0, 6), bad_files=bad)
    assert "file:///corpus/bad&lt;.parquet" in read(local_store)[0]
