"""CoNLL and TSV files as the tables that heads are trained on.

A file that ends in `.tsv` has a header, all else is CoNLL; either may be gzipped (`.gz`). CoNLL has
a word and its tag a line, in columns parted by white space, an empty line after a sentence; lines
that begin with `# ` or `-DOCSTART-` are passed over. `# text = …` (CoNLL-U) gives the sentence's
text, from which spaces are known; else `spaces` says whether words are parted by them.
"""

import gzip
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from pipeline.errors import InputError
from pipeline.training.data_settings import DataFile

_TEXT_COMMENT = "# text = "
_LISTS = {"tokens", "tags", "spaces", "choices", "answers"}
"""Columns that a cell cannot hold."""


def read_file(file: DataFile, columns: Sequence[str]) -> pa.Table:
    """`columns`, language and split of the rows of `file`; raises InputError where it is unfit."""
    if not file.path.exists():
        raise InputError(f"No training data at {file.path}. Check data in the config.")
    name = file.path.name.removesuffix(".gz")
    table = _read_tsv(file, columns) if name.endswith(".tsv") else _read_conll(file, columns)
    for column, value in (("language", file.language), ("split", file.split)):
        table = table.append_column(column, pa.array([value] * table.num_rows, pa.string()))
    return table


def _read_tsv(file: DataFile, columns: Sequence[str]) -> pa.Table:
    """Columns of text; quotes are characters like others, as in most corpora."""
    lists = sorted(_LISTS & set(columns))
    if lists:
        raise InputError(
            f"{file.path} is a TSV, whose cells are text; this task's {lists} are lists. Give "
            "Parquet."
        )
    header = next(_lines(file.path), "").split("\t")
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(f"{file.path} lacks the columns {missing}; its header has {header}.")
    try:
        return csv.read_csv(
            file.path,
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # Arrow's own message has the row in it, and text stays out of logs.
        raise InputError(
            f"{file.path} has a line with more or fewer cells than the {len(header)} of its header."
        ) from error


def _read_conll(file: DataFile, columns: Sequence[str]) -> pa.Table:
    if "tokens" not in columns:
        raise InputError(
            f"{file.path} is read as CoNLL, which is for task ner; this task needs the columns "
            f"{list(columns)}. Give a .tsv with a header, or Parquet."
        )
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
