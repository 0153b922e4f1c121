"""Vectors → points of a map.

Enters: vectors of records. Leaves: ``PointMap``: where each stands on a plane, by principal
components. What holds: the same vectors make the same map; one with a value that is no number has
no place on it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_FEWEST = 3
"""Vectors that a map is drawn of."""


@dataclass(frozen=True)
class PointMap:
    """``points`` [n, 2] from 0 to 1, of the rows of vectors that ``rows`` names.

    ``explained`` is how much of the vectors' variance each axis shows.
    """

    rows: tuple[int, ...]
    points: npt.NDArray[np.float64]
    explained: tuple[float, float]


def point_map(vectors: npt.NDArray[np.float32]) -> PointMap | None:
    """The map of ``vectors`` [n, size]; None where they are too few, or all the same."""
    rows = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    sound = vectors[rows].astype(np.float64)
    if len(rows) < _FEWEST or sound.shape[1] < 2 or np.ptp(sound, axis=0).max() == 0:
        return None
    placed, explained = _principal_components(sound)
    spread = max(float(np.ptp(placed, axis=0).max()), np.finfo(np.float64).tiny)
    middle = (placed.max(axis=0) + placed.min(axis=0)) / 2
    return PointMap(
        rows=tuple(int(row) for row in rows),
        points=(placed - middle) / spread + 0.5,
        explained=explained,
    )


def _principal_components(
    vectors: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """``vectors`` on their first two components [n, 2], and the variance that each explains.

    The largest weight of a component is positive, so that a map is never mirrored.
    """
    centred = vectors - vectors.mean(axis=0)
    variances, components = np.linalg.eigh(centred.T @ centred)
    first = components[:, :-3:-1]
    first = first * np.sign(first[np.abs(first).argmax(axis=0), [0, 1]])
    shares = np.maximum(variances[:-3:-1], 0) / variances.sum()
    return centred @ first, (float(shares[0]), float(shares[1]))
