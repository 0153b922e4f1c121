"""CoNLL files as the tables that NER is trained on.

A file has a word and its tag a line, in columns parted by white space, an empty line after a
sentence; lines that begin with `# ` or `-DOCSTART-` are passed over. It may be gzipped (`.gz`).
`# text = …` (CoNLL-U) gives the sentence's text, from which spaces are known; else `spaces` says
whether words are parted by them.
"""

import gzip
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.training.data_settings import DataFile

_TEXT_COMMENT = "# text = "


def read_conll(file: DataFile) -> pa.Table:
    """Columns tokens, tags and spaces of `file`; raises InputError where a line is unfit."""
    if not file.path.exists():
        raise InputError(f"No training data at {file.path}. Check data in the config.")
    words = pa.list_(pa.string())
    schema = pa.schema({"tokens": words, "tags": words, "spaces": pa.list_(pa.bool_())})
    return pa.Table.from_pylist(list(_sentences(file)), schema=schema)


def _sentences(file: DataFile) -> Iterator[dict[str, Any]]:
    numbered = enumerate(_lines(file.path), start=1)
    for blank, lines in groupby(numbered, key=lambda line: not line[1].strip()):
        if blank:
            continue
        text, rows = None, []
        for number, line in lines:
            if line.startswith(_TEXT_COMMENT):
                text = line.removeprefix(_TEXT_COMMENT)
            elif not line.startswith(("# ", "-DOCSTART-")):
                rows.append(_row(file, number, line))
        if rows:
            tokens = [token for token, _ in rows]
            yield {
                "tokens": tokens,
                "tags": [tag for _, tag in rows],
                "spaces": (text and spaces_in(text, tokens)) or [file.spaces] * len(tokens),
            }


def spaces_in(text: str, tokens: Sequence[str]) -> list[bool] | None:
    """Whether a space follows each token in `text`; None where the tokens are not the text."""
    spaces: list[bool] = []
    position = 0
    for token in tokens:
        start = text.find(token, position)
        if start < 0 or text[position:start].strip():
            return None
        position = start + len(token)
        spaces.append(text[position : position + 1].isspace())
    return spaces


def _row(file: DataFile, number: int, line: str) -> tuple[str, str]:
    cells = line.split("\t") if "\t" in line else line.split()
    try:
        token, tag = cells[file.token_column].strip(), cells[file.tag_column].strip()
    except IndexError:
        token, tag = "", ""
    if not token or tag.partition("-")[0] not in ("O", "B", "I") or len(cells) < 2:
        raise InputError(
            f"{file.path}, line {number}: {len(cells)} columns, and no word in column "
            f"{file.token_column} or no tag O, B-… or I-… in column {file.tag_column}. Set "
            "token_column and tag_column in the config."
        )
    return token, tag


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="\n") as stream:
        for line in stream:
            yield line.rstrip("\r\n")
