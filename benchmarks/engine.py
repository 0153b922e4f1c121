"""The engine against plain transformers, on X-MOD base's geometry and 81 languages mixed.

    python -m benchmarks.engine

Enters: the corpora below ``--data``. Leaves: ``engine.md``, ``.json`` and ``.png`` in ``--out``.
What holds: random weights, natural lengths; all sides run in one process, in turns, on the same
texts, of which each side takes every n-th of its batches; a rate is of real tokens, padding not
counted. Sides that are near each other take turns by themselves, more often.

The limit is what the matrix products of a forward alone would allow: those of the linear layers,
timed apart in the same rounds with weights packed for the cache, and those of attention, taken to
go as fast.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console

from benchmarks.base.checkpoint import base_checkpoint
from benchmarks.base.limit import ProductsAlone
from benchmarks.base.own import OwnEngine
from benchmarks.base.plain import BATCH, in_order, padding, plain_model, plain_run
from benchmarks.base.texts import Windows, mixed_texts, windows_of
from benchmarks.harness.picture import Bar, bars
from benchmarks.harness.record import RESULTS, Figure, Record
from benchmarks.harness.rounds import Rates, Rounds, Spread, take_turns
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import surroundings
from pipeline.config import RuntimeSettings

ARRIVAL, SORTED = "transformers, as they arrive", "transformers, by length"
ONE, OWN = "transformers", "ours"
FLOAT32, INT8, BFLOAT16 = "ours, float32", "ours, int8", "ours, bfloat16"
_DTYPES = {FLOAT32: "float32", INT8: "int8", BFLOAT16: "bfloat16"}
LIMIT = "matrix products alone, float32"
_EQUAL = 64
"""Tokens of each window where all are equal."""

Batches = list[list[int]]


def main(
    data: Annotated[Path, typer.Option(help="Folder of corpora.")] = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
    texts: Annotated[int, typer.Option(min=64, help="Texts, as many as a unit may have.")] = 1024,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    cores: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure, print and write."""
    around = surroundings()
    torch.set_num_threads(cores)
    torch.set_flush_denormal(True)
    windows = windows_of(mixed_texts(data, texts))
    sides = _Mixed(windows, cores)
    mixed = sides.in_turns([ARRIVAL, FLOAT32, INT8, BFLOAT16], rounds)
    near = sides.in_turns([SORTED, FLOAT32, LIMIT], 2 * rounds)
    equal = _equal(windows, 2 * rounds, cores)
    found = _record(around, windows, mixed, near, equal)
    found.print(Console())
    found.write(out, "engine")
    shown = [Bar(name, rates.rate(name)) for rates, name in _shown(mixed, near)]
    title = f"X-MOD base, 81 languages mixed, {cores} cores"
    bars(out / "engine.png", title, "real tokens/s", shown)


class _Mixed:
    """All sides over texts of 81 languages, some batches of each."""

    def __init__(self, windows: Windows, cores: int) -> None:
        folder, lengths = base_checkpoint(), windows.lengths
        model = plain_model(folder)
        engines = {name: OwnEngine(folder, cores, dtype) for name, dtype in _DTYPES.items()}
        order = list(range(len(lengths)))
        own = engines[FLOAT32].batches(windows)
        some: dict[str, Batches] = {
            ARRIVAL: _every(in_order(order), 2),
            SORTED: _every(in_order(sorted(order, key=lambda i: -lengths[i])), 4),
            FLOAT32: _every(own, 4),
            INT8: _every(own, 8),
            BFLOAT16: _every(own, 12),
        }
        had = np.array([lengths[i] for batch in some[FLOAT32] for i in batch])
        products = ProductsAlone(had, engines[FLOAT32].lanes)
        self._sides: dict[str, Callable[[], object]] = {
            **{name: partial(plain_run, model, windows, some[name]) for name in (ARRIVAL, SORTED)},
            **{name: partial(engine.run, windows, some[name]) for name, engine in engines.items()},
            LIMIT: products,
        }
        self._tokens = {
            name: float(sum(lengths[i] for batch in batches for i in batch))
            for name, batches in some.items()
        } | {LIMIT: products.tokens}

    @torch.inference_mode()
    def in_turns(self, names: Sequence[str], rounds: int) -> Rates:
        """The sides of ``names``, side by side as they are given."""
        turns = take_turns({name: self._sides[name] for name in names}, rounds)
        return Rates(turns, {name: self._tokens[name] for name in names})


@torch.inference_mode()
def _equal(windows: Windows, rounds: int, cores: int) -> Rounds:
    """One language, windows of one length: what transformers does best."""
    long = [one[:_EQUAL] for one in windows.tokens if len(one) >= _EQUAL][:BATCH]
    same = Windows(long, [0] * len(long))
    model, engine = plain_model(base_checkpoint()), OwnEngine(base_checkpoint(), cores)
    sides = {
        ONE: partial(plain_run, model, same, [list(range(len(long)))]),
        OWN: partial(engine.run, same, engine.batches(same)),
    }
    return take_turns(sides, rounds, {ONE: 2, OWN: 2})


def _every(batches: Batches, number: int) -> Batches:
    """``number`` of the batches, evenly spread."""
    places = np.linspace(0, len(batches) - 1, min(number, len(batches)) * 2 + 1)[1::2]
    return [batches[int(place)] for place in places]


def _shown(mixed: Rates, near: Rates) -> list[tuple[Rates, str]]:
    """Each side once."""
    others = [(near, name) for name in (SORTED, LIMIT)]
    return [*((mixed, name) for name in mixed.amounts), *others]


def _record(around: object, windows: Windows, mixed: Rates, near: Rates, equal: Rounds) -> Record:
    order = list(range(len(windows.tokens)))
    by_length = sorted(order, key=lambda i: -windows.lengths[i])
    rows = [
        (name, f"{rates.rate(name):,.0f}", f"{rates.amounts[name]:,.0f}")
        for rates, name in _shown(mixed, near)
    ]
    padded = [
        ("transformers, as they arrive", f"{padding(windows, order):.2f}"),
        ("transformers, by length", f"{padding(windows, by_length):.2f}"),
        ("ours: windows stand end to end", "1.00"),
    ]
    return Record(
        title="The engine against transformers",
        about=(
            f"X-MOD base's geometry with random weights, {len(windows.tokens):,} texts in "
            f"{len(set(windows.lang_ids))} languages, {sum(windows.lengths):,} tokens; batches of "
            f"{BATCH} for transformers, micro-batches of {RuntimeSettings().batch_tokens:,} "
            "tokens for us."
        ),
        surroundings=around,
        figures=[
            _ratio("float32 against arrival order", mixed.ratio(FLOAT32, ARRIVAL), 4.2),
            _ratio("int8 against arrival order", mixed.ratio(INT8, ARRIVAL), 7.0),
            _ratio("bfloat16 against arrival order", mixed.ratio(BFLOAT16, ARRIVAL), None),
            _ratio("float32 against order of length", near.ratio(FLOAT32, SORTED), 2.1),
            _ratio("one language, equal lengths, float32", equal.speed_up(OWN, over=ONE), 1.0),
            _ratio("share of the limit of matrix products", near.ratio(FLOAT32, LIMIT), 0.85),
            _ratio("transformers by length, share of the limit", near.ratio(SORTED, LIMIT), None),
            Figure(
                name="padded tokens a real one",
                value=Spread.of([1.0]),
                unit="×",
                goal=1.03,
                less_is_better=True,
            ),
        ],
        sheets=[
            Sheet("Real tokens a second", ("side", "tokens/s", "tokens a round"), rows),
            Sheet("Tokens that are multiplied for each real one", ("side", "×"), padded),
        ],
        samples={
            "mixed": mixed.rounds.seconds,
            "near": near.rounds.seconds,
            "equal": equal.seconds,
        },
    )


def _ratio(name: str, value: Spread, goal: float | None) -> Figure:
    return Figure(name=name, value=value, unit="×", goal=goal)


if __name__ == "__main__":
    typer.run(main)
