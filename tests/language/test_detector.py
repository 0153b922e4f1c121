import subprocess
import sys

import pytest

from pipeline.errors import ConfigError
from pipeline.language.detection import Detection
from pipeline.language.detector import DETECTORS, make_detector

SENTENCES = {
    "en_XX": "The committee will publish its report on the new railway line next month.",
    "de_DE": "Der Ausschuss veröffentlicht nächsten Monat seinen Bericht über die Bahnstrecke.",
    "es_XX": "El comité publicará el próximo mes su informe sobre la nueva línea de ferrocarril.",
    "sv_SE": "Kommittén kommer att offentliggöra sin rapport om den nya järnvägen nästa månad.",
    "hr_HR": "Povjerenstvo će sljedećeg mjeseca objaviti izvješće o novoj željezničkoj pruzi.",
    "zh_CN": "委员会将于下个月发布关于新铁路线的报告，这个项目对当地经济发展非常重要。",
    "zh_TW": "委員會將於下個月發布關於新鐵路線的報告，這個項目對當地經濟發展非常重要。",
    "ar_AR": "ستنشر اللجنة تقريرها عن خط السكة الحديدية الجديد في الشهر المقبل.",
    "ru_RU": "Комиссия опубликует свой доклад о новой железнодорожной линии в следующем месяце.",
}
NORWEGIAN = "Utvalget skal offentliggjøre rapporten sin om den nye jernbanen neste måned, sier hun."
GREEK = "Η επιτροπή θα δημοσιεύσει την έκθεσή της για τη νέα σιδηροδρομική γραμμή."
HOSTILE = [
    "\u202eمرحبا\u202c",
    "‏שלום‏",
    "क्\u200dष",
    "a\x00b\x00c",
    "🙂",
    "\ud800 lone",
    "\ufffe\uffff x",
]
HOSTILE += ["wort " * 4_000, "漢" * 20_000, "<html lang=fi>" * 50, "\x1b[31mred", "ﷺ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢"]


@pytest.mark.parametrize("code", SENTENCES)
def test_detect_sentence_gives_its_xmod_language(code, detector):
    (answer,) = detector.detect([SENTENCES[code]])
    assert answer.language == code
    assert 0.5 <= answer.score <= 1


@pytest.mark.parametrize(("text", "tags"), [(NORWEGIAN, {"no", "nb"}), (GREEK, {"el"})])
def test_detect_language_without_adapter_scores_low_and_is_named(text, tags, detector):
    (answer,) = detector.detect([text])
    assert answer.score < 0.5
    assert answer.outside in tags
    assert answer.outside_score > 0.5


def test_detect_never_answers_beyond_its_languages(detector, few):
    answers = detector.detect([*SENTENCES.values(), NORWEGIAN, GREEK, *HOSTILE, "hello", "ok"])
    assert {answer.language for answer in answers} <= {*few, None}


@pytest.mark.parametrize(
    "text", ["", "  ", "2026-11-22", "🙂🙂", "https://example.org/de/", "a@b.example"]
)
def test_detect_without_letters_gives_no_language(text, detector):
    assert detector.detect([text]) == [Detection()]


@pytest.mark.parametrize("text", HOSTILE)
def test_detect_hostile_text_gives_an_answer(text, detector):
    (answer,) = detector.detect([text])
    assert 0 <= answer.score <= 1


def test_detect_answer_depends_on_its_text_alone(detector):
    texts = [*SENTENCES.values(), NORWEGIAN, "hello", "ok", "Dobar dan", "tack", "no", "die"]
    forward = detector.detect(texts)
    backward = detector.detect(texts[::-1])
    alone = [detector.detect([text])[0] for text in texts]
    assert forward == backward[::-1] == alone


def test_detect_nothing_gives_nothing(detector):
    assert detector.detect([]) == []


@pytest.mark.parametrize("name", DETECTORS)
def test_make_detector_single_chinese_adapter_serves_both_scripts(name, fasttext_model):
    detector = make_detector(name, ("en_XX", "zh_CN"), fasttext_model)
    answers = detector.detect([SENTENCES["zh_CN"], SENTENCES["zh_TW"]])
    assert [answer.language for answer in answers] == ["zh_CN", "zh_CN"]


def test_make_detector_unknown_name_lists_the_available():
    with pytest.raises(ConfigError) as raised:
        make_detector("foo", ("en_XX",))
    assert str(raised.value) == (
        "Unknown detector 'foo'. Available: cascade, fasttext, langdetect, lingua, py3langid, "
        "pycld2. "
        "Set language.detector in the config."
    )


@pytest.mark.parametrize("name", [name for name in sorted(DETECTORS) if name != "fasttext"])
def test_detector_that_knows_no_language_finds_the_one_outside(name):
    detector = make_detector(name, ("qq_QQ", "gsw"))
    (found,) = detector.detect(["The cat sat on the mat and looked out of the window."])
    assert not detector.known
    assert (found.ranked, found.outside) == ((), "en")


def test_detector_module_imports_no_library():
    code = (
        "import sys, pipeline.stages.identify\n"
        "slow = {'langdetect', 'py3langid', 'pycld2', 'lingua', 'fasttext', 'scipy', 'qq'}\n"
        "print(sorted(slow & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_known_is_what_the_library_has_labels_for(xmod_base):
    assert len(make_detector("py3langid", xmod_base).known) == 81
    assert xmod_base[-1] not in make_detector("langdetect", xmod_base).known
