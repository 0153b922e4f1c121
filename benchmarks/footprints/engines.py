"""A model as an actor has it, loaded by us or by plain transformers.

Enters: an order. Leaves: an ``Engine``. What holds: after ``forward`` and ``read`` all weights
have been read, so that nothing of the model is left out of the account because no text needed it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.base.plain import plain_model, plain_run
from benchmarks.base.texts import Windows
from benchmarks.footprints.order import OURS, Order
from pipeline.config import ModelSettings, RuntimeSettings
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.batching import micro_batches
from pipeline.xmod.checkpoint import Checkpoint, open_checkpoint
from pipeline.xmod.loading import load_model


class Engine(Protocol):
    """A loaded model."""

    def forward(self, windows: Windows) -> None:
        """All of ``windows``."""

    def read(self) -> None:
        """All weights."""


class Ours:
    """The pipeline's."""

    def __init__(self, checkpoint: Checkpoint, order: Order) -> None:
        self._runtime = RuntimeSettings(dtype=order.dtype)
        adapters = LoadedAdapters(checkpoint.languages[: order.languages])
        classes = ["XmodForTokenClassification"]
        self._encoder = load_model(checkpoint, classes, adapters, self._runtime).encoder

    def forward(self, windows: Windows) -> None:
        """In micro-batches, as the annotate stage does."""
        budget = self._runtime.batch_tokens
        for batch in micro_batches(windows.lengths, windows.lang_ids, budget):
            some = windows.taken(batch)
            self._encoder(self._encoder.pack(some.tokens, some.lang_ids))

    def read(self) -> None:
        """Those of adapters have been by ``forward``: each language's are there from its first."""
        _read(self._encoder.parameters())


class Plain:
    """Transformers', with all languages in it."""

    def __init__(self, folder: Path) -> None:
        self._model = plain_model(folder)

    def forward(self, windows: Windows) -> None:
        """A window at a time, which needs no padding."""
        plain_run(self._model, windows, [[row] for row in range(len(windows.tokens))])

    def read(self) -> None:
        """All parameters."""
        _read(self._model.parameters())


def opened(order: Order) -> Checkpoint | None:
    """The checkpoint as an actor opens it, all its files hashed; plain transformers opens none."""
    return open_checkpoint(ModelSettings(path=order.folder)) if order.engine == OURS else None


def loaded(order: Order, checkpoint: Checkpoint | None) -> Engine:
    """The model that ``order`` asks for."""
    return Plain(Path(order.folder)) if checkpoint is None else Ours(checkpoint, order)


class Drawn(TorchDispatchMode):
    """Counts random numbers that are drawn into memory; a tensor without data takes none."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # noqa: ANN001, ANN204
        result = function(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in function.tags and result.device.type != "meta":
            self.numbers += result.numel()
        return result


def _read(weights: Iterable[Tensor]) -> None:
    for weight in weights:
        weight.sum()
