"""LaplacianDeformer against libigl's harmonic and bi-harmonic fields and a long-double bi-Laplacian solve."""

from __future__ import annotations

import numpy as np
import pytest

import mien

METHODS = ("response", "solve")
# The systems' condition numbers are about 1e5 and 1e10; the second is what libigl's own float64 solve leaves.
BOUNDS = {"laplacian": 5e-14, "bilaplacian": 1e-8}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", BOUNDS)
@pytest.mark.parametrize("mesh", ["spot", "ict_skin"])
def test_hard_handles_equal_libigl(data_dir, mesh, kind, method) -> None:
    with np.load(data_dir / f"peers/libigl_{mesh}.npz") as data:
        peer = {key: data[key] for key in data.files}
    rest = peer["vertices"]
    topology = mien.Topology.from_polygons(peer["faces"], len(rest))
    expected = peer[f"harmonic_displacement_k{1 + (kind == 'bilaplacian')}"]
    for dtype in (np.float64, np.float32):
        deformer = mien.LaplacianDeformer(
            topology, rest, peer["handle_index"], kind=kind, method=method, dtype=dtype
        )
        found = deformer.solve(peer["handle_position"]) - rest
        bound = BOUNDS[kind] if dtype is np.float64 else 2e-6
        assert np.abs(found - expected).max() < bound * np.abs(expected).max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weight", ["0.01", "100"])
def test_soft_handles_equal_the_long_double_solution(data_dir, weight, method) -> None:
    with np.load(data_dir / "peers/bilaplacian_ict_facecap.npz") as data:
        peer = {key: data[key] for key in data.files}
    rest, handles = peer["vertices"], peer["landmark_index"]
    topology = mien.Topology.from_polygons(peer["faces"], len(rest))
    moves, expected = (
        peer[f"soft_{weight}_{part}"].reshape(-1, 3, 3).transpose(1, 0, 2)
        for part in ("rhs_displacement", "solution")
    )
    deformer = mien.LaplacianDeformer(
        topology, rest, handles, kind="bilaplacian", weights=float(weight), method=method
    )
    found = deformer.solve(rest[handles] + moves) - rest
    assert np.abs(found - expected).max() < 2e-9 * np.abs(expected).max()
