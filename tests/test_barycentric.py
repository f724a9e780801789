"""Points on moving surfaces: slow twin, laws, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.test_arap_deformer import sheet

import mien


@given(
    rows=st.integers(2, 5),
    n_frames=st.sampled_from([1, 2, 9]),
    n_points=st.sampled_from([0, 1, 2, 3, 257]),
    dtype=st.sampled_from([np.float32, np.float64]),
    step=st.integers(1, 2),
    seed=st.integers(0, 1 << 30),
)
def test_points_are_weighted_corners(rows, n_frames, n_points, dtype, step, seed) -> None:
    rng = np.random.default_rng(seed)
    topology, rest = sheet(rows, 4, rng)
    take = (rest + rng.normal(0, 0.3, (n_frames * step, *rest.shape))).astype(dtype)[::step]
    take.flags.writeable = False
    chosen = rng.integers(0, len(topology.triangles), n_points)
    weights = rng.normal(size=(n_points, 3))
    weights[:, 2] = 1 - weights[:, 0] - weights[:, 1]
    got = mien.surface_points(topology, take, chosen, weights)
    assert got.shape == (n_frames, n_points, 3)
    assert got.dtype == dtype
    for f in range(n_frames):
        for p in range(n_points):
            corners = take[f, topology.triangles[chosen[p]]].astype(np.float64)
            want = weights[p] @ corners
            assert np.abs(got[f, p] - want).max() <= 2e-7 * (1 + np.abs(weights[p]) @ np.abs(corners).max(1))
    assert np.array_equal(mien.surface_points(topology, take[-1], chosen, weights), got[-1])


def test_corners_are_met_to_the_bit_and_motions_carry_points_along(rng) -> None:
    topology, rest = sheet(4, 5, rng)
    triangles = np.arange(len(topology.triangles))
    for corner in range(3):
        at = mien.surface_points(topology, rest, triangles, np.tile(np.eye(3)[corner], (len(triangles), 1)))
        assert np.array_equal(at, rest[topology.triangles[:, corner]])
    weights = rng.dirichlet(np.ones(3), len(triangles))
    moved = mien.surface_points(topology, 2 * rest[:, [1, 2, 0]] + 3, triangles, weights)
    assert np.allclose(moved, 2 * mien.surface_points(topology, rest, triangles, weights)[:, [1, 2, 0]] + 3)
    out = np.empty_like(moved)
    assert mien.surface_points(topology, rest, triangles, weights, out=out) is out


def test_each_way_of_being_wrong_has_its_message(rng) -> None:
    topology, rest = sheet(3, 3, rng)
    good = [[0.2, 0.3, 0.5]]
    with pytest.raises(ValueError, match=r"`triangles` must name triangles below T = \d+, got 999"):
        mien.surface_points(topology, rest, [999], good)
    with pytest.raises(ValueError, match=r"`coordinates` must have shape \(P, 3\)"):
        mien.surface_points(topology, rest, [0, 1], good)
    with pytest.raises(ValueError, match=r"sum to 1 at every point, got .* at point 1"):
        mien.surface_points(topology, rest, [0, 1], [good[0], [0.5, 0.5, 0.5]])
    with pytest.raises(ValueError, match="`out` must be a writable"):
        mien.surface_points(topology, rest, [0], good, out=np.empty((2, 3)))
    broken = np.stack([rest, rest])
    vertex = topology.triangles[2][1]
    broken[1, vertex] = np.nan
    with pytest.raises(ValueError, match=rf"`positions` must be finite, got .* at frame 1, vertex {vertex}"):
        mien.surface_points(topology, broken, [2], good)
    unused = np.setdiff1d(np.arange(len(rest)), topology.triangles[2])[0]
    apart = rest.copy()
    apart[unused] = np.nan
    assert np.isfinite(mien.surface_points(topology, apart, [2], good)).all()
