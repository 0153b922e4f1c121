import random

from pipeline.language.langdetect_library import Langdetect


def test_langdetect_same_text_gives_the_same_whatever_came_before():
    library = Langdetect()
    first = list(library.probabilities("Dobar dan, kako ste"))
    random.seed(7)
    list(library.probabilities("Something else altogether"))
    assert list(library.probabilities("Dobar dan, kako ste")) == first
    assert list(Langdetect().probabilities("Dobar dan, kako ste")) == first


def test_langdetect_text_without_features_gives_nothing():
    assert list(Langdetect().probabilities("ሰላም ለዓለም")) == []


def test_langdetect_labels_are_55_with_both_kinds_of_chinese():
    labels = Langdetect().labels
    assert len(labels) == 55
    assert {"zh-cn", "zh-tw"} <= set(labels)


def test_langdetect_chinese_characters_without_hangul_are_not_korean():
    shares = dict(Langdetect().probabilities("台灣的鐵路公司宣布，新的路線將在明年春天開放。"))
    assert max(shares, key=shares.get) == "zh-tw"
    assert shares["ko"] == 0


def test_langdetect_hangul_is_korean():
    shares = dict(
        Langdetect().probabilities(
            "위원회는 다음 달에 새 철도 노선에 관한 보고서를 발표할 예정이다."
        )
    )
    assert max(shares, key=shares.get) == "ko"
