"""Scripts, counts and libraries together."""

import pytest

from pipeline.language.cascade import Cascade

FEW = ("en_XX", "it_IT", "ms_MY", "id_ID", "zh_TW", "ar_AR")
MALTESE = "Il-kumitat se jippubblika r-rapport tiegħu dwar il-linja l-ġdida tal-ferrovija."
MALAY = "Pihak berkuasa berkata bahawa kereta api itu akan mula beroperasi pada bulan hadapan."
INDONESIAN = "Pihak berwenang mengatakan bahwa kereta itu akan mulai beroperasi bulan depan."

RELATIVES = {
    "da_DK": "Udvalget offentliggør sin rapport om den nye jernbane i næste måned, siger hun.",
    "no_XX": "Utvalget skal offentliggjøre rapporten sin om den nye jernbanen neste måned.",
    "sv_SE": "Kommittén kommer att offentliggöra sin rapport om den nya järnvägen nästa månad.",
    "hr_HR": "Povjerenstvo će sljedećeg mjeseca objaviti izvješće o novoj željezničkoj pruzi.",
    "sl_SI": "Odbor bo prihodnji mesec objavil poročilo o novi železniški progi.",
    "sr_RS": "Комисија ће следећег месеца објавити извештај о новој железничкој прузи.",
    "mk_MK": "Комисијата ќе го објави извештајот за новата железничка линија следниот месец.",
    "bg_BG": "Комисията ще публикува доклада си за новата железопътна линия следващия месец.",
    "ru_RU": "Комиссия опубликует свой доклад о новой железнодорожной линии в следующем месяце.",
    "uk_UA": "Комітет опублікує свою доповідь про нову залізничну лінію наступного місяця.",
    "be_BY": "Камітэт апублікуе свой даклад пра новую чыгуначную лінію ў наступным месяцы.",
    "cs_CZ": "Výbor zveřejní svou zprávu o nové železniční trati příští měsíc.",
    "sk_SK": "Výbor zverejní svoju správu o novej železničnej trati budúci mesiac.",
    "es_XX": "El comité publicará el próximo mes su informe sobre la nueva línea de ferrocarril.",
    "gl_ES": "O comité publicará o vindeiro mes o seu informe sobre a nova liña de ferrocarril.",
    "ca_ES": "El comitè publicarà el mes vinent el seu informe sobre la nova línia de ferrocarril.",
    "pt_XX": "O comitê publicará no próximo mês o seu relatório sobre a nova linha ferroviária.",
    "hi_IN": "समिति अगले महीने नई रेलवे लाइन पर अपनी रिपोर्ट प्रकाशित करेगी।",
    "mr_IN": "समिती पुढील महिन्यात नवीन रेल्वे मार्गावरील आपला अहवाल प्रकाशित करेल.",
    "ne_NP": "समितिले अर्को महिना नयाँ रेलमार्गबारे आफ्नो प्रतिवेदन प्रकाशित गर्नेछ।",
    "ar_AR": "ستنشر اللجنة تقريرها عن خط السكة الحديدية الجديد في الشهر المقبل.",
    "fa_IR": "این کمیته ماه آینده گزارش خود را دربارهٔ خط آهن جدید منتشر خواهد کرد.",
    "ur_PK": "کمیٹی اگلے مہینے نئی ریلوے لائن کے بارے میں اپنی رپورٹ شائع کرے گی۔",
    "af_ZA": "Die komitee sal volgende maand sy verslag oor die nuwe spoorlyn publiseer.",
    "nl_XX": "De commissie zal volgende maand haar rapport over de nieuwe spoorlijn publiceren.",
    "zh_CN": "委员会将于下个月发布关于新铁路线的报告。",
    "zh_TW": "委員會將於下個月發布關於新鐵路線的報告。",
    "ja_XX": "委員会は来月、新しい鉄道路線に関する報告書を発表する。",
}


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade(FEW)


@pytest.fixture(scope="module")
def full(xmod_base) -> Cascade:
    return Cascade(xmod_base)


@pytest.mark.parametrize("code", RELATIVES)
def test_detect_close_relatives_are_distinguished(code, full):
    (answer,) = full.detect([RELATIVES[code]])
    assert answer.language == code


def test_detect_language_beyond_the_81_is_named(cascade):
    (answer,) = cascade.detect([MALTESE])
    assert (answer.outside, answer.score < 0.5) == ("mt", True)
    assert answer.outside_score > 0.8


def test_detect_language_that_was_added_to_a_checkpoint_goes_to_its_adapter():
    added = Cascade(("en_XX", "it_IT", "mt_MT"))
    (answer,) = added.detect([MALTESE])
    assert answer.language == "mt_MT"
    assert answer.score > 0.8
    assert added.known == {"en_XX", "it_IT", "mt_MT"}


def test_detect_few_candidates_are_distinguished(cascade):
    answers = cascade.detect([MALAY, INDONESIAN])
    assert [answer.language for answer in answers] == ["ms_MY", "id_ID"]


def test_detect_simplified_chinese_goes_to_the_only_chinese_adapter(cascade):
    (answer,) = cascade.detect(["委员会将于下个月发布关于新铁路线的报告。"])
    assert answer.language == "zh_TW"


def test_detect_ranking_holds_the_rival_and_adds_up_to_one_at_most(full):
    (answer,) = full.detect(["Dia akan datang"])
    assert {code for code, _ in answer.ranked[:2]} == {"id_ID", "ms_MY"}
    assert [score for _, score in answer.ranked] == sorted(
        (score for _, score in answer.ranked), reverse=True
    )
    assert sum(score for _, score in answer.ranked) <= 1 + 1e-6


def test_detect_noise_changes_nothing(full):
    noise = "https://www.example.com/en/news #breaking @someone 🙂 <b> &amp; {{cite}} `for`"
    plain = full.detect(list(RELATIVES.values()))
    noisy = full.detect([f"{noise} {text} {noise}" for text in RELATIVES.values()])
    assert [one.language for one in noisy] == [one.language for one in plain]


def test_known_covers_every_language_of_xmod_base(xmod_base, full):
    assert full.known == frozenset(xmod_base)


def test_detect_serbian_in_latin_script_is_serbian(full):
    text = "Komisija će u sledećem mesecu objaviti izveštaj o novoj železničkoj pruzi, rekla je."
    (answer,) = full.detect([text])
    assert answer.language == "sr_RS"
