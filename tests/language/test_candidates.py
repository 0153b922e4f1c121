"""Languages that the settings name."""

import pytest

from pipeline.config import LanguageSettings
from pipeline.errors import ConfigError
from pipeline.language.candidates import checked_candidates

LANGUAGES = ("en_XX", "de_DE", "es_XX")


def test_checked_candidates_all_are_the_checkpoints():
    assert checked_candidates(LanguageSettings(), LANGUAGES) == LANGUAGES


def test_checked_candidates_keep_the_order_of_the_config():
    settings = LanguageSettings(candidates=("es_XX", "en_XX"), fallback_language="de_DE")
    assert checked_candidates(settings, LANGUAGES) == ("es_XX", "en_XX")


@pytest.mark.parametrize("settings", [{"expected": ("es_XX",)}, {"min_scores": {"es_XX": 0.4}}])
def test_checked_candidates_what_is_about_others_is_refused(settings):
    with pytest.raises(ConfigError, match=r"'es_XX', which is not among language\.candidates"):
        checked_candidates(LanguageSettings(candidates=("en_XX",), **settings), LANGUAGES)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"candidates": ("en_XX", "de")}, "language.candidates.1"),
        ({"expected": ("de",)}, "language.expected.0"),
        ({"min_scores": {"de": 0.4}}, "a key of language.min_scores"),
        ({"fallback_language": "de"}, "language.fallback_language"),
    ],
)
def test_checked_candidates_a_code_without_adapter_is_named_with_what_was_meant(settings, key):
    with pytest.raises(ConfigError) as raised:
        checked_candidates(LanguageSettings(**settings), LANGUAGES)
    assert str(raised.value) == (
        f"{key} is 'de', which is no language of the checkpoint; did you mean 'de_DE'? "
        "Available: en_XX, de_DE, es_XX."
    )
