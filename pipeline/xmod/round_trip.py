"""Whether a tokenizer gives back what it reads, in each script that its vocabulary has.

Enters: a tokenizer. Leaves: nothing, or a CheckpointError. What holds: words of each script, drawn
from the vocabulary itself, come back as its normalisation leaves them. A tokenizer that was made up
for want of files, or put together from those of two, does not do that.
"""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from pipeline.errors import CheckpointError

_DRAWN = 4_000
"""Tokens that are looked at, evenly spaced over the vocabulary."""
_WORDS = 8
"""Words of a script that are tried."""
_FEWEST = 3
"""Words of a script below which it is not judged."""
_LEAST_SHARE = 0.5
"""Minimum share of them that come back: a vocabulary may have some that no text leads to."""


def require_round_trip(folder: Path, backend: Tokenizer) -> None:
    """Raise CheckpointError where the words of a script do not come back; ``folder`` is named."""
    words = _words_by_script(backend)
    if not words:
        raise CheckpointError(
            f"{folder} has a tokenizer without a word in any script among its "
            f"{backend.get_vocab_size()} tokens. Name the tokenizer that the model was trained "
            "with as tokenizer beside the model's path."
        )
    for script, some in words.items():
        lost = [word for word in some if not _comes_back(backend, word)]
        if len(some) >= _FEWEST and len(lost) > (1 - _LEAST_SHARE) * len(some):
            raise CheckpointError(
                f"{folder} has a tokenizer that does not give back {len(lost)} of {len(some)} "
                f"words of its own vocabulary in the script {script.title()}, first {lost[0]!a}: "
                "its files are incomplete or of different tokenizers. Copy them again, or name "
                "the tokenizer that the model was trained with as tokenizer beside its path."
            )


def _words_by_script(backend: Tokenizer) -> dict[str, list[str]]:
    """Up to ``_WORDS`` words of the vocabulary by the name of their script."""
    found: dict[str, list[str]] = {}
    for word in _drawn(backend):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if word.isalpha() and len(scripts) == 1 and "" not in scripts:
            words = found.setdefault(scripts.pop(), [])
            if len(words) < _WORDS and word not in words:
                words.append(word)
    return found


def _drawn(backend: Tokenizer) -> Iterator[str]:
    """The texts of tokens that are spaced evenly over the vocabulary."""
    added = backend.get_added_tokens_decoder().items()
    special = {place for place, token in added if token.special}
    ids = sorted(set(backend.get_vocab().values()) - special)
    for place in np.unique(np.linspace(0, len(ids) - 1, _DRAWN, dtype=int)) if ids else ():
        yield backend.decode([ids[place]]).strip(" ▁")


def _comes_back(backend: Tokenizer, word: str) -> bool:
    """Whether ``word`` twice, with a space between, is what its tokens decode to."""
    text = f"{word} {word}"
    ids = backend.encode(text, add_special_tokens=False).ids
    normalised = backend.normalizer.normalize_str(text) if backend.normalizer else text
    return backend.decode(ids).replace("▁", " ").split() == normalised.replace("▁", " ").split()
