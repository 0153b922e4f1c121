"""The tokenizer of an imported checkpoint: a fast one, whatever form its source has.

Enters: a folder, a ``tokenizer.json`` or SentencePiece's model, and fairseq's ``dict.txt`` where
there is one. Leaves: ``tokenizer.json`` and ``tokenizer_config.json`` in the new folder.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import CheckpointError
from pipeline.training.importing.source import Source, tokenizer_source
from pipeline.xmod.files import (
    SENTENCEPIECE,
    TOKENIZER,
    TOKENIZER_CONFIG,
    read_small,
    stamp_of,
    tokenizer_file,
)
from pipeline.xmod.importable import XLMR_TOKENIZER, XLMR_VOCABULARY
from pipeline.xmod.tokenizer import load_tokenizer
from pipeline.xmod.unigram import parsed_model, unigram_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_UNSEEN = -1e4
"""Score of a piece that fairseq's dictionary has and SentencePiece's model has not."""


def tokenizer_of(given: str | None, source: Source, folders: Sequence[Path]) -> tuple[Path, str]:
    """The tokenizer's file, and where it came from: what was `given`, or else is in `folders`.

    Raises CheckpointError where there is none.
    """
    if given is None:
        files = [one for folder in folders if (one := tokenizer_in(folder))]
        if not files:
            raise _without(source.name)
        own = source.name if files[0].parent == source.path else str(files[0].parent)
        return files[0], own
    found = tokenizer_source(given)
    file = tokenizer_in(found.path)
    if file is None:
        raise _without(found.name)
    return file, found.name


def _without(what: str) -> CheckpointError:
    return CheckpointError(
        f"{what} has no tokenizer (tokenizer.json or a SentencePiece model), and none is made up. "
        "Give --tokenizer with the folder, the file or owner/name@commit of the one that the model "
        f"was trained with; for a vocabulary of {XLMR_VOCABULARY} that is {XLMR_TOKENIZER}."
    )


def tokenizer_in(place: Path) -> Path | None:
    """The tokenizer's file in the folder `place`, or `place` itself; None where there is none."""
    if place.is_file():
        return place
    models = sorted(place.glob("*.model"))
    if not tokenizer_file(place).exists() and len(models) == 1:
        return models[0]
    return tokenizer_file(place) if tokenizer_file(place).exists() else None


def write_tokenizer(source: Path, out: Path, dictionary: Path | None) -> None:
    """Write the fast tokenizer of the file `source` to the folder `out`.

    With `dictionary`, ids are fairseq's. Raises CheckpointError where it is none that can encode
    any text.
    """
    with tempfile.TemporaryDirectory(dir=out) as name:
        folder = Path(name)
        _copy(source, folder, dictionary)
        tokenizer = _loaded(folder, source)
        if dictionary is not None:
            _require_order(dictionary, tokenizer, source)
    tokenizer.save_pretrained(out)


def _copy(source: Path, folder: Path, dictionary: Path | None) -> None:
    """Put what `load_tokenizer` reads of `source` in `folder`."""
    config = source.parent / TOKENIZER_CONFIG
    if config.exists():
        (folder / TOKENIZER_CONFIG).write_bytes(read_small(config))
    if source.suffix == ".json":
        (folder / TOKENIZER).write_bytes(read_small(source))
    elif dictionary is None:
        (folder / SENTENCEPIECE).write_bytes(read_small(source))
    else:
        (folder / TOKENIZER).write_text(_in_order_of(dictionary, source), encoding="utf-8")


def _loaded(folder: Path, source: Path) -> "PreTrainedTokenizerBase":
    try:
        return load_tokenizer(folder, stamp_of(folder))
    except CheckpointError as error:  # of a folder that the user has not heard of
        raise CheckpointError(_renamed(str(error), folder, source)) from error


def _renamed(message: str, folder: Path, source: Path) -> str:
    for name in (TOKENIZER, SENTENCEPIECE):
        message = message.replace(str(folder / name), str(source))
    return message.replace(str(folder), str(source.parent))


def _in_order_of(dictionary: Path, source: Path) -> str:
    """A ``tokenizer.json`` with the pieces of `source` by the ids of fairseq's `dictionary`."""
    try:
        model = parsed_model(read_small(source))
    except Exception as error:  # protobuf's own
        raise CheckpointError(
            f"{source} is no SentencePiece model: {type(error).__name__}. Copy it again."
        ) from error
    scores = {piece.piece: piece.score for piece in model.pieces if piece.type == piece.NORMAL}
    words = list(_words(dictionary))
    definition: dict[str, Any] = json.loads(unigram_tokenizer(model).backend_tokenizer.to_str())
    mask = definition["model"]["vocab"][-1]
    definition["model"]["vocab"] = [
        *([token, 0.0] for token in _SPECIAL),
        *([word, scores.get(word, _UNSEEN)] for word in words),
        mask,
    ]
    for token in definition["added_tokens"]:
        if token["content"] == mask[0]:
            token["id"] = len(_SPECIAL) + len(words)
    return json.dumps(definition, ensure_ascii=False)


def _require_order(dictionary: Path, tokenizer: "PreTrainedTokenizerBase", source: Path) -> None:
    """Raise CheckpointError where ids are not those of fairseq's `dictionary`."""
    ids = tokenizer.get_vocab()
    for place, word in enumerate(_words(dictionary), len(_SPECIAL)):
        if ids.get(word) != place:
            raise CheckpointError(
                f"{source} has the id {ids.get(word)} for {word!a:.100}, and {dictionary} has "
                f"{place}: the tokenizer is not the model's. Give --tokenizer with the "
                "SentencePiece model that it was trained with."
            )


def _words(dictionary: Path) -> Iterator[str]:
    """The words of a ``dict.txt``, each before its count; the first four ids are not in it."""
    for number, line in enumerate(read_small(dictionary).decode().splitlines(), 1):
        word, _, count = line.removesuffix(" #fairseq:overwrite").rpartition(" ")
        if not word or not count.isdecimal():
            raise CheckpointError(
                f"{dictionary}, line {number}, is {line!a:.100}; expected a piece and its count, "
                "as fairseq writes it. Copy it again."
            )
        if word != "<mask>":
            yield word
