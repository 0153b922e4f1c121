"""New vocabulary rows for characters that a tokenizer does not know.

Enters: a fast unigram tokenizer and texts. Leaves: the tokenizer with more pieces, at the end.
Holds: ids that were there stay; a new piece has a character that was unknown, so that a text
without such characters is cut as before.

Unigram segmentation is by the scores of pieces (Kudo, "Subword Regularization", ACL 2018). A piece
that no old text could contain takes part in no old segmentation; and new scores are not below the
lowest old one, from which the penalty of unknown characters follows.
"""

import io
import json
from collections.abc import Iterable, Iterator, Sequence

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from pipeline.errors import CheckpointError, InputError

LONGEST = 1_000
"""Characters, of at most four bytes."""


def unknown_share(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> float:
    """Share of unknown tokens among those of `texts`."""
    encoded = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    tokens = sum(map(len, encoded))
    unknown: int = sum(ids.count(tokenizer.unk_token_id) for ids in encoded)
    return unknown / max(tokens, 1)


def unknown_characters(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> set[str]:
    """Characters of `texts`, normalised as the tokenizer does it, that are in no piece."""
    backend = tokenizer.backend_tokenizer
    known = {character for piece in backend.get_vocab() for character in piece}
    normalise = backend.normalizer.normalize_str if backend.normalizer else str
    seen = {character for text in texts for character in normalise(text)}
    return {character for character in seen - known if not character.isspace()}


def with_new_pieces(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], most: int
) -> PreTrainedTokenizerBase:
    """The tokenizer, changed in place, with up to `most` pieces of `texts` more.

    Raises CheckpointError where it is not of the unigram kind.
    """
    unknown = unknown_characters(tokenizer, texts)
    if not unknown:
        return tokenizer
    definition = json.loads(tokenizer.backend_tokenizer.to_str())
    if definition["model"]["type"] != "Unigram":
        raise CheckpointError(
            f"The tokenizer is of type {definition['model']['type']!r}; rows can be added to "
            "'Unigram', as XLM-R's is. Raise unknown_share to do without."
        )
    if len(tokenizer) != len(definition["model"]["vocab"]):
        raise CheckpointError(
            f"The tokenizer has {len(tokenizer)} tokens, {len(definition['model']['vocab'])} of "
            "them in its vocabulary; new rows would take the ids of those that were added to it. "
            "Raise unknown_share to do without."
        )
    known = {piece for piece, _ in definition["model"]["vocab"]}
    lowest = min(score for _, score in definition["model"]["vocab"])
    found = [
        [piece, max(score, lowest)]
        for piece, score in pieces_of(texts, most)
        if piece not in known and unknown & set(piece)
    ][:most]
    definition["model"]["vocab"] += found
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(definition))
    return tokenizer


def pieces_of(texts: Sequence[str], most: int) -> list[tuple[str, float]]:
    """Pieces of a unigram vocabulary of `texts` and their scores, about twice `most`.

    Raises InputError where the texts are too few to make some of.
    """
    model = io.BytesIO()
    characters = {character for text in texts for character in text}
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=short(texts),
            model_writer=model,
            model_type="unigram",
            vocab_size=2 * most + len(characters),
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="nmt_nfkc",
            num_threads=2,
            minloglevel=1,
        )
    except RuntimeError as error:
        raise InputError(
            f"No vocabulary comes of the {len(texts)} texts of the new language: "
            f"{str(error).partition('(')[0].strip() or 'SentencePiece gives up'}. Give more text."
        ) from error
    trained = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())  # type: ignore[attr-defined]
    return [(piece.piece, piece.score) for piece in trained.pieces if piece.type == piece.NORMAL]


def short(texts: Iterable[str]) -> Iterator[str]:
    """The texts in pieces that SentencePiece reads: it passes over those above 4,192 bytes."""
    for text in texts:
        for start in range(0, len(text), LONGEST):
            yield text[start : start + LONGEST]
