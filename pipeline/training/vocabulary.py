"""SentencePiece unigram vocabularies: a new one in XLM-R's layout, and new rows for an old one.

A new row has a character that the tokenizer did not know, so that a text without such characters is
cut as before: unigram segmentation is by the scores of pieces (Kudo, "Subword Regularization", ACL
2018), and a piece that no old text could contain takes part in no old segmentation.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sentencepiece
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase, XLMRobertaTokenizer

from pipeline.errors import CheckpointError, InputError
from pipeline.training.settings import Vocabulary
from pipeline.xmod.unigram import parsed_model, unigram_tokenizer

LONGEST = 1_000
"""Characters, of at most four bytes, of a text that SentencePiece reads."""


def train_tokenizer(
    texts: Mapping[str, Sequence[str]], settings: Vocabulary, smoothing: float, window: int
) -> XLMRobertaTokenizer:
    """Train on `texts` by language; the result cuts inputs at `window` tokens where asked to."""
    model = _trained(
        sample_texts(texts, settings.sample_characters, smoothing),
        vocab_size=settings.size - 1,
        character_coverage=settings.character_coverage,
        **{"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3},
    )
    return unigram_tokenizer(model, model_max_length=window)


def sample_texts(
    texts: Mapping[str, Sequence[str]], characters: int, smoothing: float
) -> Iterator[str]:
    """Evenly spaced texts of each language, about `characters` in all, smoothed over languages."""
    sizes = {language: sum(map(len, rows)) for language, rows in texts.items()}
    shares = smoothed_shares(list(sizes.values()), smoothing)
    for (language, rows), share in zip(texts.items(), shares, strict=True):
        wanted = min(1.0, share * characters / max(1, sizes[language]))
        for index in np.linspace(0, len(rows) - 1, max(1, round(wanted * len(rows))), dtype=int):
            yield rows[index]


def smoothed_shares(sizes: Sequence[int], smoothing: float) -> np.ndarray:
    """Probabilities in proportion to `sizes` to the power `smoothing`; shape [len(sizes)]."""
    weights = np.asarray(sizes, dtype=np.float64) ** smoothing
    shares: np.ndarray = weights / weights.sum()
    return shares


def unknown_share(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> float:
    """Share of unknown tokens among those of `texts`."""
    encoded = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    unknown: int = sum(ids.count(tokenizer.unk_token_id) for ids in encoded)
    return unknown / max(sum(map(len, encoded)), 1)


def with_new_pieces(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], most: int
) -> PreTrainedTokenizerBase:
    """The tokenizer, changed in place, with up to `most` pieces of `texts` more, at the end.

    Raises CheckpointError where it is of another kind.
    """
    unknown = _unknown_characters(tokenizer, texts)
    if not unknown:
        return tokenizer
    definition = json.loads(tokenizer.backend_tokenizer.to_str())
    kind, vocabulary = definition["model"]["type"], definition["model"]["vocab"]
    if kind != "Unigram" or len(tokenizer) != len(vocabulary):
        raise CheckpointError(
            f"The tokenizer is of type {kind!r} and has {len(tokenizer)} tokens, {len(vocabulary)} "
            "of them in its vocabulary; rows can be added to 'Unigram', as XLM-R's is, without "
            "tokens beside its vocabulary. Raise unknown_share to do without."
        )
    known = {piece for piece, _ in vocabulary}
    # The penalty of unknown characters follows from the lowest score.
    lowest = min(score for _, score in vocabulary)
    definition["model"]["vocab"] += [
        [piece, max(score, lowest)]
        for piece, score in _pieces_of(texts, most)
        if piece not in known and unknown & set(piece)
    ][:most]
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(definition))
    return tokenizer


def _unknown_characters(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> set[str]:
    """Characters of `texts`, normalised as the tokenizer does it, that are in no piece."""
    backend = tokenizer.backend_tokenizer
    known = {character for piece in backend.get_vocab() for character in piece}
    normalise = backend.normalizer.normalize_str if backend.normalizer else str
    seen = {character for text in texts for character in normalise(text)}
    return {character for character in seen - known if not character.isspace()}


def _pieces_of(texts: Sequence[str], most: int) -> list[tuple[str, float]]:
    """Pieces of a unigram vocabulary of `texts` and their scores, about twice `most`."""
    characters = {character for text in texts for character in text}
    try:
        model = _trained(
            texts,
            vocab_size=2 * most + len(characters),
            hard_vocab_limit=False,
            character_coverage=1.0,
        )
    except RuntimeError as error:
        raise InputError(
            f"No vocabulary comes of the {len(texts)} texts of the new language: "
            f"{str(error).partition('(')[0].strip() or 'SentencePiece gives up'}. Give more text."
        ) from error
    return [(piece.piece, piece.score) for piece in model.pieces if piece.type == piece.NORMAL]


def _trained(texts: Iterable[str], **options: Any) -> Any:  # noqa: ANN401
    """The SentencePiece model of `texts`, cut into pieces: it skips those above 4,192 bytes."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(
            text[start : start + LONGEST]
            for text in texts
            for start in range(0, len(text), LONGEST)
        ),
        model_writer=model,
        model_type="unigram",
        normalization_rule_name="nmt_nfkc",
        num_threads=2,
        minloglevel=1,
        **options,
    )
    return parsed_model(model.getvalue())
