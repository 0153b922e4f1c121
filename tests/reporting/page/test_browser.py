"""The page in a real browser: it works, it fits a phone, and what records say does nothing."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.reporting.page import write_page
from pipeline.storage import Store
from tests.helpers.finished import HOSTILE, LABEL, SCORE, entity, finish

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
TEXTS = {
    "ar": ("زار محمد القاهرة", "القاهرة", "LOC"),
    "zh-Hans": ("云南省第一人民医院", "云南省", "LOC"),
    "de": ("Anna fährt nach Köln 👩‍👧 und zurück", "Anna", "PER"),
    "en": (f"Berlin {HOSTILE}", "Berlin", "LOC"),
    "fr": ("w" * 400, "www", "ORG"),
    "ja": ("高松を結ぶ", "高松", "LOC"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, from $CHROMIUM or the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, names)]
    binary = next((path for path in found if path), None)
    if binary is None:
        missing = "no Chromium: install one (apt-get install chromium), or name it in $CHROMIUM"
        (pytest.fail if "REQUIRE_BROWSER" in os.environ else pytest.skip)(missing)
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, as whom containers run; all it opens is our own page.
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def written(local_store: Store) -> Path:
    """The page of a record each in six languages, one of them hostile, and one in quarantine."""
    texts, found, labels = zip(*TEXTS.values(), strict=True)
    finish(
        local_store,
        rows=7,
        failed=[6],
        text=[*texts, "-"],
        language=[*TEXTS, "de"],
        record_id=[*TEXTS, f"{'long' * 60}{HOSTILE}"],
        entities=[*([entity(*one)] for one in zip(texts, found, labels, strict=True)), []],
        embedding=[[0.5, 1], [1, 0.5], [0, 0], [3, 1], [2, 2], [1, 3], [0, 0]],
        tasks={
            LABEL: ["art", "art", "sport", HOSTILE, "w" * 150, "sport", "art"],
            SCORE: [0.5] * 7,
        },
    )
    return Path(urlparse(write_page(local_store)).path)


@pytest.fixture
def errors() -> list[str]:
    """What the console says of the page, and what it asks for."""
    return []


@pytest.fixture
def page(browser: Browser, written: Path, errors: list[str]) -> Iterator[Page]:
    with browser.new_context(viewport=DESKTOP, offline=True) as context:
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.append(request.url))
        page.goto(written.as_uri())
        assert errors.pop(0) == written.as_uri()
        yield page


def visible(page: Page) -> list[str]:
    """The ids of the records that are shown."""
    return page.locator(".record:visible .id").all_inner_texts()


def test_page_opens_without_an_error_or_a_request(page: Page, errors: list[str]):
    assert page.locator("h1").inner_text() == "6 of 7 records annotated"
    assert errors == []


def test_page_runs_nothing_that_a_record_holds(page: Page, errors: list[str]):
    assert HOSTILE in page.locator(".record", has_text="Berlin").inner_text()
    assert "records" in page.title()
    assert errors == []


def test_page_would_run_nothing_even_if_it_were_not_escaped(page: Page):
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", HOSTILE)
    page.evaluate(
        "() => { const own = document.createElement('script');"
        " own.textContent = `document.title = 'run'`; document.body.append(own); }"
    )
    assert page.locator("img").count() == 1
    page.wait_for_function("document.querySelector('img').complete")
    assert page.title() != "run"


def test_records_are_found_by_what_they_hold(page: Page):
    assert sorted(visible(page)) == sorted(TEXTS)
    page.fill("#search", "KÖLN")
    assert visible(page) == ["de"]
    page.fill("#search", "高松")
    assert visible(page) == ["ja"]
    assert page.locator("#shown").inner_text() == "1 of 6"
    page.fill("#search", "nowhere at all")
    assert visible(page) == []


def test_records_are_filtered_by_language_label_and_entity(page: Page):
    page.select_option("#by-language", "Arabic (ar)")
    assert visible(page) == ["ar"]
    page.select_option("#by-language", "")
    page.select_option("#by-label", f"topic: {HOSTILE}")
    assert visible(page) == ["en"]
    page.select_option("#by-label", "topic: art")
    page.select_option("#by-entity", "LOC")
    assert sorted(visible(page)) == ["ar", "zh-Hans"]


def test_entities_are_marked_where_they_are(page: Page):
    for tag, (text, found, label) in TEXTS.items():
        record = page.locator(f'.text[lang="{tag}"]')
        assert record.inner_text() == text
        assert record.locator("mark").inner_text() == found
        assert record.locator("mark").get_attribute("data-label") == label


def test_texts_run_in_their_own_direction(page: Page):
    assert page.locator('.text:dir(rtl)[lang="ar"]').count() == 1
    assert page.locator(".text:dir(ltr)").count() == len(TEXTS) - 1


def test_map_is_coloured_by_what_is_chosen(page: Page):
    points = page.locator("#points circle")
    before = points.evaluate_all("all => all.map(one => one.getAttribute('class'))")
    page.check('input[name="layer"][value="1"]')
    after = points.evaluate_all("all => all.map(one => one.getAttribute('class'))")
    assert (len(set(before)), len(set(after))) == (6, 4)
    page.locator(".keys:visible button", has_text="sport").click()
    assert page.locator("#points circle.dim").count() == 4
    page.locator(".keys:visible button", has_text="sport").click()
    assert page.locator("#points circle.dim").count() == 0


def test_map_tells_which_record_a_point_is(page: Page):
    page.locator('#points circle[data-id="ja"]').hover()
    assert page.locator(".readout").inner_text() == "ja Japanese (ja), sport"


def test_page_fits_a_phone(page: Page):
    page.set_viewport_size(PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE["width"]
    wide = page.locator("main > section > *").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().right)"
    )
    assert max(wide) <= PHONE["width"]


def test_page_is_dark_where_the_reader_wants_it_dark(page: Page):
    colour = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light


def test_page_shows_all_records_without_its_script(browser: Browser, written: Path):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(written.as_uri())
        assert sorted(visible(page)) == sorted(TEXTS)
        assert not page.locator("#filters").is_visible()
