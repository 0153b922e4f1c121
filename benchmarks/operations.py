"""How many operations a forward of 12 layers dispatches, and which of them make a GPU wait.

    python -m benchmarks.operations

Enters: nothing. Leaves: ``operations.md`` and ``.json`` in ``--out``. What holds: transformers'
forward is counted on the CPU with narrow layers, because masks cannot be followed without data;
ours is what a GPU in bfloat16 gets, on tensors without data, which raise where an operation needs
to know a value.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated
from unittest import mock

import numpy as np
import torch
import typer
from rich.console import Console
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import XmodModel

from benchmarks.harness.record import RESULTS, Figure, Record
from benchmarks.harness.rounds import Spread
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import surroundings
from pipeline.xmod.encoder import PackedEncoder

_ROWS, _TOKENS = 32, 16
_WAITING = ("nonzero", "_local_scalar_dense", "masked_select", "index.Tensor", "index_put")
"""Operations that have to know values, and boolean masks in an index."""


class Counted(TorchDispatchMode):
    """Counts what is dispatched, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # noqa: ANN001, ANN204
        self.operations[str(function)] += 1
        return function(*args, **(kwargs or {}))


def main(out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS) -> None:
    """Count, print and write."""
    around = surroundings()
    cases = [(81, 32), (81, 1), (4, 4)]
    plain = {case: _plain(*case) for case in cases}
    own = {case: _own(*case) for case in cases}
    rows = [
        (f"{loaded} loaded, {present} in the batch", *_cells(plain[case]), *_cells(own[case]))
        for case in cases
        for loaded, present in [case]
    ]
    heads = ("adapters", "transformers", "of them waiting", "ours", "of them waiting")
    first = own[cases[0]]
    found = Record(
        title="Operations of a forward",
        about=f"12 layers, {_ROWS} windows of {_TOKENS} tokens.",
        surroundings=around,
        figures=[
            _figure("operations, 81 adapters, 32 languages", first.total(), 450),
            _figure("of them waiting for the host", _waiting(first), 0),
        ],
        sheets=[Sheet("Operations dispatched", heads, rows)],
        samples={"ours": dict(first), "transformers": dict(plain[cases[0]])},
    )
    found.print(Console())
    found.write(out, "operations")


@torch.no_grad()
def _plain(loaded: int, present: int) -> Counter[str]:
    model = XmodModel(_config(loaded, hidden=48), add_pooling_layer=False).eval()
    ids = torch.randint(5, 90, (_ROWS, _TOKENS))
    languages = torch.tensor(_languages(present))
    with Counted() as counted:
        model(input_ids=ids, attention_mask=torch.ones_like(ids), lang_ids=languages)
    return counted.operations


@torch.no_grad()
def _own(loaded: int, present: int) -> Counter[str]:
    nowhere = torch.device("meta")
    with nowhere:
        model = XmodModel(_config(loaded, hidden=768), add_pooling_layer=False)
    with mock.patch.object(torch.cuda, "get_device_capability", return_value=(9, 0)):
        encoder = PackedEncoder(model.to(torch.bfloat16), nowhere)
    windows = [np.arange(5, 5 + _TOKENS)] * _ROWS
    packed = encoder.pack(windows, _languages(present))
    with Counted() as counted:
        encoder(packed)
    return counted.operations


def _config(loaded: int, hidden: int) -> XmodConfig:
    return XmodConfig(
        vocab_size=100,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        languages=[f"language {i}" for i in range(loaded)],
    )


def _languages(present: int) -> list[int]:
    return [row % present for row in range(_ROWS)]


def _waiting(operations: Counter[str]) -> int:
    return sum(
        count for name, count in operations.items() if any(word in name for word in _WAITING)
    )


def _cells(operations: Counter[str]) -> tuple[str, str]:
    return f"{operations.total():,}", f"{_waiting(operations):,}"


def _figure(name: str, count: int, goal: float) -> Figure:
    value = Spread.of([count])
    return Figure(name=name, value=value, unit="", goal=goal, less_is_better=True, digits=0)


if __name__ == "__main__":
    typer.run(main)
