"""XLM-R's tokenizer of a SentencePiece model: ids are fairseq's, not SentencePiece's.

The layout is that of fairseq and transformers: <s> 0, <pad> 1, </s> 2, <unk> 3, the pieces, <mask>
last.
"""

from itertools import dropwhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import XLMRobertaTokenizer

_BEFORE = ("<s>", "<pad>", "</s>", "<unk>")
_MASK = "<mask>"


def parsed_model(body: bytes) -> Any:  # noqa: ANN401 - protobuf makes the class up
    """The ``ModelProto`` of SentencePiece in ``body``; raises DecodeError where it is none."""
    from sentencepiece import sentencepiece_model_pb2

    return sentencepiece_model_pb2.ModelProto.FromString(body)  # type: ignore[attr-defined]


def unigram_tokenizer(model: Any, **options: Any) -> "XLMRobertaTokenizer":  # noqa: ANN401
    """The fast tokenizer of a ``ModelProto``, whose first pieces are its special tokens."""
    from transformers import XLMRobertaTokenizer  # imports torch

    pieces = dropwhile(lambda piece: piece.type in (piece.UNKNOWN, piece.CONTROL), model.pieces)
    return XLMRobertaTokenizer(
        vocab=[
            *((token, 0.0) for token in _BEFORE),
            *((piece.piece, piece.score) for piece in pieces),
            (_MASK, 0.0),
        ],
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap or None,
        **options,
    )
