"""Names of languages, in the languages that people write them in."""

import pytest
from langcodes import Language

from pipeline.language.names import tag_of_name
from pipeline.language.tags import resolve
from tests.helpers.languages import SWISSBERT, XMOD_75

NATIVE = {
    **{"as": "অসমীয়া", "br": "brezhoneg", "bs": "bosanski", "fy": "Frysk", "gd": "Gàidhlig"},
    **{"jv": "Basa Jawa", "mg": "Malagasy", "om": "Afaan Oromoo", "sd": "سنڌي", "su": "Basa Sunda"},
    **{"xh": "isiXhosa", "yi": "ייִדיש", "rm": "rumantsch", "gsw": "Schwiizertüütsch"},
}


@pytest.mark.parametrize(
    ("spelling", "tag"),
    [
        *(("Schweizerdeutsch", "gsw"), ("Schwiizerdütsch", "gsw"), ("suisse allemand", "gsw")),
        *(("Alemannisch", "gsw"), ("Rätoromanisch", "rm"), ("romanche", "rm"), ("Rumantsch", "rm")),
        *(("Deutsch", "de"), ("DEUTSCH", "de"), ("allemand", "de"), ("tedesco", "de")),
        *(
            ("Hochdeutsch", "de"),
            ("Schweizer Hochdeutsch", "de-CH"),
            ("Deutsch (Schweiz)", "de-CH"),
        ),
        *(("français", "fr"), ("Französisch", "fr"), ("Serbisch (Lateinisch)", "sr-Latn")),
        *(("中文", "zh"), ("日本語", "ja"), ("हिन्दी", "hi"), ("Ελληνικά", "el")),
    ],
)
def test_tag_of_name_reads_names_of_any_language(spelling, tag):
    assert tag_of_name(spelling) == tag


@pytest.mark.parametrize(
    "spelling",
    [
        *("andere", "unbekannt", "autre", "inconnu", "mixed", "none", "null", "text", "other"),
        *("Deutsch und Französisch", "Deutsche", "Schweizerdeutsch (oben)", "auto", "日"),
    ],
)
def test_tag_of_name_of_no_language_is_none(spelling):
    assert tag_of_name(spelling) is None


def test_tag_of_name_in_english_wins_over_the_same_name_elsewhere():
    assert tag_of_name("Fala") == "fax"  # French, in Kwasio


@pytest.mark.parametrize("code", [*SWISSBERT, *XMOD_75])
def test_resolve_codes_and_names_of_a_language_lead_to_its_adapter(code):
    languages = SWISSBERT if code in SWISSBERT else XMOD_75
    language = Language.get(code.partition("_")[0])
    tag = str(language.language)
    spellings = {code, tag, language.to_alpha3(), f"{tag}_{language.maximize().script}"}
    spellings |= {code.replace("_", "-").lower(), tag.upper()}
    spellings |= {language.display_name(shown) for shown in ("en", "de", "fr", tag)}
    spellings |= {NATIVE.get(tag, tag)}
    found = {spelling: resolve(spelling, languages).xmod_language for spelling in spellings}
    assert found == dict.fromkeys(spellings, code)
