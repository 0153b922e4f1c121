"""The named-entity corpora of the demo model: which files, read how, and what they serve.

Enters: the data folder. Leaves: `SOURCES`, each a file whose sentences, in order, fall into splits.
Holds: a corpus whose own train part is too large to be here is taught by its dev part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ner_formats import (
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
    path: str, language: str, types: dict[str, str], *shares: tuple[str, float]
) -> NerSource:
    return NerSource(
        path=f"ner/{path}",
        language=language,
        name=path.split("/")[0],
        read=partial(read_columns, types=types),
        shares=shares,
    )


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
_GERMEVAL = partial(read_columns, types=UNER_TYPES, token_column=1, tag_column=2)

SOURCES: tuple[NerSource, ...] = (
    *_uner("English-EWT", "en_ewt", "en_XX", "dev=train test=test"),
    *_uner("English-PUD", "en_pud", "en_XX", "test=test"),
    _columns("en_wikigold/wikigold.conll.txt.gz", "en_XX", UNER_TYPES, _TRAIN),
    _columns("en_wnut17/wnut17train.conll.gz", "en_XX", WNUT_TYPES, _TRAIN),
    _columns("en_wnut17/emerging.dev.conll.gz", "en_XX", WNUT_TYPES, _DEV),
    _columns("en_wnut17/emerging.test.annotated.gz", "en_XX", WNUT_TYPES, _TEST),
    NerSource(
        path="ner/de_germeval14/NER-de-dev.tsv.gz",
        language="de_DE",
        name="de_germeval14",
        read=_GERMEVAL,
        shares=(("train", 0.9), ("dev", 0.1)),
    ),
    NerSource(
        path="ner/de_germeval14/NER-de-test.tsv.gz",
        language="de_DE",
        name="de_germeval14",
        read=_GERMEVAL,
        shares=(_TEST,),
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
