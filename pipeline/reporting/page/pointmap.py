"""Embeddings of records → points on a plane, by their first two principal components."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import schema
from pipeline.reporting.page.columns import Columns
from pipeline.reporting.page.output import Output
from pipeline.reporting.page.sample import ROWS_FOR_ONE, balanced
from pipeline.reporting.run_report import language_name

_FEWEST = 3  # vectors that a map is drawn of


@dataclass(frozen=True)
class Point:
    """A record's place on the map, from 0 to 1."""

    x: float
    y: float
    record_id: str
    language: str


@dataclass(frozen=True)
class PointMap:
    """``explained`` is the share of the vectors' variance that each axis shows."""

    points: tuple[Point, ...]
    explained: tuple[float, float]


def read_map(output: Output, columns: Columns, most: int) -> PointMap | None:
    """The map of at most ``most`` records, balanced over languages; None where it shows nothing."""
    if columns.embedding is None:
        return None
    name = columns.embedding.name
    read = pa.schema([schema.RECORD_ID, schema.LANGUAGE_FIELDS[0], columns.embedding])
    valid = output.parts.read(read, ROWS_FOR_ONE * most, lambda t: t.filter(pc.is_valid(t[name])))
    rows = balanced(valid, most)
    vectors = rows[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = vectors.reshape(len(rows), columns.embedding.type.list_size).astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    projected = project(vectors[finite])
    if projected is None:
        return None
    places, explained = projected
    ids, tags = (rows[key].filter(pa.array(finite)).to_pylist() for key in read.names[:2])
    placed = zip(places.tolist(), ids, tags, strict=True)
    points = tuple(Point(x, y, one, language_name(tag)) for (x, y), one, tag in placed)
    return PointMap(points, explained)


def project(
    vectors: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], tuple[float, float]] | None:
    """``vectors`` [n, size] as points [n, 2] from 0 to 1, and the variance that each axis explains.

    None where the vectors are too few, or all the same. The largest weight of a component is
    positive, so that a map is never mirrored.
    """
    if len(vectors) < _FEWEST or vectors.shape[1] < 2 or np.ptp(vectors, axis=0).max() == 0:
        return None
    centred = vectors - vectors.mean(axis=0)
    _, strengths, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2] * np.sign(axes[[0, 1], np.abs(axes[:2]).argmax(axis=1)])[:, None]
    placed = centred @ axes.T
    middle = (placed.max(axis=0) + placed.min(axis=0)) / 2
    first, second = strengths[:2] ** 2 / (strengths**2).sum()
    return (placed - middle) / np.ptp(placed, axis=0).max() + 0.5, (float(first), float(second))
