"""X-MOD as the pipeline runs it.

Enters: a checkpoint's folder; windows. Leaves: micro-batches, and their forwards. What holds: all
81 adapters are loaded; batches and lanes are those of the annotate stage.
"""

from functools import partial
from pathlib import Path

import torch

from benchmarks.base.texts import Windows
from pipeline.config import ModelSettings, RuntimeSettings
from pipeline.language.xmod_base import XMOD_BASE
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import open_checkpoint
from pipeline.xmod.lanes import Lanes
from pipeline.xmod.loading import load_model


class OwnEngine:
    """The encoder and the token classifier of the checkpoint in ``folder``, on ``cores``."""

    def __init__(self, folder: Path, cores: int, dtype: str = "float32") -> None:
        runtime = RuntimeSettings(dtype=dtype, cpus_per_actor=cores)
        checkpoint = open_checkpoint(ModelSettings(path=str(folder)))
        classes = ["XmodForTokenClassification"]
        self._model = load_model(checkpoint, classes, LoadedAdapters(XMOD_BASE), runtime)
        self._budget = runtime.batch_tokens
        self.lanes = Lanes(runtime.lanes)

    def batches(self, windows: Windows) -> list[list[int]]:
        """Positions in ``windows``, as in a unit of theirs."""
        made = micro_batches(windows.lengths, windows.lang_ids, self._budget, self.lanes.number)
        return list(made)

    def run(self, windows: Windows, batches: list[list[int]]) -> None:
        """A forward of each of ``batches``."""
        list(self.lanes.map(partial(self._forward, windows), batches))

    @torch.inference_mode()
    def _forward(self, windows: Windows, batch: list[int]) -> None:
        some = windows.taken(batch)
        encoder, (head,) = self._model.encoder, self._model.heads.values()
        hidden = encoder(encoder.pack(some.tokens, some.lang_ids))
        head.get_submodule("classifier")(hidden).softmax(-1)
