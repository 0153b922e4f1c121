"""Names and other spellings of language tags."""

import pytest

from pipeline.language.names import named, tag_like


@pytest.mark.parametrize(
    ("spelling", "tag"),
    [
        ("German", "de"),
        ("german", "de"),
        ("Norwegian Bokmål", "nb"),
        ("Farsi", "fa"),
        ("Odia", "or"),
        ("Serbo-Croatian", "sh"),
        ("Traditional Chinese", "zh-Hant"),
        ("Chinese (Traditional)", "zh-Hant"),
        ("Serbian (Latin)", "sr-Latn"),
        ("Serbian, Cyrillic", "sr-Cyrl"),
        ("English (US)", "en-US"),
        ("Portuguese (Brazil)", "pt-BR"),
    ],
)
def test_named_finds_the_tag(spelling, tag):
    assert named(spelling) == tag


@pytest.mark.parametrize(
    "spelling",
    [
        *("unknown", "Elvish", "Serbian (upside down)", "xx", "German and French", "Germanic"),
        *("", "()", "A\x000\x80", "German\x00", "Serbian (La\x00tin)"),
    ],
)
def test_named_guesses_nothing(spelling):
    assert named(spelling) is None


@pytest.mark.parametrize(
    ("spelling", "tag"),
    [
        ("__label__deu_Latn", "deu-Latn"),
        ("__LABEL__de", "de"),
        ("en.US", "en-US"),
        (" pt_BR ", "pt-BR"),
    ],
)
def test_tag_like_has_hyphens_alone(spelling, tag):
    assert tag_like(spelling) == tag
