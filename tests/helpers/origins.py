"""Small replicas of published X-MOD checkpoints, with the file names and keys of the real ones."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentencepiece import sentencepiece_model_pb2
from transformers import (
    PreTrainedModel,
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
)

from tests.helpers.checkpoints import SENTENCES, tiny_model, tiny_tokenizer

SWISS = ("de_CH", "fr_CH", "it_CH", "rm_CH")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
POOLING = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}


def save_bin(model: PreTrainedModel, folder: Path, **changes: object) -> Path:
    """``pytorch_model.bin`` as transformers wrote it, tied weights twice, and ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    state = dict(model.state_dict())
    state["roberta.embeddings.position_ids"] = torch.arange(130)[None]
    torch.save(state, folder / "pytorch_model.bin")
    values = {**model.config.to_dict(), "architectures": [type(model).__name__], **changes}
    (folder / "config.json").write_text(json.dumps(values))
    return folder


def xmod_base(folder: Path) -> PreTrainedModel:
    """facebook/xmod-base: a .bin and ``tokenizer.json``."""
    model = tiny_model(XmodForMaskedLM)
    save_bin(model, folder)
    tiny_tokenizer().save_pretrained(folder)
    return model


def xmod_base_13(folder: Path) -> PreTrainedModel:
    """facebook/xmod-base-13-125k: a .bin without tokenizer."""
    model = tiny_model(XmodForMaskedLM)
    save_bin(model, folder)
    return model


def xmod_base_30(folder: Path) -> PreTrainedModel:
    """facebook/xmod-base-30-125k: safetensors without tokenizer."""
    model = tiny_model(XmodForMaskedLM)
    model.save_pretrained(folder)
    return model


def xmod_large_prenorm(folder: Path) -> PreTrainedModel:
    """facebook/xmod-large-prenorm: normalization first, adapters of a quarter."""
    model = tiny_model(
        XmodForMaskedLM, pre_norm=True, adapter_reduction_factor=4, adapter_reuse_layer_norm=False
    )
    model.save_pretrained(folder)
    return model


def swissbert(folder: Path) -> PreTrainedModel:
    """ZurichNLP/swissbert-ner: safetensors, SentencePiece only, Swiss adapters."""
    save_sentencepiece(folder / "sentencepiece.bpe.model")
    model = tiny_model(XmodForTokenClassification, languages=list(SWISS), default_language=SWISS[0])
    model.save_pretrained(folder)
    return model


def sentence_swissbert(folder: Path) -> PreTrainedModel:
    """A .bin of the class ``XmodForCL``, which no library has; ``tokenizer.json``."""
    model = tiny_model(XmodModel, languages=list(SWISS), default_language=SWISS[0])
    state = {f"roberta.{name}": weight for name, weight in model.state_dict().items()}
    folder.mkdir(parents=True)
    torch.save(state, folder / "pytorch_model.bin")
    values = {**model.config.to_dict(), "architectures": ["XmodForCL"]}
    (folder / "config.json").write_text(json.dumps(values))
    tiny_tokenizer().save_pretrained(folder)
    return model


def dpr_xm(folder: Path) -> PreTrainedModel:
    """A bi-encoder of sentence-transformers: a bare encoder, and files about pooling."""
    model = tiny_model(XmodModel)
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    kinds = ("Transformer", "Pooling")
    modules = [{"idx": i, "type": f"sentence_transformers.models.{k}"} for i, k in enumerate(kinds)]
    (folder / "1_Pooling").mkdir()
    for name, values in {
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": 128, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": {"query": "query: "}},
        "1_Pooling/config.json": POOLING,
    }.items():
        (folder / name).write_text(json.dumps(values))
    return model


def mono_xm(folder: Path) -> PreTrainedModel:
    """A cross-encoder: one output for a pair of texts."""
    model = tiny_model(XmodForSequenceClassification, labels=["LABEL_0"])
    save_bin(model, folder)
    tiny_tokenizer().save_pretrained(folder)
    return model


ROWS = {
    "xmod-base": (xmod_base, True),
    "xmod-base-13-125k": (xmod_base_13, False),
    "xmod-base-30-125k": (xmod_base_30, False),
    "xmod-large-prenorm": (xmod_large_prenorm, False),
    "swissbert-ner": (swissbert, True),
    "sentence-swissbert": (sentence_swissbert, True),
    "dpr-xm": (dpr_xm, True),
    "mono-xm": (mono_xm, True),
}
"""Repository → what writes a replica to a folder, and whether that has a tokenizer."""


def save_sentencepiece(path: Path) -> Path:
    """The model of a SentencePiece vocabulary of the words and letters of ``SENTENCES``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = sentencepiece_model_pb2.ModelProto()
    for piece, score, kind in [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), *_pieces()]:
        model.pieces.add(piece=piece, score=score, type=kind)
    path.write_bytes(model.SerializeToString())
    return path


def _pieces() -> list[tuple[str, float, int]]:
    words = [f"▁{word}" for sentence in SENTENCES for word in sentence.split()]
    letters = sorted({letter for word in words for letter in word})
    return [
        *((piece, -8.0 + 1 / (index + 1), 1) for index, piece in enumerate(letters)),
        *((word, -10.0, 1) for word in dict.fromkeys(words) if len(word) > 1),
    ]


def cached(build: Path, cache: Path, name: str) -> Path:
    """The files of ``build`` as those of the commit ``COMMIT`` of ``name`` in the hub's cache."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.parent.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    build.rename(snapshot)
    return snapshot


def fairseq_xmod(folder: Path, *, head: str | None = None, **settings: object) -> PreTrainedModel:
    """``model.pt``, ``dict.txt`` and SentencePiece's model as fairseq saves them.

    The model that comes back is transformers' with the same weights.
    """
    save_sentencepiece(folder / "sentencepiece.bpe.model")
    pieces = [piece for piece, _, _ in _pieces()]
    (folder / "dict.txt").write_text("".join(f"{piece} 1\n" for piece in pieces))
    kind = XmodForMaskedLM if head is None else XmodForSequenceClassification
    model = tiny_model(
        kind, labels=["a", "b", "c"], vocab_size=len(pieces) + 5, type_vocab_size=1,
        layer_norm_eps=1e-5, **settings,
    )  # fmt: skip
    with torch.no_grad():
        model.roberta.embeddings.token_type_embeddings.weight.zero_()
    state = {_fairseq_name(name, head): weight for name, weight in model.state_dict().items()}
    state.pop("token_types")
    state.pop("decoder.bias", None)
    state["encoder.sentence_encoder.version"] = torch.tensor([3.0])
    torch.save(
        {"model": state, "args": None, "cfg": {"model": _arguments(model)}}, folder / "model.pt"
    )
    return model


def _arguments(model: PreTrainedModel) -> argparse.Namespace:
    config = model.config
    return argparse.Namespace(
        arch="xmod_base",
        encoder_embed_dim=config.hidden_size,
        encoder_layers=config.num_hidden_layers,
        encoder_attention_heads=config.num_attention_heads,
        encoder_ffn_embed_dim=config.intermediate_size,
        encoder_normalize_before=config.pre_norm,
        activation_fn="gelu",
        adapter_modules=True,
        bottleneck=config.adapter_reduction_factor,
        adapter_layer_norm=config.adapter_layer_norm,
        adapter_reuse_layer_norm=config.adapter_reuse_layer_norm,
        ln_before_adapter=config.ln_before_adapter,
        languages=list(config.languages),
        max_positions=128,
    )


_FAIRSEQ = {
    "roberta.embeddings.word_embeddings": "encoder.sentence_encoder.embed_tokens",
    "roberta.embeddings.position_embeddings": "encoder.sentence_encoder.embed_positions",
    "roberta.embeddings.LayerNorm": "encoder.sentence_encoder.layernorm_embedding",
    "roberta.embeddings.token_type_embeddings.weight": "token_types",
    "roberta.encoder.LayerNorm": "encoder.sentence_encoder.layer_norm",
    "roberta.encoder.layer": "encoder.sentence_encoder.layers",
    "attention.self.query": "self_attn.q_proj",
    "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj",
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "self_attn_layer_norm",
    "intermediate.dense": "fc1",
    "output.dense": "fc2",
    "output.LayerNorm": "final_layer_norm",
    "output.adapter_layer_norm": "adapter_layer_norm",
    "output.adapter_modules": "adapter_modules",
    "dense1": "fc1",
    "dense2": "fc2",
    "lm_head.decoder.weight": "encoder.lm_head.weight",
    "lm_head.decoder.bias": "decoder.bias",
    "lm_head.": "encoder.lm_head.",
}


def _fairseq_name(name: str, head: str | None) -> str:
    if name in _FAIRSEQ:
        return _FAIRSEQ[name]
    for ours, theirs in _FAIRSEQ.items():
        name = name.replace(ours, theirs)
    return name.replace("classifier.", f"classification_heads.{head}.")


def lora_adapter(
    base: PreTrainedModel, folder: Path, config: Mapping[str, object], modules: Mapping[str, int]
) -> dict[str, torch.Tensor]:
    """A PEFT folder: for each module of ``modules`` its A and B of that rank, seeded."""
    torch.manual_seed(1)
    named = dict(base.named_parameters())
    weights = {}
    for module, rank in modules.items():
        outputs, inputs = named[f"{module}.weight"].shape
        weights[f"base_model.model.{module}.lora_A.weight"] = torch.randn(rank, inputs)
        weights[f"base_model.model.{module}.lora_B.weight"] = torch.randn(outputs, rank)
    write_adapter(folder, config, weights)
    return weights


def write_adapter(
    folder: Path, config: Mapping[str, object], weights: Mapping[str, torch.Tensor]
) -> None:
    """``adapter_config.json`` with PEFT's defaults, and ``adapter_model.safetensors``."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "peft_type": "LORA", "task_type": None, "r": 4, "lora_alpha": 8, "lora_dropout": 0.1,
        "bias": "none", "fan_in_fan_out": False, "init_lora_weights": True, "use_dora": False,
        "use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}, "modules_to_save": None,
        "loftq_config": {}, "inference_mode": True, "qalora_group_size": 16, "revision": None,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps({**values, **config}))
    save_file({k: w.contiguous() for k, w in weights.items()}, folder / "adapter_model.safetensors")
