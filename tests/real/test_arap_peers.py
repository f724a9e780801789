"""Deformation on real meshes: against libigl's results."""

from __future__ import annotations

import numpy as np
import pytest

import mien


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["spokes", "spokes-and-rims"])
@pytest.mark.parametrize("mesh", ["spot", "ict_skin"])
def test_ten_iterations_follow_libigl(data_dir, mesh: str, kind: str, dtype: type) -> None:
    with np.load(data_dir / f"peers/libigl_{mesh}.npz") as peer:
        rest, handles, targets = peer["vertices"], peer["handle_index"], peer["handle_position"]
        topology = mien.Topology.from_polygons(peer["faces"], len(rest))
        start = rest + peer["harmonic_displacement_k2"]
        want = peer[f"arap_{kind.replace('-', '_')}_10_iterations"]
    deformer = mien.ArapDeformer(topology, rest, handles, energy=kind, dtype=dtype)
    got = deformer.solve(targets, 10, start=start)
    # Closer than this the two do not come, in float64 either: whose rotations are off is not known.
    assert np.abs(got - want).max() < 1e-4 * np.linalg.norm(np.ptp(rest, axis=0))
    assert deformer.energy(got) == pytest.approx(deformer.energy(want), rel=1e-4)
    assert np.array_equal(got[handles], targets)
