"""The nearest points are those that looking at every point finds, ties by index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import _core


def by_looking_at_all(points: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    squared = np.zeros((len(queries), len(points)))
    for axis in range(points.shape[1]):  # added in the kernel's order
        squared += (queries[:, axis, None] - points[None, :, axis]) ** 2
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(squared, order, axis=1)


@settings(max_examples=60, deadline=None)
@given(
    count=st.sampled_from([1, 2, 3, 8, 9, 17, 257, 1000]),
    dimension=st.integers(1, 8),
    neighbours=st.integers(1, 12),
    grid=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_as_looking_at_every_point(count, dimension, neighbours, grid, seed):
    rng = np.random.default_rng(seed)
    points, queries = rng.normal(size=(count, dimension)), rng.normal(size=(60, dimension))
    if grid:  # many points at the same distance, many in the same place
        points, queries = np.round(points * 2), np.round(queries * 2)
    k = min(neighbours, count)
    index, squared = _core.NearestPoints(points).find(queries, k)
    expected, distances = by_looking_at_all(points, queries, k)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_array_equal(squared, distances)


def test_what_is_not_finite_has_no_nearest_point():
    tree = _core.NearestPoints(np.eye(3))
    index, squared = tree.find(np.array([[np.nan, 0, 0], [0.9, 0, 0]]), 2)
    assert index.tolist()[0] == [-1, -1]
    assert np.isinf(squared[0]).all()
    assert index[1, 0] == 0


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((0, 3)), "1 to 2"),
        (np.zeros((4, 9)), "1 to 8 coordinates"),
        (np.array([[0.0, np.inf]]), "point 0"),
    ],
)
def test_points_that_cannot_be(points, words):
    with pytest.raises(ValueError, match=words):
        _core.NearestPoints(points)


def test_more_neighbours_than_points():
    with pytest.raises(ValueError, match="1 to 3"):
        _core.NearestPoints(np.eye(3)).find(np.eye(3), 4)
    with pytest.raises(ValueError, match="neighbours"):
        _core.NearestPoints(np.eye(3)).find(np.eye(3), 0)
