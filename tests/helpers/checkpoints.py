"""Tiny X-MOD checkpoints with random weights of a fixed seed, and a tokenizer made on the spot."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast, XmodConfig
from transformers.models.xmod.modeling_xmod import (
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodPreTrainedModel,
)

from pipeline.config import ModelSettings
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint

LANGUAGES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN")
BIO_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")

TOPICS = ("sports", "politics", "science")

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")

SENTENCES = (
    "Anna Schmidt visited the Charles University in Prague on Monday.",
    "Das Ministerium in Berlin hat am Freitag neue Regeln vorgestellt.",
    "李华在北京大学学习了三年，后来去了上海。",
    "田中さんは東京の会社で働いています。",
    "สมชายทำงานที่กรุงเทพมหานครมาสิบปีแล้ว",
    "राम दिल्ली विश्वविद्यालय में पढ़ता है।",
    "The river rises near the border; nobody knows why 🌊 it floods.",
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A unigram tokenizer of XLM-R's kind: same special tokens, same pre-tokenization."""
    tokenizer = Tokenizer(models.Unigram(_pieces(), unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=512,
    )


def _pieces() -> list[tuple[str, float]]:
    """Special tokens, all letters of ``SENTENCES``, and what is repeated in their words."""
    words = [f"▁{word}" for sentence in SENTENCES for word in sentence.split()]
    counts = Counter(
        word[start:end]
        for word in words
        for start, end in combinations(range(len(word) + 1), 2)
        if end - start <= 5
    )
    kept = sorted(piece for piece, count in counts.items() if count > 1 or len(piece) == 1)
    scored = [(piece, math.log(counts[piece] * len(piece) / counts.total())) for piece in kept]
    return [(token, 0.0) for token in SPECIAL_TOKENS] + scored


def tiny_config(**changes: object) -> XmodConfig:
    """Two layers of 32; options of ``XmodConfig`` as keyword arguments."""
    values: dict[str, object] = {
        "vocab_size": 500,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 130,
        "languages": list(LANGUAGES),
        "default_language": LANGUAGES[0],
    }
    return XmodConfig(**{**values, **changes})


def tiny_model(
    model_class: type[XmodPreTrainedModel],
    *,
    labels: Sequence[str] = BIO_LABELS,
    spread: float = 0.6,
    **changes: object,
) -> XmodPreTrainedModel:
    """A model with random weights, large enough for adapters and labels to make a difference."""
    torch.manual_seed(0)
    names = dict(enumerate(labels))
    config = tiny_config(
        id2label=names, label2id={label: i for i, label in names.items()}, **changes
    )
    model = model_class(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, spread / parameter.shape[-1] ** 0.5)
    return model.eval()


def save_checkpoint(
    folder: Path, model_class: type[XmodPreTrainedModel], **options: object
) -> Path:
    """``tiny_model(model_class, **options)`` and its tokenizer, saved in ``folder``."""
    tiny_model(model_class, **options).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def save_heads(folder: Path, stored: Mapping[str, torch.dtype] | None = None) -> Path:
    """One encoder with three heads: ``config.json`` masked LM, ``ner.json``, ``topic.json``.

    Weights whose names contain a key of ``stored`` are of its type.
    """
    ner = tiny_model(XmodForTokenClassification, spread=2)
    topic = tiny_model(XmodForSequenceClassification, labels=TOPICS)
    save_checkpoint(folder, XmodForMaskedLM, labels=("LABEL_0", "LABEL_1"))
    weights = load_file(folder / "model.safetensors")
    for name, model in (("ner", ner), ("topic", topic)):
        model.config.architectures = [type(model).__name__]
        model.config.to_json_file(folder / f"{name}.json")
        head = {key: one for key, one in model.state_dict().items() if "roberta." not in key}
        weights |= head
    for part, dtype in (stored or {}).items():
        weights |= {key: one.to(dtype) for key, one in weights.items() if part in key}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def save_sentence_files(
    folder: Path,
    pooling: dict[str, object] | None = None,
    *,
    kinds: Sequence[str] | None = ("Transformer", "Pooling", "Normalize"),
    **files: dict[str, object],
) -> Path:
    """What sentence-transformers saves beside a model; ``files`` are by name without ``.json``.

    ``kinds`` are the modules, None for no list of them.
    """
    if kinds is not None:
        paths = ["", *(f"{place}_{kind}" for place, kind in enumerate(kinds) if place)]
        types = [f"sentence_transformers.models.{kind}" for kind in kinds]
        modules = [{"path": path, "type": kind} for path, kind in zip(paths, types, strict=True)]
        (folder / "modules.json").write_text(json.dumps(modules))
    if pooling is not None:
        (folder / "1_Pooling").mkdir(exist_ok=True)
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    for name, values in files.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    return folder


def open_folder(folder: Path, head: str | None = None) -> Checkpoint:
    """The checkpoint in ``folder``, as a job opens it."""
    return open_checkpoint(ModelSettings(path=str(folder), head=head))
