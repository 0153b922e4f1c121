"""The named-entity corpora of the demo model: which files, read how, and what they serve.

Enters: the data folder. Leaves: `SOURCES`, each a file whose sentences, in order, fall into splits.
Holds: a corpus whose own train part is too large to be here is taught by its dev part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ner_formats import (
    FULLSTACK_TYPES,
    HINER_TYPES,
    KAZNERD_TYPES,
    NERGRIT_TYPES,
    TURKISH_TYPES,
    UNER_TYPES,
    WNUT_TYPES,
    NerSentence,
    read_columns,
    read_estner,
    read_klue,
    read_nerkor,
    read_ronec,
    read_stockmark,
)


@dataclass(frozen=True, kw_only=True)
class NerSource:
    """One corpus file and how its sentences, in file order, fall into splits."""

    path: str
    language: str
    name: str
    read: Callable[[Path], Iterator[NerSentence]]
    shares: tuple[tuple[str, float], ...]


def _uner(folder: str, stem: str, language: str, splits: str) -> tuple[NerSource, ...]:
    """UNER's files; `splits` such as "dev=train test=test" says which file serves what."""
    pairs = [pair.split("=") for pair in splits.split()]
    return tuple(
        NerSource(
            path=f"uner/{folder}/{stem}-ud-{part}.iob2.gz",
            language=language,
            name=folder,
            read=partial(read_columns, types=UNER_TYPES, token_column=1, tag_column=2),
            shares=((split, 1.0),),
        )
        for part, split in pairs
    )


def _columns(
    path: str,
    language: str,
    types: dict[str, str],
    *shares: tuple[str, float],
    members: str = "",
    tag_column: int = -1,
    token_column: int = 0,
) -> NerSource:
    read = partial(
        read_columns,
        types=types,
        members=members,
        tag_column=tag_column,
        token_column=token_column,
    )
    return _read(path, language, read, *shares)


def _read(
    path: str,
    language: str,
    read: Callable[[Path], Iterator[NerSentence]],
    *shares: tuple[str, float],
) -> NerSource:
    name = path.split("/")[0]
    return NerSource(path=f"ner/{path}", language=language, name=name, read=read, shares=shares)


_TRAIN, _DEV, _TEST = ("train", 1.0), ("dev", 1.0), ("test", 1.0)
_MOSTLY_TRAIN = (("train", 0.93), ("dev", 0.07))
"""Of corpora whose own train part is too large to be here: their dev part teaches."""
_NERKOR = "hu_nerkor/NerKor_devel_test.tar.gz"
_GALICIAN = "gl_sli/SLI_NERC_Galician_Gold_CoNLL.1.0.tar.gz"
_LATVIAN = partial(
    _columns,
    "lv_fullstack/NamedEntities.tar.gz",
    "lv_LV",
    FULLSTACK_TYPES,
    members="/data/",
    token_column=1,
    tag_column=6,
)
_MULTINER = "si_ta_en_multiner/nerannotateddatasets.zip"
_SPLIT = (("train", 0.8), ("dev", 0.05), ("test", 0.15))
"""Of corpora that are one file."""

SOURCES: tuple[NerSource, ...] = (
    *_uner("English-EWT", "en_ewt", "en_XX", "dev=train test=test"),
    *_uner("English-PUD", "en_pud", "en_XX", "test=test"),
    _columns("en_wikigold/wikigold.conll.txt.gz", "en_XX", UNER_TYPES, _TRAIN),
    _columns("en_wnut17/wnut17train.conll.gz", "en_XX", WNUT_TYPES, _TRAIN),
    _columns("en_wnut17/emerging.dev.conll.gz", "en_XX", WNUT_TYPES, _DEV),
    _columns("en_wnut17/emerging.test.annotated.gz", "en_XX", WNUT_TYPES, _TEST),
    _columns(
        "de_germeval14/NER-de-dev.tsv.gz",
        "de_DE",
        UNER_TYPES,
        ("train", 0.9),
        ("dev", 0.1),
        token_column=1,
        tag_column=2,
    ),
    _columns(
        "de_germeval14/NER-de-test.tsv.gz",
        "de_DE",
        UNER_TYPES,
        _TEST,
        token_column=1,
        tag_column=2,
    ),
    *_uner("German-PUD", "de_pud", "de_DE", "test=test"),
    *_uner("Portuguese-Bosque", "pt_bosque", "pt_XX", "train=train dev=dev test=test"),
    *_uner("Portuguese-PUD", "pt_pud", "pt_XX", "test=test"),
    *_uner("Swedish-Talbanken", "sv_talbanken", "sv_SE", "train=train dev=dev test=test"),
    *_uner("Swedish-PUD", "sv_pud", "sv_SE", "test=test"),
    *_uner("Russian-PUD", "ru_pud", "ru_RU", "test=test"),
    *_uner("Croatian-SET", "hr_set", "hr_HR", "train=train dev=dev test=test"),
    *_uner("Danish-DDT", "da_ddt", "da_DK", "train=train dev=dev test=test"),
    *_uner("Serbian-SET", "sr_set", "sr_RS", "train=train dev=dev test=test"),
    *_uner("Slovak-SNK", "sk_snk", "sk_SK", "train=train dev=dev test=test"),
    *_uner("Chinese-GSDSIMP", "zh_gsdsimp", "zh_CN", "train=train dev=dev test=test"),
    *_uner("Chinese-GSD", "zh_gsd", "zh_TW", "train=train dev=dev test=test"),
    *_uner("Chinese-PUD", "zh_pud", "zh_TW", "test=test"),
    *_uner("Norwegian-NDT", "nob_norne", "no_XX", "dev=train test=test"),
    *_uner("Norwegian-NDT", "nno_norne", "no_XX", "dev=dev test=test"),
    *_uner("Tagalog-TRG", "tl_trg", "tl_XX", "test=test"),
    *_uner("Tagalog-Ugnayan", "tl_ugnayan", "tl_XX", "test=test"),
    _columns(_GALICIAN, "gl_ES", UNER_TYPES, *_MOSTLY_TRAIN, members=".train"),
    _columns(_GALICIAN, "gl_ES", UNER_TYPES, _TEST, members=".test"),
    _LATVIAN(*_SPLIT),
    _columns("ne_ebiquity/total.bio.gz", "ne_NP", UNER_TYPES, *_SPLIT),
    _columns(_MULTINER, "si_LK", UNER_TYPES, *_SPLIT, members="Sinhala"),
    _columns(_MULTINER, "ta_IN", UNER_TYPES, *_SPLIT, members="Tamil"),
    _columns("fi_turku/train.tsv.gz", "fi_FI", UNER_TYPES, _TRAIN),
    _columns("fi_turku/dev.tsv.gz", "fi_FI", UNER_TYPES, _DEV),
    _columns("fi_turku/test.tsv.gz", "fi_FI", UNER_TYPES, _TEST),
    _columns("tr_wiki/train.conll.gz", "tr_TR", TURKISH_TYPES, _TRAIN),
    _columns("tr_wiki/dev.conll.gz", "tr_TR", TURKISH_TYPES, _DEV),
    _columns("tr_wiki/test.conll.gz", "tr_TR", TURKISH_TYPES, _TEST),
    _columns(
        "id_nergrit/train_preprocess.txt.gz",
        "id_ID",
        NERGRIT_TYPES,
        ("train", 0.9),
        ("dev", 0.1),
    ),
    # The labels of NERGrit's own test file are masked, so its validation file tests.
    _columns("id_nergrit/valid_preprocess.txt.gz", "id_ID", NERGRIT_TYPES, _TEST),
    _columns(
        "hi_hiner/validation.conll.gz",
        "hi_IN",
        HINER_TYPES,
        ("train", 0.85),
        ("dev", 0.05),
        ("test", 0.1),
    ),
    _columns("bn_rifat/train_data.txt.gz", "bn_IN", UNER_TYPES, ("train", 0.9), ("dev", 0.1)),
    _columns("bn_rifat/test_data.txt.gz", "bn_IN", UNER_TYPES, _TEST),
    _read("et_estner/EstNER_v1_dev.json.gz", "et_EE", read_estner, *_MOSTLY_TRAIN),
    _read("et_estner/EstNER_v1_test.json.gz", "et_EE", read_estner, _TEST),
    _read(_NERKOR, "hu_HU", partial(read_nerkor, part="devel"), *_MOSTLY_TRAIN),
    _read(_NERKOR, "hu_HU", partial(read_nerkor, part="test"), _TEST),
    _columns("kk_kaznerd/IOB2_valid.txt.gz", "kk_KZ", KAZNERD_TYPES, *_MOSTLY_TRAIN),
    _columns("kk_kaznerd/IOB2_test.txt.gz", "kk_KZ", KAZNERD_TYPES, _TEST),
    _read("ro_ronec/valid.json.gz", "ro_RO", read_ronec, *_MOSTLY_TRAIN),
    _read("ro_ronec/test.json.gz", "ro_RO", read_ronec, _TEST),
    NerSource(
        path="ner/ja_stockmark/ner.json.gz",
        language="ja_XX",
        name="ja_stockmark",
        read=read_stockmark,
        shares=(("train", 0.85), ("dev", 0.05), ("test", 0.1)),
    ),
    NerSource(
        path="ner/ko_klue/klue-ner-v1.1_dev.tsv.gz",
        language="ko_KR",
        name="ko_klue",
        read=read_klue,
        shares=(("train", 0.75), ("dev", 0.05), ("test", 0.2)),
    ),
)
