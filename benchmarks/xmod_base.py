"""A checkpoint of X-MOD base's size, as the pipeline and as plain transformers run it.

Geometry, options and languages are those of facebook/xmod-base (12 layers of 768, 81 adapters,
250,002 tokens; 3.4 GB in float32) and weights are random, so a forward costs what that model's
costs and its answers mean nothing.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn.utils.rnn import pad_sequence
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification
from transformers.utils import logging as transformers_logging

from benchmarks.corpora import Corpus
from pipeline.config import ModelSettings, RuntimeSettings
from pipeline.language.xmod_base import XMOD_BASE
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint
from pipeline.xmod.lanes import Lanes
from pipeline.xmod.loading import load_model

BASE = Path("/tmp/xmod-pipeline-benchmarks/base")
"""Where the checkpoint is made, and looked for."""
BATCH = 32
"""Windows of a batch for transformers."""

_TOKENIZER = Path("demo/model/base")
"""Makes somewhat more tokens of a text than XLM-R's does."""
_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
_LONGEST = 512

Batches = list[list[int]]
"""Positions of windows."""


def base_checkpoint(folder: Path = BASE) -> Path:
    """``folder`` with a token classifier in it; made if need be, half a minute and 3.4 GB."""
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _model().save_pretrained(folder, max_shard_size="10GB")
        for path in _TOKENIZER.glob("tokenizer*"):
            shutil.copy(path, folder)
        (folder / "complete").touch()
    return folder


def base_config() -> XmodConfig:
    """What facebook/xmod-base's config.json says, with entity labels."""
    return XmodConfig(
        vocab_size=250002,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        languages=list(XMOD_BASE),
        id2label=dict(enumerate(_LABELS)),
        label2id={label: i for i, label in enumerate(_LABELS)},
    )


@dataclass(frozen=True)
class Windows:
    """Token ids of each window, and the ``lang_id`` of its language."""

    tokens: list[NDArray[np.int64]]
    lang_ids: list[int]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each window, special ones included."""
        return [len(one) for one in self.tokens]

    def taken(self, rows: Sequence[int]) -> "Windows":
        """Those at ``rows``, in that order."""
        return Windows([self.tokens[i] for i in rows], [self.lang_ids[i] for i in rows])


def windows_of(corpus: Corpus) -> Windows:
    """A window a text; what is beyond 512 tokens is cut off."""
    tokenizer = Tokenizer.from_file(str(_TOKENIZER / "tokenizer.json"))
    tokenizer.enable_truncation(_LONGEST)
    encodings = tokenizer.encode_batch(list(corpus.texts))
    tokens = [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]
    return Windows(tokens, [XMOD_BASE.index(code) for code in corpus.codes])


class OwnEngine:
    """The pipeline's encoder and head on ``cores``, with micro-batches as the annotate stage's."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        cores: int,
        dtype: str = "float32",
        languages: Sequence[str] = XMOD_BASE,
    ) -> None:
        runtime = RuntimeSettings(dtype=dtype, cpus_per_actor=cores)
        adapters = LoadedAdapters(tuple(languages))
        self.model = load_model({"XmodForTokenClassification": checkpoint}, adapters, runtime)
        self.lanes = Lanes(runtime.lanes)
        self._budget = runtime.batch_tokens

    def batches(self, windows: Windows) -> Batches:
        """As in a unit of these windows."""
        made = micro_batches(windows.lengths, windows.lang_ids, self._budget, self.lanes.number)
        return list(made)

    def run(self, windows: Windows, batches: Batches) -> None:
        """A forward of each of ``batches``."""
        list(self.lanes.map(partial(self._forward, windows), batches))

    @torch.inference_mode()
    def _forward(self, windows: Windows, batch: list[int]) -> None:
        some = windows.taken(batch)
        encoder, (head,) = self.model.encoder, self.model.heads.values()
        hidden = encoder(encoder.pack(some.tokens, some.lang_ids))
        head.get_submodule("classifier")(hidden).softmax(-1)


def own_engine(folder: Path, cores: int, dtype: str = "float32") -> OwnEngine:
    """With the adapters of all 81 languages."""
    return OwnEngine(open_checkpoint(ModelSettings(path=str(folder))), cores, dtype)


def plain_model(folder: Path) -> XmodForTokenClassification:
    """Transformers' unmodified model in float32, with the attention that transformers chooses."""
    transformers_logging.disable_progress_bar()
    model: XmodForTokenClassification = XmodForTokenClassification.from_pretrained(
        folder, dtype=torch.float32
    )
    return model.eval()


@torch.inference_mode()
def plain_run(model: XmodForTokenClassification, windows: Windows, batches: Batches) -> None:
    """A forward of each of ``batches``, padded to its longest window."""
    for batch in batches:
        some = windows.taken(batch)
        rows = [torch.from_numpy(one) for one in some.tokens]
        ids = pad_sequence(rows, batch_first=True, padding_value=1)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        model(input_ids=ids, attention_mask=mask, lang_ids=torch.tensor(some.lang_ids))


def in_order(order: Sequence[int]) -> Batches:
    """Batches of 32 in that order."""
    return [list(order[start : start + BATCH]) for start in range(0, len(order), BATCH)]


@torch.no_grad()
def _model() -> XmodForTokenClassification:
    with torch.device("meta"):
        model = XmodForTokenClassification(base_config())
    model.to_empty(device="cpu")
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "LayerNorm.weight" in name:
            parameter.fill_(1)
        elif name.endswith("bias"):
            parameter.zero_()
        else:
            parameter.normal_(0, 0.02)
    return model
