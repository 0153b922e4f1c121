import pyarrow as pa
import pytest

from pipeline.config import LanguageSettings
from pipeline.contract.schema import FAILURE, LANGUAGE_FIELDS
from pipeline.errors import ConfigError, LanguageError
from pipeline.language.calibration import calibration_of
from pipeline.stages.identify import Identify, language_ids
from pipeline.stages.stage import run_stage

GERMAN = "Der Ausschuss veröffentlicht nächsten Monat seinen Bericht über die Bahnstrecke."
NORWEGIAN = "Utvalget skal offentliggjøre rapporten sin om den nye jernbanen neste måned, sier hun."
TRADITIONAL = "委員會將於下個月發布關於新鐵路線的報告，這個項目對當地經濟發展非常重要。"
COLUMNS = [field.name for field in LANGUAGE_FIELDS]


def block(*rows, errors=None, priors=None) -> pa.Table:
    """Rows of (text, tag)."""
    return pa.table(
        {
            "record_id": pa.array(map(str, range(len(rows))), pa.string()),
            "_text": pa.array([text for text, _ in rows], pa.string()),
            "_tag": pa.array([tag for _, tag in rows], pa.string()),
            "_prior": pa.array(priors or [None] * len(rows), pa.string()),
            "_error": pa.array(errors or [None] * len(rows), FAILURE),
        }
    )


def identify(table: pa.Table, languages, **settings) -> list[dict]:
    """The rows that the stage makes of ``table``, with pycld2, the quickest to load."""
    stage = Identify(LanguageSettings(detector="pycld2", **settings), languages)
    return run_stage(stage, table).to_pylist()


def test_identify_tag_goes_by_the_column(few):
    (row,) = identify(block((GERMAN, "spa_Latn")), few)
    assert [row[name] for name in COLUMNS] == ["es", None, "column", None, "es_XX", 2]


@pytest.mark.parametrize("tag", [None, "", "  ", "und", "UND"])
def test_identify_tag_that_says_nothing_asks_the_detector(tag, few):
    (row,) = identify(block((GERMAN, tag)), few)
    assert row["language_score"] > 0.9
    assert [row[name] for name in COLUMNS if name != "language_score"] == [
        *("de", "detected", None, "de_DE", 1)
    ]


def test_identify_lang_id_is_the_position_in_the_languages_given():
    table = block((GERMAN, None), ("x", "en"))
    for languages in (("en_XX", "de_DE"), ("de_DE", "zh_CN", "en_XX")):
        ids = [row["lang_id"] for row in identify(table, languages)]
        assert ids == [languages.index("de_DE"), languages.index("en_XX")]


def test_identify_candidates_leave_ids_as_they_are(few):
    (row,) = identify(block((GERMAN, None)), few, candidates=("de_DE",))
    assert row["lang_id"] == 1


def test_identify_language_beyond_the_candidates_is_not_chosen(few):
    rows = identify(block((GERMAN, None), ("x", "de")), few, candidates=("en_XX", "es_XX"))
    assert [row["xmod_language"] for row in rows] == [None, None]
    assert [row["_error"]["error_type"] for row in rows] == ["LanguageWithoutAdapter"] * 2


def test_identify_traditional_chinese_is_told_from_simplified(few):
    rows = identify(block((TRADITIONAL, None), (TRADITIONAL, "zh"), ("这个", "zho")), few)
    assert [row["language"] for row in rows] == ["zh-Hant", "zh-Hant", "zh-Hans"]
    assert [row["xmod_language"] for row in rows] == ["zh_TW", "zh_TW", "zh_CN"]


def test_identify_quarantine_names_each_trouble_and_leaves_nulls(few):
    rows = identify(block((NORWEGIAN, None), ("x", "klingonish"), ("hello", None), ("", None)), few)
    assert [row["_error"]["error_type"] for row in rows] == [
        "LanguageWithoutAdapter",
        "UnknownLanguageTag",
        "LanguageUncertain",
        "NoLanguage",
    ]
    assert {row["_error"]["stage"] for row in rows} == {"identify"}
    assert {row[name] for row in rows for name in COLUMNS} == {None}


def test_identify_messages_hold_no_text(few):
    secret = "geheimwort"
    table = block(
        (secret, None), (f"{secret} 🙂", "xx"), (secret, f"{secret} {secret} {secret} {secret}")
    )
    rows = identify(table, few, min_score=1)
    assert all(secret not in row["_error"]["message"] for row in rows)


def test_identify_default_sends_everything_and_keeps_what_was_seen(few):
    table = block((NORWEGIAN, None), ("x", "gl"), ("", None), (GERMAN, None))
    rows = identify(table, few, fallback="default", fallback_language="en_XX")
    assert [row["language"] for row in rows] == ["no", "gl", "und", "de"]
    assert [row["language_source"] for row in rows] == ["default"] * 3 + ["detected"]
    assert [row["lang_id"] for row in rows] == [0, 0, 0, 1]
    assert [row["_error"] for row in rows] == [None] * 4


def test_identify_related_takes_a_neighbour_for_tags_and_for_detected_languages():
    table = block((NORWEGIAN, None), ("x", "nob"), ("x", "zul"), ("", None))
    rows = identify(table, ("en_XX", "da_DK"), fallback="related")
    assert [row["language_source"] for row in rows] == ["related", "related", None, None]
    assert [row["xmod_language"] for row in rows] == ["da_DK", "da_DK", None, None]
    assert [row["language"] for row in rows[:2]] == ["no", "nb"]


def test_identify_earlier_error_is_kept_and_the_rest_is_null(few):
    earlier = {"stage": "read", "error_type": "TextTooLong", "message": "too long"}
    rows = identify(block((GERMAN, "de"), (GERMAN, "de"), errors=[earlier, None]), few)
    assert rows[0]["_error"] == earlier
    assert {rows[0][name] for name in COLUMNS} == {None}
    assert rows[1]["xmod_language"] == "de_DE"


def test_identify_keeps_rows_order_and_columns(few):
    table = block(*[(GERMAN, tag) for tag in ("en", None, "xx", "zh-HK", "")] * 7)
    stage = Identify(LanguageSettings(detector="pycld2"), few)
    result = run_stage(stage, table)
    assert result.select(["record_id", "_text", "_tag"]) == table.select(
        ["record_id", "_text", "_tag"]
    )
    assert result.schema.field("lang_id").type == pa.int32()
    assert result.column_names == [*table.column_names, *COLUMNS]


def test_identify_empty_block_has_the_same_schema(few):
    stage = Identify(LanguageSettings(detector="pycld2"), few)
    assert run_stage(stage, block()).schema == run_stage(stage, block((GERMAN, None))).schema


def test_identify_null_text_is_no_language(few):
    (row,) = identify(block((None, None)), few)
    assert row["_error"]["error_type"] == "NoLanguage"


def test_identify_reachable_adds_the_default_in_the_checkpoints_order(few):
    settings = LanguageSettings(
        detector="pycld2", candidates=("sv_SE", "de_DE"), fallback_language="en_XX"
    )
    assert Identify(settings, few).reachable == ("en_XX", "de_DE", "sv_SE")
    assert Identify(LanguageSettings(detector="pycld2"), few).reachable == few


@pytest.mark.parametrize(
    ("settings", "key", "hint"),
    [
        ({"candidates": ("en_XX", "de")}, "language.candidates.1 is 'de'", "'de_DE'"),
        ({"candidates": ("es_ES",)}, "language.candidates.0 is 'es_ES'", "'es_XX'"),
        ({"fallback_language": "en_US"}, "language.fallback_language is 'en_US'", "'en_XX'"),
    ],
)
def test_identify_language_that_the_checkpoint_lacks_is_a_config_error(settings, key, hint, few):
    with pytest.raises(ConfigError) as raised:
        Identify(LanguageSettings(detector="pycld2", **settings), few)
    assert str(raised.value).startswith(key)
    assert f"did you mean {hint}?" in str(raised.value)
    assert "Available: en_XX, de_DE" in str(raised.value)


def test_language_ids_are_positions_and_nulls_stay():
    assert language_ids(["de_DE", None, "en_XX"], ["en_XX", "de_DE"]) == [1, None, 0]


def test_language_ids_without_adapter_raises():
    with pytest.raises(
        LanguageError, match="No adapter for fr_XX, no_XX; the checkpoint has en_XX"
    ):
        language_ids(["no_XX", "en_XX", "fr_XX"], ["en_XX"])


ENGLISH = "The committee will publish its report on the new railway line next month."
FAROESE = "Nevndin fer at almannakunngera frágreiðing sína um nýggja jarnbreytina í næsta mánaði."


def routed(table: pa.Table, languages, **settings) -> list[dict]:
    """As ``identify``, with the default detector."""
    return run_stage(Identify(LanguageSettings(**settings), languages), table).to_pylist()


def test_identify_related_gives_the_distance_of_family_and_script():
    (row,) = routed(block((FAROESE, None)), ("en_XX", "is_IS"), fallback="related")
    assert (row["language"], row["language_source"]) == ("fo", "related")
    assert (row["xmod_language"], row["lang_id"]) == ("is_IS", 1)
    assert row["language_distance"] == pytest.approx(0.125)


def test_identify_none_goes_without_an_adapter(few):
    rows = identify(block((NORWEGIAN, None), ("", None), (GERMAN, None)), few, fallback="none")
    assert [row["language_source"] for row in rows] == ["none", "none", "detected"]
    assert [row["lang_id"] for row in rows] == [None, None, 1]
    assert [row["language"] for row in rows] == ["no", "und", "de"]
    assert [row["_error"] for row in rows] == [None] * 3


SHORT = "Dia akan datang"
"""Malay as well as Indonesian."""
ISLANDS = ("en_XX", "id_ID", "ms_MY")


@pytest.mark.parametrize("code", ["id_ID", "ms_MY"])
def test_identify_expected_language_wins_where_the_text_leaves_doubt(code):
    (row,) = routed(block((SHORT, None)), ISLANDS, expected=(code,))
    assert row["xmod_language"] == code


def test_identify_what_is_plain_to_see_beats_an_expectation():
    (row,) = routed(block((ENGLISH, None)), ISLANDS, expected=("id_ID",))
    assert (row["xmod_language"], row["_error"]) == ("en_XX", None)


@pytest.mark.parametrize(("prior", "code"), [("id", "id_ID"), ("msa, eng", "ms_MY")])
def test_identify_prior_of_a_record_is_its_own(prior, code):
    rows = routed(block((SHORT, None), (ENGLISH, None), priors=[prior, prior]), ISLANDS)
    assert [row["xmod_language"] for row in rows] == [code, "en_XX"]
    assert {row["language_source"] for row in rows} == {"detected"}


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ("Pihak berkuasa berkata bahawa kereta api itu akan mula beroperasi.", "ms_MY"),
        ("Pihak berwenang mengatakan bahwa kereta itu akan mulai beroperasi.", "id_ID"),
    ],
)
def test_identify_unit_prior_of_the_unit_settles_its_doubtful_records(other, code):
    rows = routed(block(*[(other, None)] * 5, (SHORT, None)), ISLANDS, unit_prior=True)
    assert {row["xmod_language"] for row in rows} == {code}


def test_identify_per_window_gives_shares_and_the_adapters_of_stretches(few):
    text = f"{(ENGLISH + ' ') * 8}\n{(GERMAN + ' ') * 4}"
    rows = routed(block((text, None), (ENGLISH, None), ("x", "de")), few, per_window=True)
    mixed, plain, told = rows
    assert (mixed["language"], mixed["xmod_language"]) == ("en", "en_XX")
    assert [share["language"] for share in mixed["language_fractions"]] == ["en", "de"]
    assert sum(share["fraction"] for share in mixed["language_fractions"]) == pytest.approx(1)
    first, last = mixed["_segments"]
    assert (first["xmod_language"], last["xmod_language"]) == ("en_XX", "de_DE")
    assert abs(first["end"] - text.index("\n")) < 60
    assert last["end"] == len(text)
    assert (plain["_segments"], plain["language_fractions"]) == (
        None,
        [{"language": "en", "fraction": 1.0}],
    )
    assert (told["_segments"], told["language_fractions"]) == (None, None)


def test_identify_per_window_stretch_without_adapter_goes_with_its_record(few):
    greek = "Η επιτροπή θα δημοσιεύσει την έκθεσή της για τη νέα σιδηροδρομική γραμμή. " * 3
    (row,) = routed(block((f"{(ENGLISH + ' ') * 8}\n{greek}", None)), few, per_window=True)
    assert [share["language"] for share in row["language_fractions"]] == ["en", "el"]
    assert row["_segments"] is None


LETZEBUERGESCH = "De Comité publizéiert de Mount drop säi Bericht iwwer déi nei Eisebunnslinn. "


@pytest.mark.parametrize(
    ("settings", "adapter"),
    [
        ({"fallback": "related"}, "de_DE"),
        ({"fallback": "default", "fallback_language": "es_XX"}, "es_XX"),
        ({"fallback": "none"}, None),
    ],
)
def test_identify_per_window_stretch_without_adapter_follows_the_fallback(settings, adapter, few):
    text = f"{ENGLISH * 8}\n{LETZEBUERGESCH * 4}"
    (row,) = routed(block((text, None)), few, per_window=True, **settings)
    assert [share["language"] for share in row["language_fractions"]] == ["en", "lb"]
    assert [one["xmod_language"] for one in row["_segments"]] == ["en_XX", adapter]


@pytest.mark.parametrize(
    "noise",
    [
        "https://example.com/" + "this-is-the-name-of-the-page/" * 30,
        "```\n" + "for item in the_list: print(item)\n" * 20 + "```",
        "<p class='the name of a class'>" * 20,
    ],
)
def test_identify_per_window_noise_across_pieces_does_not_decide(noise, few):
    text = f"{GERMAN * 3} {noise} {GERMAN * 3}"
    (row,) = routed(block((text, None)), few, per_window=True)
    assert row["language"] == "de"
    assert [share["language"] for share in row["language_fractions"]] == ["de"]
    assert row["_segments"] is None


def test_identify_unit_prior_counts_records_with_a_tag():
    table = block(*[("x", "id")] * 50, (SHORT, None))
    assert routed(table, ISLANDS, unit_prior=True)[-1]["xmod_language"] == "id_ID"


def test_identify_unit_prior_gives_a_record_one_vote_however_long_it_is():
    malay = "Pihak berkuasa berkata bahawa kereta api itu akan mula beroperasi."
    indonesian = "Pihak berwenang mengatakan bahwa kereta itu akan mulai beroperasi. " * 90
    table = block((indonesian, None), *[(malay, None)] * 3, (SHORT, None))
    for per_window in (False, True):
        rows = routed(table, ISLANDS, unit_prior=True, per_window=per_window)
        assert rows[-1]["xmod_language"] == "ms_MY"


def test_identify_per_window_keeps_the_schema_of_an_empty_block(few):
    stage = Identify(LanguageSettings(per_window=True), few)
    assert run_stage(stage, block()).schema == run_stage(stage, block((GERMAN, None))).schema


def test_identify_version_is_of_the_detector_and_the_trust_in_it(few):
    version = Identify(LanguageSettings(detector="pycld2"), few).version
    assert version.startswith("pycld2 ")
    assert f"; {calibration_of('pycld2')}; langcodes " in version
    assert "qwanqwa " in version


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"expected": ("en_XX", "de")}, "language.expected.1 is 'de'"),
        ({"min_scores": {"xx_XX": 0.5}}, "a key of language.min_scores is 'xx_XX'"),
    ],
)
def test_identify_priors_and_thresholds_of_unknown_languages_are_config_errors(
    settings, message, few
):
    with pytest.raises(ConfigError, match=message):
        Identify(LanguageSettings(detector="pycld2", **settings), few)
