"""Operators against libigl and robust_laplacian, on a closed mesh and on a real face with eyes and a mouth cut out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import mien


@pytest.fixture(scope="module", params=["spot", "ict_skin"])
def peer(request, data_dir):
    with np.load(data_dir / f"peers/libigl_{request.param}.npz") as data:
        return {key: data[key] for key in data.files}


def matrix_of(peer, name: str) -> scipy.sparse.csr_array:
    n = len(peer["vertices"])
    parts = tuple(peer[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return scipy.sparse.csr_array(parts, shape=(n, n))


def ours(matrix: mien.SparseMatrix) -> scipy.sparse.csc_array:
    return scipy.sparse.csc_array(matrix[:3], shape=matrix.shape)


def topology_of(peer) -> mien.Topology:
    return mien.Topology.from_polygons(peer["faces"], len(peer["vertices"]))


def test_cotangents_equal_libigl(peer) -> None:
    expected = -matrix_of(peer, "cotmatrix")
    found = ours(mien.laplacian(topology_of(peer), peer["vertices"]))
    assert abs(found - expected).max() < 5e-15 * abs(expected).max()
    assert found.nnz == expected.nnz


def test_the_intrinsic_laplacian_equals_robust_laplacian(peer) -> None:
    expected = matrix_of(peer, "robust_laplacian_intrinsic_delaunay")
    topology = topology_of(peer)
    found = ours(mien.laplacian(topology, peer["vertices"], intrinsic=True))
    assert abs(found - expected).max() < 5e-15 * abs(expected).max()
    areas = mien.mass(topology, peer["vertices"], kind="barycentric", intrinsic=True).data
    assert np.abs(areas / peer["robust_mass"] - 1).max() < 2e-15


@pytest.mark.parametrize("kind", ["voronoi", "barycentric"])
def test_masses_equal_libigl(peer, kind) -> None:
    found = mien.mass(topology_of(peer), peer["vertices"], kind=kind).data
    assert np.abs(found / peer[f"mass_{kind}"] - 1).max() < 2e-15


def test_mean_curvature_normals_of_a_closed_mesh_sum_to_nothing(peer) -> None:
    topology = topology_of(peer)
    normals = ours(mien.laplacian(topology, peer["vertices"])) @ peer["vertices"]
    size = np.abs(normals).sum()
    assert np.abs(normals.sum(axis=0)).max() < 1e-14 * size


def test_float32_follows_to_the_rounding_of_its_input(peer) -> None:
    topology = topology_of(peer)
    fine, coarse = (mien.laplacian(topology, peer["vertices"].astype(t)).data for t in (np.float64, "f4"))
    assert np.abs(fine - coarse).max() < 1e-4 * np.abs(fine).max()
