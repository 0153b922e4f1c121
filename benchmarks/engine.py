"""The engine against unmodified transformers, on X-MOD base's size and 81 languages mixed.

Each side takes every n-th of its own batches of the same texts; rates count real tokens, not
padding. The limit is what the matrix products of a forward alone allow: those of the linear layers
are timed in the same rounds with packed weights, and those of attention are taken to go as fast.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks import harness
from benchmarks.corpora import mixed_texts
from benchmarks.harness import Rounds
from benchmarks.xmod_base import (
    BATCH,
    Batches,
    Windows,
    base_checkpoint,
    base_config,
    in_order,
    own_engine,
    plain_model,
    plain_run,
    windows_of,
)
from pipeline.config import RuntimeSettings
from pipeline.xmod.lanes import Lanes

ARRIVAL, SORTED = "transformers, as texts arrive", "transformers, by length"
FLOAT32, INT8, BFLOAT16 = "ours, float32", "ours, int8", "ours, bfloat16"
LIMIT = "matrix products alone, float32"
_DTYPES = {FLOAT32: "float32", INT8: "int8", BFLOAT16: "bfloat16"}
_TAKEN = {ARRIVAL: 2, SORTED: 4, FLOAT32: 4, INT8: 8, BFLOAT16: 12}
"""Batches of a round."""
_EQUAL = 64
"""Tokens of each window where all are equally long."""


def main(
    data: harness.Data = harness.DATA,
    out: harness.Out = harness.RESULTS,
    texts: Annotated[int, typer.Option(min=64, help="As many as a unit may have.")] = 1024,
    rounds: harness.RoundCount = 5,
    cores: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure, print and write."""
    around = harness.surroundings()
    torch.set_num_threads(cores)
    torch.set_flush_denormal(True)
    windows = windows_of(mixed_texts(data, texts))
    sides = _Sides(windows, cores)
    mixed = sides.in_turns([ARRIVAL, FLOAT32, INT8, BFLOAT16], rounds)
    near = sides.in_turns([SORTED, FLOAT32, LIMIT], 2 * rounds)
    equal = sides.of_equal_length(2 * rounds)
    _record(around, windows, mixed, near, equal).keep(out, "engine")


class _Sides:
    """All sides over the same windows."""

    def __init__(self, windows: Windows, cores: int) -> None:
        folder, lengths = base_checkpoint(), windows.lengths
        self._windows, self._model = windows, plain_model(folder)
        self._engines = {name: own_engine(folder, cores, dtype) for name, dtype in _DTYPES.items()}
        order = range(len(lengths))
        own = self._engines[FLOAT32].batches(windows)
        batches = {name: own for name in _TAKEN} | {
            ARRIVAL: in_order(order),
            SORTED: in_order(sorted(order, key=lambda i: -lengths[i])),
        }
        taken = {name: every(batches[name], number) for name, number in _TAKEN.items()}
        had = {name: [lengths[i] for batch in some for i in batch] for name, some in taken.items()}
        limit = _ProductsAlone(np.array(had[FLOAT32]), self._engines[FLOAT32].lanes)
        self._run: dict[str, Callable[[], object]] = {
            **{name: partial(plain_run, self._model, windows, taken[name]) for name in taken},
            **{name: partial(own.run, windows, taken[name]) for name, own in self._engines.items()},
            LIMIT: limit,
        }
        self._tokens = {
            **{name: float(sum(some)) for name, some in had.items()},
            LIMIT: limit.tokens,
        }

    def in_turns(self, names: Sequence[str], rounds: int) -> Rounds:
        """The sides of ``names``; work is tokens."""
        work = {name: self._tokens[name] for name in names}
        return harness.take_turns({name: self._run[name] for name in names}, rounds, work=work)

    def of_equal_length(self, rounds: int) -> Rounds:
        """One language, windows of one length: what transformers does best."""
        long = [one[:_EQUAL] for one in self._windows.tokens if len(one) >= _EQUAL][:BATCH]
        same, engine = Windows(long, [0] * len(long)), self._engines[FLOAT32]
        sides = {
            ARRIVAL: partial(plain_run, self._model, same, [list(range(len(long)))]),
            FLOAT32: partial(engine.run, same, engine.batches(same)),
        }
        return harness.take_turns(sides, rounds, calls=2)


class _ProductsAlone:
    """The products of one layer for 1,024 tokens, 16 times in each lane; lanes do not wait.

    ``tokens`` are those whose whole forward has as many multiplications, attention's included.
    """

    _ROWS, _REPEATS = 1024, 16

    def __init__(self, lengths: np.ndarray, lanes: Lanes) -> None:
        config = base_config()
        hidden, inner = config.hidden_size, config.intermediate_size
        adapter = hidden // config.adapter_reduction_factor
        shapes = [(hidden, hidden)] * 4 + [(hidden, inner), (inner, hidden)]
        shapes += [(hidden, adapter), (adapter, hidden)]
        self._products = [self._product(*shape) for shape in shapes]
        linear = sum(inputs * outputs for inputs, outputs in shapes)
        # A token's query meets all keys of its window, and its weights all values.
        attention = 2 * hidden * float((lengths**2).sum() / lengths.sum())
        self._lanes = lanes
        done = lanes.number * self._REPEATS * self._ROWS * linear
        self.tokens = done / ((linear + attention) * config.num_hidden_layers)

    def __call__(self) -> None:
        list(self._lanes.map(self._layers, range(self._lanes.number)))

    @torch.inference_mode()
    def _layers(self, lane: int) -> None:
        for _ in range(self._REPEATS):
            for rows, weight, bias in self._products:
                torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], None)

    def _product(self, inputs: int, outputs: int) -> tuple[torch.Tensor, ...]:
        packed = torch.ops.mkldnn._reorder_linear_weight(torch.randn(outputs, inputs), self._ROWS)
        return torch.randn(self._ROWS, inputs), packed, torch.randn(outputs)


def every(batches: Batches, number: int) -> Batches:
    """``number`` of the batches, evenly spread; all if there are no more."""
    if number >= len(batches):
        return batches
    places = np.linspace(0, len(batches) - 1, number * 2 + 1)[1::2]
    return [batches[int(place)] for place in places]


def padding(lengths: Sequence[int], order: Sequence[int]) -> float:
    """Tokens that transformers multiplies for each real one."""
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in in_order(order))
    return padded / sum(lengths)


def _record(
    around: harness.Surroundings, windows: Windows, mixed: Rounds, near: Rounds, equal: Rounds
) -> harness.Record:
    lengths = windows.lengths
    order = range(len(lengths))
    padded = {ARRIVAL: padding(lengths, order), FLOAT32: 1.0, INT8: 1.0, BFLOAT16: 1.0}
    padded[SORTED] = padding(lengths, sorted(order, key=lambda i: -lengths[i]))
    shown = [(mixed, name) for name in mixed.seconds] + [(near, SORTED), (near, LIMIT)]
    rows = [
        (name, f"{rounds.rate(name):,.0f}", f"{padded[name]:.2f}" if name in padded else "–")
        for rounds, name in shown
    ]
    ratios = {
        "float32 over transformers as texts arrive": mixed.ratio(FLOAT32, over=ARRIVAL),
        "int8 over transformers as texts arrive": mixed.ratio(INT8, over=ARRIVAL),
        "bfloat16 over transformers as texts arrive": mixed.ratio(BFLOAT16, over=ARRIVAL),
        "float32 over transformers by length": near.ratio(FLOAT32, over=SORTED),
        "one language, equal lengths, float32": equal.ratio(FLOAT32, over=ARRIVAL),
        "float32, share of the limit": near.ratio(FLOAT32, over=LIMIT),
        "transformers by length, share of the limit": near.ratio(SORTED, over=LIMIT),
    }
    columns = ("side", "real tokens/s", "tokens multiplied for each real one")
    return harness.Record(
        title="The engine against transformers",
        about=(
            f"X-MOD base's size with random weights, {len(lengths):,} texts in "
            f"{len(set(windows.lang_ids))} languages, {sum(lengths):,} tokens; batches of {BATCH} "
            f"for transformers, micro-batches of {RuntimeSettings().batch_tokens:,} tokens for us."
        ),
        surroundings=around,
        figures=[harness.Figure(name, value) for name, value in ratios.items()],
        sheets=[harness.Sheet("Sides", columns, rows)],
        samples={"mixed": mixed.seconds, "near": near.seconds, "equal": equal.seconds},
    )


if __name__ == "__main__":
    typer.run(main)
