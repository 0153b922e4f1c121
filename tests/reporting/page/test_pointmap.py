"""Embeddings on a plane."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.reporting.page.columns import columns_of
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.pointmap import PointMap, project, read_map
from pipeline.storage import Store
from tests.helpers.finished import finish


def vectors(rows: int = 20, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, size))


def test_project_stays_within_its_frame_and_is_the_same_again():
    (first, _), (second, _) = project(vectors()), project(vectors())
    assert first.shape == (20, 2)
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, second)


def test_project_keeps_apart_what_is_apart():
    points, explained = project(vectors() + np.repeat([[0.0], [50.0]], 10, axis=0))
    assert explained[0] > 0.9
    assert abs(points[:10, 0].mean() - points[10:, 0].mean()) > 0.8


def test_project_is_never_mirrored():
    points, _ = project(np.array([[0.0, 0.0], [4.0, 1.0], [8.0, 0.0]]))
    assert points[0, 0] < points[1, 0] < points[2, 0]
    assert points[1, 1] > points[0, 1]


@pytest.mark.parametrize("few", [vectors(0), vectors(2), vectors(9, 1), np.ones((9, 4))])
def test_project_of_too_little_is_none(few: np.ndarray):
    assert project(few) is None


def drawn(store: Store, most: int = 100) -> PointMap | None:
    output = read_output(store)
    return read_map(output, columns_of(output), most)


def test_map_has_the_language_and_the_vector_of_each_record(local_store: Store):
    places = [[0, 0], [9, 1], [4, 8], [1, 3]]
    finish(local_store, rows=4, language=["de", "fr", None, "de-AT"], embedding=places)
    points = {point.record_id[-1]: point for point in drawn(local_store).points}
    assert [points[row].language for row in "0123"] == [
        "German (de)",
        "French (fr)",
        "Unknown language (und)",
        "German (de)",
    ]
    at = {row: np.array([point.x, point.y]) for row, point in points.items()}
    distances = [np.linalg.norm(at["0"] - at[row]) for row in "123"]
    given = [np.linalg.norm(places[row]) for row in (1, 2, 3)]
    np.testing.assert_allclose(np.divide(distances, distances[0]), np.divide(given, given[0]))


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32()])
def test_map_leaves_out_what_is_no_vector(local_store: Store, kind: pa.DataType):
    found = [[0, 1], None, [float("nan"), 1], [1, float("inf")], [2, 2], [1, 3]]
    embedding = pa.field("embedding", pa.list_(kind, 2))
    finish(local_store, rows=6, without=["embedding"], tasks={embedding: found})
    assert {point.record_id[-1] for point in drawn(local_store).points} == set("045")


def test_map_is_bounded_and_balanced(local_store: Store):
    finish(local_store, rows=9, language=["de"] * 7 + ["fr", "ja"])
    points = drawn(local_store, most=4).points
    assert sorted(point.language[-3:-1] for point in points) == ["de", "de", "fr", "ja"]
    assert drawn(local_store, most=0) is None


def test_map_of_an_output_without_embeddings_is_none(local_store: Store):
    assert drawn(finish(local_store, without=["embedding"])) is None
