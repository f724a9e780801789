"""The Laplacian of a new frame: pattern kept and refilled, or built anew, against those who build it each time.

MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_laplacian.py
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import mien


def scipy_cotangent(positions: np.ndarray, triangles: np.ndarray) -> scipy.sparse.csc_array:
    """NumPy for the cotangents, SciPy for the assembly."""
    corners = positions[triangles]
    rows, columns, values = [], [], []
    for k in range(3):
        one, two = (k + 1) % 3, (k + 2) % 3
        a, b = corners[:, one] - corners[:, k], corners[:, two] - corners[:, k]
        half = 0.5 * np.einsum("tc,tc->t", a, b) / np.linalg.norm(np.cross(a, b), axis=1)
        i, j = triangles[:, one], triangles[:, two]
        rows += [i, j, i, j]
        columns += [j, i, i, j]
        values += [-half, -half, half, half]
    n = len(positions)
    parts = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return scipy.sparse.coo_array(parts, shape=(n, n)).tocsc()


def optional(name: str):
    try:
        return __import__(name)
    except ImportError:
        return None


def test_refill(compare, face, size) -> None:
    mesh = face(size)
    positions, triangles = mesh.positions, mesh.triangles
    single = positions.astype(np.float32)
    pattern = mien.LaplacianPattern(mesh.topology)
    out = pattern.refill(positions).data
    igl, potpourri3d, robust = map(optional, ("igl", "potpourri3d", "robust_laplacian"))
    wide = triangles.astype(np.int64)
    expected = scipy_cotangent(positions, triangles)
    size_of = abs(expected).max()

    def check(name: str, answer) -> None:
        if name == "robust_laplacian":  # flips edges first: another matrix
            return
        if isinstance(answer, mien.SparseMatrix):
            answer = scipy.sparse.csc_array(answer[:3], shape=answer.shape)
        if name == "libigl":
            answer = -answer
        bound = 1e-3 if "float32" in name else 1e-10
        assert abs(scipy.sparse.csc_array(answer) - expected).max() < bound * size_of, name

    compare(
        "cotangent refill",
        {
            "mien refill": lambda: pattern.refill(positions, out=out),
            "mien refill, float32": lambda: pattern.refill(single, out=out),
            "mien from nothing": lambda: mien.laplacian(mesh.topology, positions),
            "SciPy": lambda: scipy_cotangent(positions, triangles),
            "libigl": igl and (lambda: igl.cotmatrix(positions, wide)),
            "potpourri3d": potpourri3d and (lambda: potpourri3d.cotan_laplacian(positions, triangles)),
            "robust_laplacian": robust and (lambda: robust.mesh_laplacian(positions, triangles)[0]),
        },
        size=size,
        check=check,
        goal=0.06,
        work={"bytes": positions.nbytes + triangles.nbytes + out.nbytes},
    )


@pytest.mark.sizes("preview", "shot")
def test_intrinsic(compare, face, size) -> None:
    mesh = face(size)
    robust = pytest.importorskip("robust_laplacian")

    def check(name: str, answer) -> None:
        if isinstance(answer, mien.SparseMatrix):
            answer = scipy.sparse.csc_array(answer[:3], shape=answer.shape)
        assert abs(answer.sum(axis=0)).max() < 1e-6 * abs(answer).max()
        assert (answer - scipy.sparse.diags_array(answer.diagonal())).max() < 1e-6

    compare(
        "intrinsic Delaunay Laplacian",
        {
            "mien": lambda: mien.laplacian(mesh.topology, mesh.positions, intrinsic=True),
            "robust_laplacian": lambda: robust.mesh_laplacian(
                mesh.positions, mesh.triangles, mollify_factor=0.0
            )[0],
        },
        size=size,
        check=check,
    )
