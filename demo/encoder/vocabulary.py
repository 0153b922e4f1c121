"""Fewer pieces: those that the languages of a model need, with all their single characters.

A text is cut into the most probable pieces (Kudo, "Subword Regularization", ACL 2018); without
a piece it is cut into shorter ones, down to characters, so that nothing becomes unknown that was
not before.
"""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

Definition = dict[str, Any]
"""Of a tokenizer, as in `tokenizer.json`."""

SPACE = "▁"
PRIOR = 0.5
"""Weight of the pieces' own probabilities beside their frequencies in the texts, which are few."""


def kept_pieces(definition: Definition, texts: Mapping[str, Sequence[str]], size: int) -> list[int]:
    """Ids of the `size` pieces to keep, in their order; `texts` are by language."""
    vocabulary = definition["model"]["vocab"]
    frequencies = _frequencies(definition, texts)
    scripts = {
        _script(character) for place in frequencies for character in vocabulary[place][0]
    } - {""}
    kept = {place for place, (piece, _) in enumerate(vocabulary) if _is_base(piece, scripts)}
    kept |= {token["id"] for token in definition["added_tokens"]}
    worth = _worth(vocabulary, frequencies, scripts)
    for place in sorted(worth, key=worth.__getitem__, reverse=True):
        if len(kept) >= size:
            break
        kept.add(place)
    return sorted(kept)


def with_pieces(definition: Definition, kept: Sequence[int]) -> Definition:
    """The definition with the pieces `kept`, whose ids are their places in it."""
    places = {old: new for new, old in enumerate(kept)}
    vocabulary = definition["model"]["vocab"]
    return {
        **definition,
        "added_tokens": [
            {**token, "id": places[token["id"]]} for token in definition["added_tokens"]
        ],
        "model": {**definition["model"], "vocab": [vocabulary[old] for old in kept]},
        "post_processor": _moved(definition["post_processor"], places),
        "truncation": None,
        "padding": None,
    }


def tokenizer_of(definition: Definition) -> Tokenizer:
    """The tokenizer, which neither cuts off nor pads."""
    made = Tokenizer.from_str(json.dumps(definition, ensure_ascii=False))
    made.no_truncation()
    made.no_padding()
    return made


def _frequencies(definition: Definition, texts: Mapping[str, Sequence[str]]) -> dict[int, float]:
    """How often each piece occurs, a mean over languages of its share of their tokens."""
    tokenizer = tokenizer_of(definition)
    shares: defaultdict[int, float] = defaultdict(float)
    for rows in texts.values():
        counts: Counter[int] = Counter()
        for encoding in tokenizer.encode_batch(list(rows), add_special_tokens=False):
            counts.update(encoding.ids)
        for place, count in counts.items():
            shares[place] += count / counts.total() / len(texts)
    return shares


def _worth(
    vocabulary: Sequence[tuple[str, float]], frequencies: Mapping[int, float], scripts: set[str]
) -> dict[int, float]:
    """How many tokens more a piece's absence makes, about: its frequency, times its length."""
    priors = {
        place: float(np.exp(score))
        for place, (piece, score) in enumerate(vocabulary)
        if score < 0 and all(_script(character) in scripts | {""} for character in piece)
    }
    total = sum(priors.values())
    return {
        place: (PRIOR * prior / total + (1 - PRIOR) * frequencies.get(place, 0.0))
        * max(len(vocabulary[place][0]) - 1, 1)
        for place, prior in priors.items()
    }


def _is_base(piece: str, scripts: Collection[str]) -> bool:
    """Whether longer pieces may fall back on `piece`: a character of the scripts, or of none."""
    return len(piece) == 1 and _script(piece) in {*scripts, ""}


def _script(character: str) -> str:
    """First word of a letter's name, such as CYRILLIC; "" for what is no letter or mark."""
    if character == SPACE or unicodedata.category(character)[0] not in "LM":
        return ""
    return unicodedata.name(character, "").partition(" ")[0]


def _moved(processor: Definition, places: Mapping[int, int]) -> Definition:
    """The post-processor, with the new ids of the tokens that it adds."""
    tokens = {
        name: {**token, "ids": [places[old] for old in token["ids"]]}
        for name, token in processor["special_tokens"].items()
    }
    return {**processor, "special_tokens": tokens}


def longer_by(before: Tokenizer, after: Tokenizer, texts: Iterable[str]) -> float:
    """How many times as many tokens `after` makes of `texts`."""
    rows = list(texts)
    counts = [
        sum(len(encoding.ids) for encoding in one.encode_batch(rows, add_special_tokens=False))
        for one in (before, after)
    ]
    return counts[1] / max(counts[0], 1)
