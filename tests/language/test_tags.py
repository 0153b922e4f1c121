import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.tags import bcp47, hyphenated, resolve, tag_of_name

SPELLINGS = {
    # X-MOD's own codes, in any case and with either separator
    "de_DE": ("de", "de_DE"),
    "DE-de": ("de", "de_DE"),
    " en_XX ": ("en", "en_XX"),
    "en-xx": ("en", "en_XX"),
    "ar_AR": ("ar", "ar_AR"),
    "la_VA": ("la", "la_VA"),
    "eo_EO": ("eo", "eo_EO"),
    "tl_XX": ("fil", "tl_XX"),
    # ISO 639-1, -2 (both kinds) and -3
    "de": ("de", "de_DE"),
    "DE": ("de", "de_DE"),
    "deu": ("de", "de_DE"),
    "ger": ("de", "de_DE"),
    "per": ("fa", "fa_IR"),
    "chi": ("zh", "zh_CN"),
    "hye": ("hy", "hy_AM"),
    "tgl": ("fil", "tl_XX"),
    "san": ("sa", "sa_IN"),
    "eo": ("eo", "eo_EO"),
    # language and script
    "deu_Latn": ("de", "de_DE"),
    "srp_Cyrl": ("sr-Cyrl", "sr_RS"),
    "sr-Latn": ("sr-Latn", "sr_RS"),
    "zho_Hans": ("zh-Hans", "zh_CN"),
    "cmn_Hani": ("zh", "zh_CN"),
    "kmr_Latn": ("ku-Latn", "ku_TR"),
    "pbt_Arab": ("pbt-Arab", "ps_AF"),
    # one of a macrolanguage's languages
    "arb": ("ar", "ar_AR"),
    "arz": ("arz", "ar_AR"),
    "azj": ("az", "az_AZ"),
    "als": ("sq", "sq_AL"),
    "ekk": ("et", "et_EE"),
    "khk": ("mn", "mn_MN"),
    "lvs": ("lv", "lv_LV"),
    "npi": ("ne", "ne_NP"),
    "ory": ("or", "or_IN"),
    "pes": ("fa", "fa_IR"),
    "prs": ("fa-AF", "fa_IR"),
    "swh": ("sw", "sw_KE"),
    "uzn": ("uz", "uz_UZ"),
    "zsm": ("ms", "ms_MY"),
    # region
    "en-GB": ("en-GB", "en_XX"),
    "pt-BR": ("pt-BR", "pt_XX"),
    "ar_EG": ("ar-EG", "ar_AR"),
    "de-EO": ("de", "de_DE"),
    # names that were given up, and forms of one language
    "iw": ("he", "he_IL"),
    "in": ("id", "id_ID"),
    "mo": ("ro", "ro_RO"),
    "sh": ("sr-Latn", "sr_RS"),
    "no": ("no", "no_XX"),
    "nb": ("nb", "no_XX"),
    "nno": ("nn", "no_XX"),
    "tl": ("fil", "tl_XX"),
    "fil": ("fil", "tl_XX"),
    # script or region of Chinese
    "zh": ("zh", "zh_CN"),
    "cmn": ("zh", "zh_CN"),
    "zh_TW": ("zh-Hant", "zh_TW"),
    "zh-HK": ("zh-HK", "zh_TW"),
    "zh-MO": ("zh-MO", "zh_TW"),
    "zh-SG": ("zh-SG", "zh_CN"),
    "zh-Hant-HK": ("zh-Hant-HK", "zh_TW"),
    "zh_hans_hk": ("zh-Hans-HK", "zh_CN"),
    "cmn_Hant": ("zh-Hant", "zh_TW"),
    "zh-cmn-Hans-CN": ("zh-Hans-CN", "zh_CN"),
    "yue": ("yue", "zh_TW"),
    "wuu": ("wuu", "zh_CN"),
    # what is added to a tag says nothing of the language
    "en-US-u-ca-gregory": ("en-US", "en_XX"),
    "de-x-corpus": ("de", "de_DE"),
}


@pytest.mark.parametrize("tag", SPELLINGS)
def test_resolve_usual_spelling_gives_tag_and_adapter(tag, xmod_base):
    resolved = resolve(tag, xmod_base)
    assert (resolved.bcp47, resolved.xmod_language) == SPELLINGS[tag]
    assert resolved.reason == ""


@pytest.mark.parametrize(
    "tag",
    [
        "xx",
        "xx_XX",
        "zzz",
        "ptbr",
        "en_GB.UTF-8",
        "en,de",
        "en/de",
        "en de",
        "no data",
        "no text",
        "in English",
        "is unknown",
        "a",
        "-",
        "1234",
        "mul",
        "zxx",
        "mis",
        "und",
        "",
        "n/a",
        "None",
        "de_DE" * 20,
    ],
)
def test_resolve_no_language_is_undetermined_and_explained(tag, xmod_base):
    resolved = resolve(tag, xmod_base)
    assert (resolved.bcp47, resolved.xmod_language) == ("und", None)
    assert resolved.reason


@pytest.mark.parametrize(
    ("tag", "bcp"),
    [
        ("zul", "zu"),
        ("bs", "bs"),
        ("gsw", "gsw"),
        ("qaa", "qaa"),
        ("ckb", "ckb"),
        ("tlh", "tlh"),
        ("ckb_Arab", "ckb-Arab"),
        ("azb_Arab", "azb-Arab"),
        ("mai_Deva", "mai"),
    ],
)
def test_resolve_language_without_adapter_keeps_its_tag(tag, bcp, xmod_base):
    resolved = resolve(tag, xmod_base)
    assert (resolved.bcp47, resolved.xmod_language) == (bcp, None)
    assert "no adapter" in resolved.reason


def test_resolve_als_is_albanian_and_says_what_alemannic_is():
    assert resolve("als", ("sq_AL", "gsw")).xmod_language == "sq_AL"
    reason = "'als' is Tosk Albanian, which has no adapter; Alemannic is 'gsw'"
    assert resolve("als", ("de_CH", "gsw")).reason == reason
    assert resolve("als", ("de_CH",)).reason == "'sq' has no adapter"


def test_resolve_indonesian_is_not_swallowed_by_malay():
    assert resolve("id", ("ms_MY",)).xmod_language is None


def test_resolve_only_adapter_of_a_language_serves_every_script_and_region():
    assert resolve("zh-Hant", ("en_XX", "zh_CN")).xmod_language == "zh_CN"


def test_resolve_region_chooses_between_adapters_of_one_language():
    languages = ("pt_BR", "pt_PT", "en_XX")
    found = [resolve(tag, languages).xmod_language for tag in ("pt", "pt-PT", "pt-AO", "por-BR")]
    assert found == ["pt_BR", "pt_PT", "pt_PT", "pt_BR"]


def test_resolve_two_adapters_equally_near_is_ambiguous_and_explained():
    resolved = resolve("es-AR", ("es_MX", "es_CO"))
    assert resolved.xmod_language is None
    assert resolved.reason == "'es-AR' fits es_MX and es_CO alike"


def test_resolve_code_that_is_no_tag_matches_only_itself():
    assert resolve("qq_qq", ("en_XX", "qq_QQ")).xmod_language == "qq_QQ"
    assert resolve("en", ("qq_QQ",)).xmod_language is None


def test_resolve_long_value_is_not_shown():
    resolved = resolve("this column holds a text rather than a tag, by mistake", ("en_XX",))
    assert resolved.reason == "a value of 54 characters is no language tag"


@given(st.text(max_size=40))
def test_resolve_any_string_never_raises(tag):
    assert resolve(tag, ("en_XX", "zh_CN", "zh_TW")).bcp47


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("en_XX", "en"),
        ("ar_AR", "ar"),
        ("zh_CN", "zh-Hans"),
        ("zh_TW", "zh-Hant"),
        ("qq_QQ", "und"),
    ],
)
def test_bcp47_of_a_code_is_plain(code, tag, xmod_base):
    assert bcp47(code, xmod_base) == tag


def test_bcp47_of_each_xmod_language_is_a_tag_of_its_own(xmod_base):
    tags = [bcp47(code, xmod_base) for code in xmod_base]
    assert len(set(tags)) == 81
    assert [resolve(tag, xmod_base).xmod_language for tag in tags] == list(xmod_base)


def test_bcp47_of_rivals_keeps_the_region():
    assert bcp47("pt_BR", ("pt_BR", "pt_PT")) == "pt-BR"


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
def test_tag_of_name_finds_the_tag(spelling, tag):
    assert tag_of_name(spelling) == tag


@pytest.mark.parametrize(
    "spelling",
    [
        *("unknown", "Elvish", "Serbian (upside down)", "xx", "German and French", "Germanic"),
        *("", "()", "A\x000\x80", "German\x00", "Serbian (La\x00tin)"),
    ],
)
def test_tag_of_name_guesses_nothing(spelling):
    assert tag_of_name(spelling) is None


@pytest.mark.parametrize(
    ("spelling", "tag"),
    [
        ("__label__deu_Latn", "deu-Latn"),
        ("__LABEL__de", "de"),
        ("en.US", "en-US"),
        (" pt_BR ", "pt-BR"),
    ],
)
def test_hyphenated_has_hyphens_alone(spelling, tag):
    assert hyphenated(spelling) == tag
