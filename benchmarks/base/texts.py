"""Texts of natural lengths in X-MOD's languages, mixed as they would arrive.

Enters: the folder of corpora. Leaves: texts with their X-MOD languages, and windows of token ids.
What holds: of four texts two are sentences (SIB-200's test split), one is short (``lid_eval``), and
one is a paragraph (two or three lines of NTREX); order and choice are the same in every run.

Token ids are the demonstration tokenizer's, which makes somewhat more of a text than XLM-R's does.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.languages.texts import Corpus, corpora
from pipeline.language.tags import resolve
from pipeline.language.xmod_base import XMOD_BASE

_SEED = 11
_LONGEST = 512
_TOKENIZER = "demo/model/base/tokenizer.json"


@dataclass(frozen=True)
class Windows:
    """Token ids of each window, and the ``lang_id`` of its language among X-MOD base's.

    Adapters are loaded in the order of the checkpoint, so that it is the adapter index as well.
    """

    tokens: list[NDArray[np.int64]]
    lang_ids: list[int]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each window, special ones included."""
        return [len(one) for one in self.tokens]

    def taken(self, rows: list[int]) -> "Windows":
        """Those at ``rows``, in that order."""
        return Windows([self.tokens[i] for i in rows], [self.lang_ids[i] for i in rows])


def mixed_texts(data: Path, number: int) -> Corpus:
    """``number`` texts in the order in which they arrive."""
    generator = Random(_SEED)
    sentences, short = (_pairs(corpus) for corpus in corpora(data)[:2])
    kinds = [sentences, sentences, short, list(_paragraphs(data / "ntrex128", generator))]
    chosen = [generator.choice(generator.choice(kinds)) for _ in range(number)]
    codes, texts = zip(*chosen, strict=True)
    return Corpus("mixed", texts, codes)


def windows_of(corpus: Corpus) -> Windows:
    """A window a text; what is beyond 512 tokens is cut off."""
    tokenizer = Tokenizer.from_file(_TOKENIZER)
    tokenizer.enable_truncation(_LONGEST)
    encodings = tokenizer.encode_batch(list(corpus.texts))
    tokens = [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]
    return Windows(tokens, [XMOD_BASE.index(code) for code in corpus.codes])


def _pairs(corpus: Corpus) -> list[tuple[str, str]]:
    return list(zip(corpus.codes, corpus.texts, strict=True))


def _paragraphs(folder: Path, generator: Random) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("newstest2019-*.txt.gz")):
        code = resolve(path.name.split(".")[1], XMOD_BASE).xmod_language
        with gzip.open(path, "rt", encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
        while lines and code:
            length = generator.randint(2, 3)
            yield code, " ".join(lines[:length])
            lines = lines[length:]
