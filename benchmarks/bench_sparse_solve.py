"""Solving with a factor that is there: 1 to 3000 right-hand sides, in float32 and to float64 accuracy.

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_sparse_solve.py

The matrix is the face's Laplacian with 60 handles as penalties. Peers get their preferred order and dtype outside the
clock: cholespy wants C order, CHOLMOD (scikit-sparse) Fortran order. A row's answer is held against the known solution.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
import scipy.sparse.linalg

import mien
import systems
from mien import _core

SINGLE, DOUBLE = 2e-4, 1e-9  # relative errors of the solution that rows must keep to


@functools.cache
def factors(size: str) -> tuple[mien.SparseFactor, mien.SparseFactor]:
    matrix, positions = systems.laplacian_of_a_face(size)
    return (
        mien.SparseFactor(matrix, positions, dtype=np.float32),
        mien.SparseFactor(matrix, positions, dtype=np.float64),
    )


@functools.cache
def cholespy_solvers(size: str) -> tuple[Any, Any] | None:
    if systems.optional("cholespy") is None:
        return None
    matrix = systems.laplacian_of_a_face(size)[0]
    return systems.cholespy_solver(matrix, True), systems.cholespy_solver(matrix, False)


@functools.cache
def cholmod_factors(size: str) -> tuple[Any, Any] | None:
    cholmod = systems.optional("sksparse.cholmod")
    if cholmod is None:
        return None
    matrix = sparse.csc_matrix(systems.laplacian_of_a_face(size)[0])
    return cholmod.cholesky(matrix, mode="simplicial"), cholmod.cholesky(matrix, mode="supernodal")


@functools.cache
def lu_factor(size: str) -> Any:
    return scipy.sparse.linalg.splu(sparse.csc_matrix(systems.laplacian_of_a_face(size)[0]))


def peers(size: str, rhs: np.ndarray) -> dict[str, Callable[[], np.ndarray] | None]:
    """Rows of other libraries for right-hand sides (V, K) float64."""
    rows: dict[str, Callable[[], np.ndarray] | None] = {}
    both = cholespy_solvers(size)
    if both is not None:
        single, out_single, out_double = (
            rhs.astype(np.float32),
            np.empty(rhs.shape, np.float32),
            np.empty(rhs.shape),
        )

        def run(solver: Any, values: np.ndarray, out: np.ndarray) -> np.ndarray:
            solver.solve(values, out)
            return out

        rows["cholespy float32"] = functools.partial(run, both[0], single, out_single)
        rows["cholespy float64"] = functools.partial(run, both[1], np.ascontiguousarray(rhs), out_double)
    cholmod = cholmod_factors(size)
    fortran = np.asfortranarray(rhs)
    if cholmod is not None:
        rows["CHOLMOD simplicial"] = functools.partial(cholmod[0], fortran)
        rows["CHOLMOD supernodal"] = functools.partial(cholmod[1], fortran)
    if rhs.shape[1] <= 30 and size in ("preview", "shot"):
        rows["SciPy SuperLU"] = functools.partial(lu_factor(size).solve, fortran)
    return rows


def clock() -> dict[str, Any]:
    """With one thread, time what this process does: other work on the machine then disturbs little."""
    return {"clock": time.process_time} if _core.thread_count() == 1 else {}


@pytest.mark.sizes("preview", "shot", "hero", "huge")
@pytest.mark.parametrize("columns", [1, 3, 30, 300, 3000])
def test_solve(compare: Any, quick: bool, size: str, columns: int) -> None:
    if columns == 3000 and (quick or size in ("hero", "huge")):
        pytest.skip("3000 right-hand sides: preview and shot only, not with --quick")
    if size == "huge" and columns not in (3, 30):
        pytest.skip("right-hand sides of many vertices: few, for memory")
    matrix, _ = systems.laplacian_of_a_face(size)
    x = np.random.default_rng(0).normal(size=(matrix.shape[0], columns))
    rhs = matrix @ x
    single, double = factors(size)
    rhs_single = rhs.astype(np.float32)
    out_single, out_double, out_refined = np.empty_like(rhs_single), np.empty_like(rhs), np.empty_like(rhs)
    rows: dict[str, Callable[[], np.ndarray] | None] = {
        "mien float32": lambda: single.solve(rhs_single, out=out_single),
        "mien float64": lambda: double.solve(rhs, out=out_double),
        "mien float32, refined": lambda: single.solve(rhs, refine=1, out=out_refined),
    }
    if columns % 3 == 0:
        frames = np.ascontiguousarray(rhs_single.reshape(-1, columns // 3, 3).transpose(1, 0, 2))
        out_frames = np.empty_like(frames)
        rows["mien float32 (F, V, 3)"] = lambda: single.solve(frames, out=out_frames)

    def check(name: str, answer: np.ndarray) -> None:
        found = answer.transpose(1, 0, 2).reshape(x.shape) if answer.ndim == 3 else answer.reshape(x.shape)
        loose = (name.startswith("mien float32") and "refined" not in name) or name == "cholespy float32"
        assert np.abs(found - x).max() <= (SINGLE if loose else DOUBLE) * np.abs(x).max(), name

    goals = {3: 0.6, 30: 0.2, 300: 0.15 if _core.thread_count() == 1 else 0.1, 3000: 0.1}
    goal = {"mien float32": goals[columns]} if columns in goals and size == "shot" else {}
    if columns in (30, 300, 3000) and size == "shot":
        goal["mien float64"] = 0.3
    compare(
        f"solve {columns}",
        rows | peers(size, rhs),
        size=size,
        check=check,
        goal=goal,
        rounds={300: 5, 3000: 3}.get(columns),
        work={"flops": 4.0 * single.nnz * columns, "bytes": 2.0 * rhs_single.nbytes},
        **clock(),
    )
