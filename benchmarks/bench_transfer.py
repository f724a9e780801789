"""A take carried to another face by its deformation gradients: per frame, against sparse products and cholespy.

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_transfer.py

Peers get their factorisation, the gradient operators in float32, and a layout they like outside the clock: SciPy's
sparse matrices make the gradients of 16 frames at once and the right-hand sides from them, cholespy solves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import mien

FRAMES = 64


def stretched(rest: np.ndarray) -> np.ndarray:
    """Return another person: wider, shorter and with another nose."""
    low, high = rest.min(axis=0), rest.max(axis=0)
    unit = (rest - low) / (high - low)
    bump = np.exp(-(((unit - [0.5, 0.5, 1.0]) / 0.2) ** 2).sum(axis=1))
    return np.asarray(rest * [1.1, 0.93, 1.04] + bump[:, None] * [0.0, 0.2, 0.8])


def acted(rest: np.ndarray, frames: int) -> np.ndarray:
    """Return smooth expressions, some centimetres large."""
    middle, width = rest.mean(axis=0), np.ptp(rest, axis=0).max()
    phase = np.arange(frames)[:, None] / frames * 2 * np.pi
    wave = np.sin((rest - middle) @ np.array([0.7, 1.1, 0.4]) * 4 / width + phase)
    return np.asarray(rest + 0.03 * width * wave[..., None] * np.array([0.3, 0.5, 0.8]))


def operator(rest: np.ndarray, triangles: np.ndarray) -> tuple[scipy.sparse.csr_array, np.ndarray]:
    """Return the map from positions (V, 3) to gradients of edges and normal (3 T, 3), less the normal's part of it.

    The normal's part is the second result, (T, 3): what the third row of the inverse is.
    """
    v0, v1, v2 = (rest[triangles[:, i]] for i in range(3))
    normal = np.cross(v1 - v0, v2 - v0)
    normal /= np.sqrt(np.linalg.norm(normal, axis=1))[:, None]
    inverse = np.linalg.inv(np.stack([v1 - v0, v2 - v0, normal], axis=2))
    weights = np.stack([-inverse[:, 0] - inverse[:, 1], inverse[:, 0], inverse[:, 1]], axis=1)  # corner, axis
    rows = np.repeat(np.arange(3 * len(triangles)).reshape(-1, 1, 3), 3, axis=1)
    columns = np.repeat(triangles[:, :, None], 3, axis=2)
    shape = (3 * len(triangles), len(rest))
    matrix = scipy.sparse.csr_array((weights.ravel(), (rows.ravel(), columns.ravel())), shape=shape)
    return matrix, inverse[:, 2]


def composed(mesh: Any, target: np.ndarray, anchors: np.ndarray, take: np.ndarray, batch: int) -> Any:
    """Gradients by a sparse product, normals by NumPy, the adjoint product, and CHOLMOD through cholespy."""
    cholespy = pytest.importorskip("cholespy")
    triangles, rest = mesh.triangles, mesh.positions
    gradient, third = operator(rest, triangles)
    adjoint, _ = operator(target, triangles)
    area = np.linalg.norm(
        np.cross(*(target[triangles[:, i]] - target[triangles[:, 0]] for i in (1, 2))), axis=1
    )
    adjoint = (adjoint.T @ scipy.sparse.diags_array(np.repeat(area / 2, 3))).tocsr()
    laplacian = mien.laplacian(mesh.topology, target)
    matrix = scipy.sparse.csr_array(scipy.sparse.csc_array(laplacian[:3], shape=laplacian.shape))
    free = np.setdiff1d(np.flatnonzero(np.diff(laplacian.indptr) > 1), anchors)
    # For displacements of both faces: the rest of the source gives the identity, so its gradient is subtracted.
    gradient32, third32 = gradient.astype(np.float32), third.astype(np.float32)
    adjoint32 = adjoint[free].astype(np.float32)
    coo = scipy.sparse.coo_array(matrix[free][:, free])
    solver = cholespy.CholeskySolverF(
        len(free), coo.row.astype(np.int32), coo.col.astype(np.int32), coo.data, cholespy.MatrixType.COO
    )
    rest32, target32 = rest.astype(np.float32), target.astype(np.float32)
    edges = scipy.sparse.vstack(
        [_differences(triangles, 1, len(rest)), _differences(triangles, 2, len(rest))]
    )
    normal = _normals((edges @ rest32).reshape(2, len(triangles), 3, 1))

    def run() -> np.ndarray:
        out = np.empty((len(take), *target.shape), np.float32)
        for f in range(0, len(take), batch):
            columns = np.ascontiguousarray(take[f : f + batch].transpose(1, 2, 0))  # (V, 3, n)
            up = _normals((edges @ columns.reshape(len(rest), -1)).reshape(2, len(triangles), 3, -1)) - normal
            columns -= rest32[:, :, None]
            rows = (gradient32 @ columns.reshape(len(rest), -1)).reshape(len(triangles), 3, -1)
            rows += third32[:, :, None] * up.reshape(len(triangles), 1, -1)
            rhs = adjoint32 @ rows.reshape(3 * len(triangles), -1)
            x = np.empty_like(rhs)
            solver.solve(rhs, x)
            out[f : f + batch] = target32
            out[f : f + batch, free] += x.reshape(len(free), 3, -1).transpose(2, 0, 1)
        return out

    return run


def _differences(triangles: np.ndarray, corner: int, n_vertices: int) -> scipy.sparse.csr_array:
    """Return the map from positions to each triangle's edge from its first corner to another."""
    rows = np.repeat(np.arange(len(triangles)), 2)
    values = np.tile(np.array([-1, 1], np.float32), len(triangles))
    shape = (len(triangles), n_vertices)
    return scipy.sparse.csr_array((values, (rows, triangles[:, [0, corner]].ravel())), shape=shape)


def _normals(edges: np.ndarray) -> np.ndarray:
    """Return (T, 3, n) normals over the root of their lengths from edges (2, T, 3, n)."""
    a, b = edges
    out = np.empty_like(a)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[:, i] = a[:, j] * b[:, k] - a[:, k] * b[:, j]
    squares = out[:, 0] ** 2 + out[:, 1] ** 2 + out[:, 2] ** 2
    out /= np.sqrt(np.sqrt(np.maximum(squares, 1e-30)))[:, None]
    return out


@pytest.mark.sizes("preview", "shot", "hero")
def test_frame(compare, face, size, quick) -> None:
    """Sixty-four frames carried to a wider face whose back is held."""
    mesh, frames = face(size), 16 if quick else FRAMES
    target = stretched(mesh.positions)
    anchors = mesh.handles(60)
    take = acted(mesh.positions, frames)
    exact = mien.retarget.DeformationTransfer(
        mesh.topology, mesh.positions, mesh.topology, target, anchors=anchors
    )
    wanted = exact(take[:1])[0]
    rows: dict[str, Any] = {}
    for dtype in (np.float32, np.float64):
        transfer = mien.retarget.DeformationTransfer(
            mesh.topology, mesh.positions, mesh.topology, target, anchors=anchors, dtype=dtype
        )
        given = take.astype(dtype)
        rows[f"mien {np.dtype(dtype)}"] = lambda t=transfer, x=given: t(x)
    take32 = take.astype(np.float32)
    rows["SciPy + cholespy, 16 frames at once"] = composed(mesh, target, anchors, take32, 16)
    largest = np.abs(wanted - target).max()

    def check(name: str, answer: np.ndarray) -> None:
        assert np.abs(answer[0] - wanted).max() < 2e-3 * largest, name

    compare(
        "deformation transfer",
        rows,
        size=size,
        check=check,
        goal={"mien float32": 0.25},
        rounds=3 if size == "hero" else 5,
        parts=dict.fromkeys(rows, frames),
    )
