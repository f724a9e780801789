"""A take deformed by handles: response matrix, block solves, one frame under the mouse; against peers that solve.

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_laplacian_deformer.py

Peers get their factorisation, and right-hand sides in the layout they like best, outside the clock.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import mien

FRAMES = 96  # divisible by 32


class Problem(NamedTuple):
    """Frames that follow handles, and the system of the vertices that are free."""

    rest: np.ndarray
    handles: np.ndarray
    targets: np.ndarray
    free: np.ndarray
    matrix: scipy.sparse.csc_array
    coupling: scipy.sparse.csr_array


def problem(mesh: Any, count: int, frames: int) -> Problem:
    rest = mesh.positions.astype(np.float32)
    handles = mesh.handles(count)
    rng = np.random.default_rng(1)
    targets = (rest[handles] + rng.normal(0, 0.3, (frames, len(handles), 3))).astype(np.float32)
    laplacian = mien.laplacian(mesh.topology, rest)
    matrix = scipy.sparse.csr_array(scipy.sparse.csc_array(laplacian[:3], shape=laplacian.shape))
    used = np.diff(laplacian.indptr) > 1
    used[handles] = False
    free = np.flatnonzero(used)
    return Problem(
        rest, handles, targets, free, matrix[free][:, free].tocsc(), -matrix[free][:, handles].tocsr()
    )


def cholespy_rows(given: Problem, batch: int) -> Any:
    """CHOLMOD through cholespy, `batch` frames at once, right-hand sides and result assembled by NumPy."""
    cholespy = pytest.importorskip("cholespy")
    coo = scipy.sparse.coo_array(given.matrix)
    solver = cholespy.CholeskySolverF(
        len(given.free), coo.row.astype(np.int32), coo.col.astype(np.int32), coo.data, cholespy.MatrixType.COO
    )

    def run() -> np.ndarray:
        out = np.empty((len(given.targets), *given.rest.shape), np.float32)
        for f in range(0, len(out), batch):
            targets = given.targets[f : f + batch]
            moves = (targets - given.rest[given.handles]).transpose(1, 0, 2).reshape(len(given.handles), -1)
            rhs = np.ascontiguousarray(given.coupling @ moves, dtype=np.float32)
            x = np.empty_like(rhs)
            solver.solve(rhs, x)
            out[f : f + batch] = given.rest
            out[f : f + batch, given.free] += x.reshape(len(x), -1, 3).transpose(1, 0, 2)
            out[f : f + batch, given.handles] = targets
        return out

    return run


def close_to(given: Problem) -> Any:
    """A check of the first and the last frame against SuperLU in float64."""
    factor = scipy.sparse.linalg.splu(given.matrix)
    wanted = {}
    for f in (0, -1):
        moves = given.targets[f].astype(np.float64) - given.rest[given.handles]
        wanted[f] = given.rest.astype(np.float64)
        wanted[f][given.handles] = given.targets[f]
        wanted[f][given.free] += factor.solve(given.coupling @ moves)

    def check(name: str, answer: np.ndarray) -> None:
        for f, expected in wanted.items():
            frame = answer if answer.ndim == 2 else answer[f]
            assert np.abs(frame - expected).max() < 1e-4, name

    return check


@pytest.mark.sizes("preview", "shot", "hero")
@pytest.mark.parametrize("count", [60, 600])
def test_sequence(compare, face, size, quick, count) -> None:
    """A whole take from handle targets; 60 handles respond, 600 are solved for."""
    mesh = face(size)
    given = problem(mesh, count, 32 if quick else FRAMES)
    rows: dict[str, Any] = {}
    for method in ("response", "solve"):
        deformer = mien.LaplacianDeformer(mesh.topology, given.rest, given.handles, method=method)
        out = np.empty((len(given.targets), *given.rest.shape), np.float32)
        rows[f"mien {method}"] = lambda d=deformer, o=out: d.solve(given.targets, out=o)
    chosen = mien.LaplacianDeformer(mesh.topology, given.rest, given.handles).method
    rows = {f"mien {chosen}": rows[f"mien {chosen}"], **rows}
    rows["cholespy, 32 frames at once"] = cholespy_rows(given, 32)
    rows["cholespy, frame by frame"] = cholespy_rows(given, 1)
    frames, n = len(given.targets), len(given.rest)
    few = 0.045 if mien._core.thread_count() == 1 else 0.028
    compare(
        f"sequence Laplacian, {count} hard handles",
        rows,
        size=size,
        check=close_to(given),
        goal={"mien response": few} if count == 60 else {"mien solve": 0.15},
        rounds=3 if size == "hero" else None,
        work={"flops": 6.0 * n * count * frames, "bytes": 24.0 * n * frames},
    )


@pytest.mark.sizes("preview", "shot", "hero")
@pytest.mark.parametrize("kind", ["laplacian", "bilaplacian"])
def test_drag(compare, face, size, kind) -> None:
    """One frame under the mouse: a handle and anchors, factored before; linear and with local rotations."""
    mesh = face(size)
    given = problem(mesh, 60, 1)
    rows: dict[str, Any] = {}
    for name, options in {
        "mien drag": {},
        "mien drag by solve": {"method": "solve"},
        "mien drag, 1 rotation pass": {"rotation_passes": 1},
    }.items():
        deformer = mien.LaplacianDeformer(mesh.topology, given.rest, given.handles, kind=kind, **options)
        rows[name] = lambda d=deformer: d.solve(given.targets[0])
    if kind == "laplacian":
        peer = cholespy_rows(given, 1)
        rows["cholespy"] = lambda: peer()[0]
    check = close_to(given)
    compare(
        f"single drag, {kind}",
        rows,
        size=size,
        check=lambda name, out: check(name, out) if kind == "laplacian" and "rotation" not in name else None,
    )
