"""The named-entity corpora of the demo model, each read into one form.

Enters: the data folder, where every corpus keeps its own file format and tag set.
Leaves: `NerSentence`s with words, BIO tags over PER, LOC and ORG, and whether a space follows.
Holds: a sentence's words and spaces rebuild its text; tags are IOB2 (an entity starts with B-).
"""

import gzip
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.training.column_files import spaces_in

UNER_TYPES = {"PER": "PER", "LOC": "LOC", "ORG": "ORG"}
NERGRIT_TYPES = {"PERSON": "PER", "PLACE": "LOC", "ORGANISATION": "ORG"}
HINER_TYPES = {"PERSON": "PER", "LOCATION": "LOC", "ORGANIZATION": "ORG"}
KLUE_TYPES = {"PS": "PER", "LC": "LOC", "OG": "ORG"}
TURKISH_TYPES = {"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "ORG": "ORG"}
WNUT_TYPES = {"person": "PER", "location": "LOC", "group": "ORG", "corporation": "ORG"}
RONEC_TYPES = {"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "FACILITY": "LOC", "ORG": "ORG"}
ESTNER_TYPES = {"PER": "PER", "GPE": "LOC", "LOC": "LOC", "ORG": "ORG"}
KAZNERD_TYPES = {
    "PERSON": "PER",
    "GPE": "LOC",
    "LOCATION": "LOC",
    "FACILITY": "LOC",
    "ORGANISATION": "ORG",
}
STOCKMARK_TYPES = {
    "人名": "PER",
    "地名": "LOC",
    "施設名": "LOC",
    "法人名": "ORG",
    "政治的組織名": "ORG",
    "その他の組織名": "ORG",
}

_NO_SPACE_BEFORE = re.compile(r"[.,;:!?%)\]}»”’…।]+|'s|'m|'re|'ve|'ll|'d|n't")
_NO_SPACE_AFTER = re.compile(r"[(\[{«„“‘#@$£€]+")


@dataclass(frozen=True, kw_only=True)
class NerSentence:
    """One sentence: words, their BIO tags, and whether a space follows each word."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    spaces: tuple[bool, ...]

    @property
    def text(self) -> str:
        """The sentence as running text."""
        pairs = zip(self.tokens, self.spaces, strict=True)
        return "".join(token + " " * space for token, space in pairs).rstrip()


@dataclass(frozen=True, kw_only=True)
class NerSource:
    """One corpus file and how its sentences, in file order, fall into splits."""

    path: str
    language: str
    name: str
    read: Callable[[Path], Iterator[NerSentence]]
    shares: tuple[tuple[str, float], ...]


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a gzipped UTF-8 file, without line ends and byte-order mark."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="\n") as stream:
        for line in stream:
            yield line.rstrip("\r\n")


def read_columns(
    path: Path, types: dict[str, str], token_column: int = 0, tag_column: int = -1
) -> Iterator[NerSentence]:
    """Read CoNLL-like columns; where a `# text` comment gives the text, spaces follow it."""
    rows: list[tuple[str, str]] = []
    text: str | None = None
    for line in read_lines(path):
        if not line.strip():
            yield from _sentence(rows, types, text)
            rows, text = [], None
        elif line.startswith("# text = "):
            text = line.removeprefix("# text = ")
        elif not line.startswith(("# ", "#\t")):
            cells = re.split(r"\t| (?=\S+$)", line)
            if len(cells) > 1 and cells[token_column].strip():
                rows.append((cells[token_column].strip(), cells[tag_column].strip()))
    yield from _sentence(rows, types, text)


def read_klue(path: Path) -> Iterator[NerSentence]:
    """Read KLUE's character-level tags; its space characters become the `spaces` column."""
    tokens: list[str] = []
    tags: list[str] = []
    spaces: list[bool] = []
    for line in read_lines(path):
        if line.startswith("##") and "\t" in line:
            yield from _characters(tokens, tags, spaces)
            tokens, tags, spaces = [], [], []
        elif "\t" in line:
            character, tag = line.rsplit("\t", 1)
            if character.strip():
                tokens.append(character)
                tags.append(tag)
                spaces.append(False)
            elif spaces:
                spaces[-1] = True
    yield from _characters(tokens, tags, spaces)


def read_stockmark(path: Path) -> Iterator[NerSentence]:
    """Read Stockmark's spans; every character is a token, as Japanese words are not marked."""
    for record in json.loads(gzip.decompress(path.read_bytes())):
        text = record["text"]
        tags = ["O"] * len(text)
        for entity in record["entities"]:
            label = STOCKMARK_TYPES.get(entity["type"])
            start, end = entity["span"]
            if label is not None:
                tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
        kept = [index for index, character in enumerate(text) if character.strip()]
        yield NerSentence(
            tokens=tuple(text[index] for index in kept),
            tags=tuple(tags[index] for index in kept),
            spaces=tuple(text[index + 1 : index + 2].isspace() for index in kept),
        )


def read_ronec(path: Path) -> Iterator[NerSentence]:
    """Read RONEC's records of tokens, tags and spaces."""
    for record in json.loads(gzip.decompress(path.read_bytes())):
        yield NerSentence(
            tokens=tuple(record["tokens"]),
            tags=to_bio(record["ner_tags"], RONEC_TYPES),
            spaces=tuple(record["space_after"]),
        )


def read_estner(path: Path) -> Iterator[NerSentence]:
    """Read the outermost of EstNER's three layers of tags."""
    for document in json.loads(gzip.decompress(path.read_bytes()))["documents"]:
        for sentence in document["sentences"]:
            tokens = tuple(word["word"] for word in sentence["words"])
            tags = to_bio([word["ner_1"] for word in sentence["words"]], ESTNER_TYPES)
            yield NerSentence(tokens=tokens, tags=tags, spaces=guess_spaces(tokens))


def read_nerkor(path: Path, part: str) -> Iterator[NerSentence]:
    """Read the files of `part`, devel or test, in NerKor's archive, in the order of their names."""
    with tarfile.open(path) as archive:
        names = sorted(name for name in archive.getnames() if f"/{part}/" in name)
        for name in names:
            content = archive.extractfile(name)
            assert content is not None, name
            rows: list[tuple[str, str]] = []
            for line in (*content.read().decode("utf-8-sig").splitlines(), ""):
                cells = line.split("\t")
                if line.startswith("#"):
                    continue
                if len(cells) > 5:
                    rows.append((cells[0], cells[5]))
                else:
                    yield from _sentence(rows, UNER_TYPES, None)
                    rows = []


def to_bio(tags: Sequence[str], types: dict[str, str]) -> tuple[str, ...]:
    """Map a corpus's own tags, IOB1 or IOB2, to IOB2 over the types of `types`; others are O."""
    mapped: list[str] = []
    previous = "O"
    for tag in tags:
        prefix, _, name = tag.partition("-")
        label = types.get(name)
        if label is None:
            mapped.append("O")
        elif prefix == "I" and previous == name:
            mapped.append(f"I-{label}")
        else:
            mapped.append(f"B-{label}")
        previous = name if label else "O"
    return tuple(mapped)


def guess_spaces(tokens: Sequence[str]) -> tuple[bool, ...]:
    """Spaces as usual typography sets them, for corpora that lost theirs."""
    spaces = [True] * len(tokens)
    inside_quotes = False
    for index, token in enumerate(tokens):
        opens = token == '"' and not inside_quotes
        closes = token == '"' and inside_quotes
        if token == '"':
            inside_quotes = not inside_quotes
        if index and (closes or _NO_SPACE_BEFORE.fullmatch(token)):
            spaces[index - 1] = False
        if opens or _NO_SPACE_AFTER.fullmatch(token):
            spaces[index] = False
    return tuple(spaces)


def _sentence(
    rows: list[tuple[str, str]], types: dict[str, str], text: str | None
) -> Iterator[NerSentence]:
    if not rows or rows[0][0] == "-DOCSTART-":
        return
    tokens = tuple(token for token, _ in rows)
    known = spaces_in(text, tokens) if text is not None else None
    yield NerSentence(
        tokens=tokens,
        tags=to_bio([tag for _, tag in rows], types),
        spaces=tuple(known or guess_spaces(tokens)),
    )


def _characters(tokens: list[str], tags: list[str], spaces: list[bool]) -> Iterator[NerSentence]:
    if tokens:
        yield NerSentence(tokens=tuple(tokens), tags=to_bio(tags, KLUE_TYPES), spaces=tuple(spaces))


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
