"""The formats of the demo model's named-entity corpora, each read into one form.

Enters: a corpus file, which has its own format and tag set.
Leaves: `NerSentence`s with words, BIO tags over PER, LOC and ORG, and whether a space follows.
Holds: a sentence's words and spaces rebuild its text; tags are IOB2 (an entity starts with B-).
"""

import gzip
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from pipeline.training.conll import spaces_in

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
FULLSTACK_TYPES = {"person": "PER", "GPE": "LOC", "location": "LOC", "organization": "ORG"}
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


def read_lines(path: Path, members: str = "") -> Iterator[str]:
    """Lines of a gzipped UTF-8 file, without line ends and byte-order mark.

    Of an archive: those of the members whose names contain `members`, in the order of the names,
    with an empty line after each.
    """
    if path.suffix == ".zip" or path.name.endswith(".tar.gz"):
        for content in _members(path, members):
            yield from (*content.decode("utf-8-sig").splitlines(), "")
        return
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="\n") as stream:
        for line in stream:
            yield line.rstrip("\r\n")


def _members(path: Path, part: str) -> Iterator[bytes]:
    if path.suffix == ".zip":
        with ZipFile(path) as archive:
            yield from (archive.read(name) for name in sorted(archive.namelist()) if part in name)
        return
    with tarfile.open(path) as archive:
        files = (member for member in archive.getmembers() if member.isfile())
        for member in sorted(files, key=lambda member: member.name):
            content = archive.extractfile(member) if part in member.name else None
            if content:
                yield content.read()


def read_columns(
    path: Path,
    types: dict[str, str],
    token_column: int = 0,
    tag_column: int = -1,
    members: str = "",
) -> Iterator[NerSentence]:
    """Read CoNLL-like columns; where a `# text` comment gives the text, spaces follow it."""
    rows: list[tuple[str, str]] = []
    text: str | None = None
    for line in read_lines(path, members):
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
    rows: list[tuple[str, str]] = []
    for line in read_lines(path, f"/{part}/"):
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
