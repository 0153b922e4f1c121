"""What the Markdown pages tell a reader to run: fenced blocks, and commands within a line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "docs/*.md", "infra/*/README.md", "demo/model/README.md")
    for path in ROOT.glob(pattern)
)
SHELL, SQL, PYTHON = "sh", "sql", "python"
NOT_TO_RUN = {"json", "text", "yaml"}
"""Fenced blocks of these languages are read, not run."""

_PROGRAMS = "python|make|ray|pip|kubectl|docker|airflow|git|cp|source"
_COMMAND = re.compile(rf"(\w+=\S+ )*([\w./]*/)?({_PROGRAMS}) \S")


@dataclass(frozen=True)
class Snippet:
    """One thing to run: a command of the shell, or a whole block of SQL or Python."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(page: str) -> list[Snippet]:
    """All that ``page`` tells to run, in its order."""
    return [
        Snippet(page, line, language, text)
        for line, language, block in _blocks(page)
        if language.partition(" ")[0] in (SHELL, SQL, PYTHON)
        for text in (_commands(block) if language == SHELL else [block])
    ]


def languages(page: str) -> set[str]:
    """The languages that the page's blocks name: "" is none, a directive's has braces."""
    return {language.partition(" ")[0] for _, language, _ in _blocks(page)}


def is_command(text: str) -> bool:
    """Whether a line is a program's name with an argument."""
    return bool(_COMMAND.match(text))


def _blocks(page: str) -> Iterator[tuple[int, str, str]]:
    """The line, the info string and the content of each block; inline commands are ``sh``."""
    parser = MarkdownIt("commonmark").enable("table")
    line = 0
    for token in parser.parse((ROOT / page).read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else line
        if token.type in ("fence", "code_block"):
            yield line, token.info.strip(), token.content
        elif token.type == "inline":
            yield from ((line, SHELL, text) for text in _inline_commands(token))


def _inline_commands(token: Token) -> Iterator[str]:
    for child in token.children or []:
        if child.type == "code_inline" and is_command(child.content):
            yield child.content


def _commands(block: str) -> list[str]:
    """The lines of a block of the shell: joined where they go on, without comments."""
    joined = block.replace("\\\n", " ")
    plain = (re.sub(r"(^|\s)#\s.*$", "", line) for line in joined.splitlines())
    return [" ".join(line.split()) for line in plain if line.strip()]
