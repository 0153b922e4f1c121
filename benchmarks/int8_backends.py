"""8-bit back ends side by side on the matrix products of an X-MOD layer: speed, error, start, size.

    pip install 'xmod-pipeline[bench]' torchao openvino onnxruntime onnx onnxscript
    python -m benchmarks.int8_backends

Enters: nothing, weights are random. Leaves: tables on the terminal, and in ``--out`` the record
(``int8_backends.json``, ``int8_backends.md``) and a picture. What holds: all sides are timed in one
process in turns, on as many threads; one whose packages are missing is skipped with a word on it.
"""

import logging
import warnings
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from benchmarks.harness.record import RESULTS
from benchmarks.harness.rounds import Rounds, take_turns
from benchmarks.harness.surroundings import surroundings
from benchmarks.int8.checks import Checks, checks
from benchmarks.int8.footprint import Footprint, footprint
from benchmarks.int8.in_graphs import Run
from benchmarks.int8.layer import hidden_states, linears
from benchmarks.int8.sides import BASE, OWN, SIDES
from benchmarks.int8.tables import Measured, picture, record

_NAME = "int8_backends"
_TOKENS = [1024, 256, 4096]
"""Unless ``--tokens`` says others."""
_TOKENS_A_SAMPLE = 4096
"""Fewer would be too short to time."""

console = Console()


def main(
    tokens: Annotated[
        list[int] | None, typer.Option(help="Rows; figures are of the first.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often sides take turns.")] = 15,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    side: Annotated[list[str] | None, typer.Option(help="Default: all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
) -> None:
    """Measure all sides, print the tables and write the results to ``out``."""
    around = surroundings(sorted({name for one in SIDES.values() for name in one.packages}))
    _settle(threads)
    counts = tokens or _TOKENS
    names = dict.fromkeys([BASE, OWN, *side]) if side else SIDES
    lacking = {name: lack for name in names if (lack := SIDES[name].lacks())}
    for name, lack in lacking.items():
        _tell(f"Skipped {name}: {lack}")
    able = [name for name in names if name not in lacking]
    footprints = _footprints(able, threads)
    runs = _made(able, threads)
    measured = Measured(
        threads=threads,
        checks=_checks(runs, counts[0]),
        rounds={count: _rounds(runs, count, rounds) for count in counts},
        footprints=footprints,
        skipped=lacking,
    )
    found = record(measured, around)
    found.print(console)
    found.write(out, _NAME)
    picture(measured, out / f"{_NAME}.png")
    _tell(f"Written to {out}")


def _settle(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    # torch.ao is deprecated, torchao looks for CUDA, exporters tell of each node: none of it is
    # about what is measured.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)


def _footprints(names: list[str], threads: int) -> dict[str, Footprint]:
    found = {}
    for name in names:
        _tell(f"Starting {name}")
        found[name] = footprint(name, threads)
    return found


def _made(names: list[str], threads: int) -> dict[str, Run]:
    weights = linears()
    return {name: SIDES[name].make(weights, threads) for name in names}


def _checks(runs: dict[str, Run], tokens: int) -> dict[str, Checks]:
    _tell(f"All against {BASE}")
    hidden = hidden_states(tokens)
    return {name: checks(run, runs[BASE], hidden) for name, run in runs.items()}


def _rounds(runs: dict[str, Run], tokens: int, rounds: int) -> Rounds:
    _tell(f"All against the clock: {tokens:,} tokens")
    hidden = hidden_states(tokens)
    calls = dict.fromkeys(runs, max(1, _TOKENS_A_SAMPLE // tokens))
    sides = {name: (lambda run=run: run(hidden)) for name, run in runs.items()}
    return take_turns(sides, rounds, calls)


def _tell(message: str) -> None:
    console.print(message, style="dim", highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
