"""A SentencePiece unigram vocabulary, as the tokenizer class that XLM-R and X-MOD use.

Enters: text with its language. Leaves: an `XLMRobertaTokenizer` with XLM-R's special tokens.
Holds: languages are sampled by exponential smoothing, so that small ones get their pieces;
ids are XLM-R's: <s> 0, <pad> 1, </s> 2, <unk> 3, the pieces, <mask> last.
"""

import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from transformers import XLMRobertaTokenizer

from pipeline.training.new_pieces import short
from pipeline.training.settings import Vocabulary

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
MASK_TOKEN = "<mask>"


def train_tokenizer(
    texts: Mapping[str, Sequence[str]], settings: Vocabulary, smoothing: float, window: int
) -> XLMRobertaTokenizer:
    """Train on `texts` by language; the result cuts inputs at `window` tokens where asked to."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=short(sample_texts(texts, settings.sample_characters, smoothing)),
        model_writer=model,
        model_type="unigram",
        vocab_size=settings.size - 1,
        character_coverage=settings.character_coverage,
        normalization_rule_name="nmt_nfkc",
        bos_id=0,
        pad_id=1,
        eos_id=2,
        unk_id=3,
        num_threads=2,
        minloglevel=1,
    )
    return from_sentencepiece(model.getvalue(), window)


def from_sentencepiece(serialised: bytes, window: int) -> XLMRobertaTokenizer:
    """The tokenizer of a serialised SentencePiece model with XLM-R's special ids."""
    model = sentencepiece_model_pb2.ModelProto.FromString(serialised)  # type: ignore[attr-defined]
    pieces = [(piece.piece, piece.score) for piece in model.pieces[len(SPECIAL_TOKENS) :]]
    return XLMRobertaTokenizer(
        vocab=[(token, 0.0) for token in SPECIAL_TOKENS] + pieces + [(MASK_TOKEN, 0.0)],
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap,
        model_max_length=window,
    )


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
