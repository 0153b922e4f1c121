"""A checkpoint's tokenizer, and what it makes of control tokens.

Enters: a checkpoint's folder, with ``tokenizer.json`` or else SentencePiece's file. Leaves: a fast
tokenizer, or a CheckpointError. What holds: no other file is looked for, whatever
``tokenizer_config.json`` names; the tokenizer can encode any text, and puts one special token
before it and one after it.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import Unigram

from pipeline.errors import CheckpointError
from pipeline.xmod.files import (
    SENTENCEPIECE,
    TOKENIZER,
    TOKENIZER_CONFIG,
    Stamp,
    read_object,
    read_small,
    require_unchanged,
    tokenizer_file,
)
from pipeline.xmod.importable import XLMR_TOKENIZER, import_advice
from pipeline.xmod.unigram import parsed_model, unigram_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SPECIAL = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}
"""XLM-R's special tokens, for a ``tokenizer_config.json`` that names none."""
_UNSPELLABLE = " "
"""With it a piece is in no text: a pre-tokenizer has replaced spaces before pieces are found."""
_PROBE = "a\U0010fffd \x00"
"""A letter, and characters that no vocabulary has."""


def load_tokenizer(
    folder: Path, stamp: Stamp, model: Path | None = None
) -> "PreTrainedTokenizerBase":
    """The tokenizer in ``folder``; ``model`` is the checkpoint's folder where it is another.

    Raises CheckpointError where there is none, and where the checkpoint's files lack ``stamp``.
    """
    path = tokenizer_file(folder)
    if not path.exists():
        raise CheckpointError(
            f"{folder} has no tokenizer files ({TOKENIZER} or {SENTENCEPIECE}). Name the tokenizer "
            "that the model was trained with as tokenizer beside the model's path: {path: a folder}"
            ", or {path: owner/name, revision: a commit} of the hub; that of facebook/xmod-… is "
            f"XLM-R's, {XLMR_TOKENIZER}. Or write a checkpoint that has it. {import_advice(folder)}"
        )
    body = read_small(path)
    config = read_object(folder / TOKENIZER_CONFIG) if (folder / TOKENIZER_CONFIG).exists() else {}
    require_unchanged(model or folder, stamp, folder)
    try:
        tokenizer = _made(folder, _definition(path, body), config)
        _require_special_tokens(folder, tokenizer)
    except CheckpointError:
        raise
    except Exception as error:  # of no narrower type in the tokenizers library
        raise CheckpointError(
            f"{path} is no tokenizer that can encode any text: "
            f"{type(error).__name__}: {' '.join(str(error).split())[:200]}. Copy the checkpoint "
            "again."
        ) from error
    return tokenizer


def _definition(path: Path, body: bytes) -> str:
    """What ``tokenizer.json`` holds, or would."""
    if path.name != SENTENCEPIECE:
        return body.decode()
    made: str = unigram_tokenizer(parsed_model(body)).backend_tokenizer.to_str()
    return made


def without_control_tokens(definition: str, kept: str | None = None) -> str:
    """``definition``, a ``tokenizer.json``, changed so that no text becomes a special token.

    The exception is ``kept``. All ids stay, and so do the special tokens around a text, which a
    template adds by their ids. Must be encoded with ``encode_special_tokens``. Raises
    CheckpointError for a model that finds special tokens among its own pieces and is no Unigram.
    """
    values = json.loads(definition)
    model, added = values["model"], values["added_tokens"]
    control = [token for token in added if token["special"] and token["content"] != kept]
    for token in added:
        token["special"] = token in control
    if model["type"] == "Unigram":
        # Its own search finds a special token's piece too, whether or not that is a special token.
        vocabulary = model["vocab"]
        inside = [token for token in control if token["id"] < len(vocabulary)]
        for token in inside:
            vocabulary[token["id"]][0] = _UNSPELLABLE + token["content"]
        values["added_tokens"] = [token for token in added if token not in inside]
    changed = json.dumps(values, ensure_ascii=False)
    if model["type"] != "Unigram":
        _require_unspellable(changed, control, model.get("unk_token"))
    return changed


def _require_unspellable(
    definition: str, control: list[dict[str, Any]], unknown: str | None
) -> None:
    tokenizer = Tokenizer.from_str(definition)
    tokenizer.encode_special_tokens = True
    for token in control:
        ids = tokenizer.encode(token["content"], add_special_tokens=False).ids
        if token["content"] != unknown and token["id"] in ids:
            raise CheckpointError(
                f"A {TOKENIZER} of type {tokenizer.model.__class__.__name__} makes its token "
                f"{token['content']!a:.100} of a text that spells it; expected a Unigram, as "
                "XLM-R's is. Convert it, or use another checkpoint."
            )


def _made(folder: Path, definition: str, config: dict[str, Any]) -> "PreTrainedTokenizerBase":
    from transformers import PreTrainedTokenizerFast  # imports torch

    backend = Tokenizer.from_str(definition)
    backend.no_truncation()
    backend.no_padding()
    if not isinstance(backend.model, Unigram):
        without_control_tokens(backend.to_str())
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        model_max_length=_max_length(folder, config),
        truncation_side="right",
        **_special_tokens(folder, backend, config),
    )


def _special_tokens(
    folder: Path, backend: Tokenizer, config: dict[str, Any]
) -> dict[str, AddedToken]:
    """The tokens that ``config`` names, as the tokenizer has them."""
    named = {key: config[key] for key in _SPECIAL if config.get(key) is not None}
    if not named:
        known = backend.get_vocab()
        named = {key: token for key, token in _SPECIAL.items() if token in known}
    found = {}
    added = backend.get_added_tokens_decoder()
    for key, value in named.items():
        token = value.get("content") if isinstance(value, dict) else value
        identity = backend.token_to_id(token) if isinstance(token, str) else None
        if identity is None:
            raise CheckpointError(
                f"{folder / TOKENIZER_CONFIG} names {key} {token!a:.100}, which is not in "
                "tokenizer.json. They belong to different checkpoints; copy this one again."
            )
        found[key] = added.get(identity, AddedToken(token, special=True, normalized=False))
    return found


def _max_length(folder: Path, config: dict[str, Any]) -> int:
    """Tokens of an input that the tokenizer is for; null and transformers' 1e30 are no limit."""
    length = config.get("model_max_length")
    if length is None:
        length = 1e30
    if isinstance(length, bool) or not isinstance(length, int | float) or not 3 <= length <= 1e30:
        raise CheckpointError(
            f"{folder / TOKENIZER_CONFIG} has model_max_length {length!r:.50}; expected the number "
            "of tokens that the model reads. Save the model's own tokenizer there."
        )
    return int(length)


def _require_special_tokens(folder: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise CheckpointError unless one special token is put before any text and one after it."""
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise CheckpointError(
            f"{folder} has a tokenizer that has special tokens only. Save the tokenizer that the "
            "model was trained with there (tokenizer.json)."
        )
    encoded = tokenizer("a", return_special_tokens_mask=True)
    mask = encoded["special_tokens_mask"]
    if not mask[0] == mask[-1] == 1 or sum(mask) != 2:
        raise CheckpointError(
            f"{folder} has a tokenizer that adds {sum(mask)} special tokens; expected one before "
            "a text and one after it, as XLM-R's does. Check its post_processor."
        )
    probed = tokenizer(_PROBE, _PROBE)["input_ids"]
    if None in map(tokenizer.backend_tokenizer.id_to_token, probed):
        raise CheckpointError(
            f"{folder / TOKENIZER} puts tokens around a text that are not in its vocabulary. Check "
            "its post_processor."
        )
