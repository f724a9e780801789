"""symmetry: known pairs in any pose, uneven faces, uneven polygons, messages."""

from __future__ import annotations

import numpy as np
import pytest

import mien


@pytest.fixture(scope="module")
def head():
    return mien.datasets.head("preview")


def turned(rng, points, scale=10.0):
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    q *= np.sign(np.linalg.det(q))
    return points @ q.T * scale + rng.normal(size=3) * 50, q


def known_partner(points):
    """Pair vertices by their exact mirror image in x = 0; the slow way."""
    mirrored = points * [-1, 1, 1]
    squared = ((mirrored[:, None] - points[None]) ** 2).sum(-1)
    return squared.argmin(axis=1)


@pytest.mark.parametrize("method", ["auto", "topology", "position"])
def test_pairs_are_found_in_any_pose_and_unit(head, rng, method):
    points, q = turned(rng, head.neutral)
    found = mien.symmetry(head.topology, points, method=method)
    few = rng.choice(len(points), 400, replace=False)
    squared = ((head.neutral[few][:, None] * [-1, 1, 1] - head.neutral[None]) ** 2).sum(-1)
    np.testing.assert_array_equal(found.partner[few], squared.argmin(axis=1))
    assert abs(found.normal @ q[:, 0]) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(found.reflect(points), points[found.partner], atol=1e-6)


def test_by_topology_a_face_uneven_in_shape_is_paired(head, rng):
    even = mien.symmetry(head.topology, head.neutral)
    x = head.neutral.astype(np.float64)
    bent = x + 0.15 * np.stack([np.sin(x[:, 1]), np.cos(x[:, 0] * 0.7), 0.3 * x[:, 0]], axis=1)
    points, _ = turned(rng, bent)
    np.testing.assert_array_equal(
        mien.symmetry(head.topology, points, method="topology").partner, even.partner
    )


def test_by_position_a_face_with_uneven_polygons_is_paired(head):
    even = mien.symmetry(head.topology, head.neutral)
    triangles = head.topology.triangles
    other = mien.Topology.from_polygons(triangles, head.topology.n_vertices)
    # A fan of each quad goes from its first corner: left and right are cut along different diagonals.
    with pytest.raises(mien.NumericalError, match="no left and right by topology"):
        mien.symmetry(other, head.neutral, method="topology")
    np.testing.assert_array_equal(mien.symmetry(other, head.neutral).partner, even.partner)


def test_displacements_are_mirrored(head, rng):
    found = mien.symmetry(head.topology, head.neutral)
    moved = rng.normal(size=head.neutral.shape)
    twice = found.mirror(found.mirror(moved))
    np.testing.assert_allclose(twice, moved, atol=1e-12)
    np.testing.assert_allclose(
        head.neutral[found.partner] + found.mirror(moved)[found.partner],
        found.reflect(head.neutral + moved),
        atol=1e-5,
    )


def test_part_of_a_face_and_holes(head):
    x = head.neutral
    there = x[:, 1] > np.median(x[:, 1])
    found = mien.symmetry(head.topology, np.where(there[:, None], x, np.nan))
    np.testing.assert_array_equal(found.partner[there], mien.symmetry(head.topology, x).partner[there])


def test_messages(head, rng):
    with pytest.raises(ValueError, match="`method` must be one of"):
        mien.symmetry(head.topology, head.neutral, method="guess")
    with pytest.raises(ValueError, match="at least 3 finite vertices, got 0"):
        mien.symmetry(head.topology, np.full_like(head.neutral, np.nan))
    cloud = mien.Topology([], [], 300)
    with pytest.raises(mien.NumericalError, match="no left and right"):
        mien.symmetry(cloud, rng.normal(size=(300, 3)))
