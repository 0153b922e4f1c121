"""How many operations a forward of 12 layers dispatches, and how many make a GPU wait for the host.

Transformers' forward is counted on a CPU with narrow layers, because boolean masks cannot be
followed without data. Ours is what a GPU gets in bfloat16, on tensors without data, which raise
where an operation needs to know a value.
"""

from collections import Counter
from unittest import mock

import numpy as np
import torch
import typer
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import XmodModel

from benchmarks import harness
from pipeline.xmod.encoder import PackedEncoder

CASES = ((81, 32), (81, 1), (4, 4))
"""Adapters loaded, languages in the batch."""
_ROWS, _TOKENS = 32, 16
_WAITING = ("nonzero", "_local_scalar_dense", "masked_select", "index.Tensor", "index_put")
"""Operations that have to know values, and boolean masks in an index."""


def main(out: harness.Out = harness.RESULTS) -> None:
    """Count, print and write."""
    around = harness.surroundings()
    plain = {case: plain_operations(*case) for case in CASES}
    own = {case: own_operations(*case) for case in CASES}
    rows = [
        (f"{loaded} loaded, {present} in the batch", *_cells(plain[case]), *_cells(own[case]))
        for case in CASES
        for loaded, present in [case]
    ]
    fewer = plain[CASES[0]].total() / own[CASES[0]].total()
    harness.Record(
        title="Operations of a forward",
        about=f"12 layers, {_ROWS} windows of {_TOKENS} tokens.",
        surroundings=around,
        figures=[
            harness.Figure(
                "transformers over ours, 81 adapters, 32 languages", harness.Spread.of([fewer])
            )
        ],
        sheets=[
            harness.Sheet(
                "Operations dispatched",
                ("adapters", "transformers", "of them waiting", "ours", "of them waiting"),
                rows,
            )
        ],
        samples={"ours": dict(own[CASES[0]]), "transformers": dict(plain[CASES[0]])},
    ).keep(out, "operations")


class _Counted(TorchDispatchMode):
    """Counts what is dispatched, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # noqa: ANN001, ANN204
        self.operations[str(function)] += 1
        return function(*args, **(kwargs or {}))


@torch.no_grad()
def plain_operations(loaded: int, present: int) -> Counter[str]:
    """Of transformers' encoder."""
    model = XmodModel(_config(loaded, hidden=48), add_pooling_layer=False).eval()
    ids = torch.randint(5, 90, (_ROWS, _TOKENS))
    languages = torch.tensor(_languages(present))
    with _Counted() as counted:
        model(input_ids=ids, attention_mask=torch.ones_like(ids), lang_ids=languages)
    return counted.operations


@torch.no_grad()
def own_operations(loaded: int, present: int) -> Counter[str]:
    """Of the pipeline's encoder as a GPU has it."""
    nowhere = torch.device("meta")
    with nowhere:
        model = XmodModel(_config(loaded, hidden=768), add_pooling_layer=False)
    with mock.patch.object(torch.cuda, "get_device_capability", return_value=(9, 0)):
        encoder = PackedEncoder(model.to(torch.bfloat16), nowhere)
    packed = encoder.pack([np.arange(5, 5 + _TOKENS)] * _ROWS, _languages(present))
    with _Counted() as counted:
        encoder(packed)
    return counted.operations


def waiting(operations: Counter[str]) -> int:
    """Operations that make a GPU wait for the host."""
    return sum(count for name, count in operations.items() if any(one in name for one in _WAITING))


def _config(loaded: int, hidden: int) -> XmodConfig:
    return XmodConfig(
        vocab_size=100,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        languages=[f"language {i}" for i in range(loaded)],
    )


def _languages(present: int) -> list[int]:
    return [row % present for row in range(_ROWS)]


def _cells(operations: Counter[str]) -> tuple[str, str]:
    return f"{operations.total():,}", f"{waiting(operations):,}"


if __name__ == "__main__":
    typer.run(main)
