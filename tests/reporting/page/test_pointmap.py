"""Vectors on a plane."""

import numpy as np
import pytest

from pipeline.reporting.page.pointmap import point_map


def vectors(rows: int = 20, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, size)).astype(np.float32)


def test_point_map_stays_within_its_frame_and_is_the_same_again():
    first, second = point_map(vectors()), point_map(vectors())
    assert first.points.shape == (20, 2)
    assert first.points.min() >= 0
    assert first.points.max() <= 1
    np.testing.assert_array_equal(first.points, second.points)


def test_point_map_keeps_apart_what_is_apart():
    far = vectors() + np.repeat([[0.0], [50.0]], 10, axis=0).astype(np.float32)
    found = point_map(far)
    assert found.explained[0] > 0.9
    assert abs(found.points[:10, 0].mean() - found.points[10:, 0].mean()) > 0.8


def test_point_map_leaves_out_what_is_no_number():
    broken = vectors()
    broken[3, 1], broken[7, 0] = np.nan, np.inf
    assert set(point_map(broken).rows) == set(range(20)) - {3, 7}


@pytest.mark.parametrize(
    "few", [vectors(0), vectors(2), vectors(9, 1), np.ones((9, 4), np.float32)]
)
def test_point_map_of_too_little_is_none(few: np.ndarray):
    assert point_map(few) is None
