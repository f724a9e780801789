"""Sparse systems to measure on, and the libraries that factor them."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sparse

import faces

__all__ = ["cholespy_solver", "eigen_solver", "laplacian_of_a_face", "optional"]


@functools.cache
def laplacian_of_a_face(size: str) -> tuple[Any, np.ndarray]:
    """Return a face's cotangent Laplacian with 60 handles as penalties, (V, V), and its vertices (V, 3).

    Cotangents are kept above 1e-3, so that the matrix is positive definite whatever the triangles are like.
    """
    mesh = faces.face(size)
    t = mesh.triangles
    n = len(mesh.positions)
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    corners = mesh.positions[t]
    weights = []
    for k in range(3):  # the cotangent at the corner across from each edge
        a, b = corners[:, k] - corners[:, k - 1], corners[:, (k + 1) % 3] - corners[:, k - 1]
        area = np.linalg.norm(np.cross(a, b), axis=1)
        weights.append(np.einsum("ij,ij->i", a, b) / np.maximum(area, 1e-9 * area.max()) / 2)
    half = sparse.coo_array((-np.maximum(np.concatenate(weights), 1e-3), edges.T), shape=(n, n))
    off = (half + half.T).tocsc()
    held = np.zeros(n)
    held[mesh.handles(60)] = 10.0
    return sparse.csc_array(off + sparse.diags_array(held - off.sum(axis=1))), mesh.positions


def optional(name: str) -> Any:
    """Return a peer's module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def cholespy_solver(matrix: Any, single: bool) -> Any:
    """Return cholespy's solver, CHOLMOD's simplicial code inside; made by what `optional` found."""
    cholespy = optional("cholespy")
    coo = matrix.tocoo()
    rows, columns = coo.row.astype(np.int32), coo.col.astype(np.int32)
    kind = cholespy.CholeskySolverF if single else cholespy.CholeskySolverD
    return kind(matrix.shape[0], rows, columns, coo.data, cholespy.MatrixType.COO)


def eigen_solver(matrix: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return Eigen's SimplicialLLT by way of libigl's quadratic minimisation without constraints."""
    igl = optional("igl")
    data = igl.min_quad_with_fixed_data()
    none = sparse.csc_matrix((0, matrix.shape[0]))
    igl.min_quad_with_fixed_precompute(sparse.csc_matrix(matrix), np.zeros(0, np.int64), none, True, data)

    def solve(rhs: np.ndarray) -> np.ndarray:
        columns = np.asfortranarray(-rhs.reshape(len(rhs), -1))
        empty = np.zeros((0, columns.shape[1]))
        return igl.min_quad_with_fixed_solve(data, columns, empty, empty).reshape(rhs.shape)

    return solve
