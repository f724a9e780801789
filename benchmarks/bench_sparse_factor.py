"""What does it cost to factor a face's Laplacian, and to factor it again with other numbers?

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_sparse_factor.py

`extra_info["setup"]` says what each order of elimination fills in, and how much of the time goes to order and pattern:
"mien, pattern kept" does the numbers alone.

Every factor has to solve its system. CHOLMOD (scikit-sparse, and inside cholespy) is only a fair peer when the system's
libblas is an optimised one (Debian's libopenblas0-pthread, not libblas3): without, it takes 1.5 times as long.
"""

from __future__ import annotations

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

Solve = Callable[[np.ndarray], np.ndarray]


def clock() -> dict[str, Any]:
    """With one thread, time what this process does: other work on the machine then disturbs little."""
    return {"clock": time.process_time} if _core.thread_count() == 1 else {}


def fill(matrix: Any, positions: np.ndarray) -> dict[str, dict[str, float]]:
    """Return entries of L and operations, by order of elimination."""
    out = {}
    for ordering in ("auto", "surface", "amd", "geometric"):
        factor = mien.SparseFactor(matrix, positions, ordering=ordering)
        out[ordering] = {"nnz": factor.nnz, "stored": factor.nnz_stored, "flops": factor.flops}
    return out


def checker(matrix: Any) -> Callable[[str, Solve], None]:
    rhs = np.random.default_rng(1).normal(size=matrix.shape[0])

    def check(name: str, solve: Solve) -> None:
        x = solve(rhs)
        scale = np.abs(matrix).sum(axis=0).max() * np.abs(x).max()
        assert np.abs(matrix @ x - rhs).max() <= (1e-6 if "float32" in name else 1e-12) * scale, name

    return check


@pytest.mark.sizes("preview", "shot", "hero", "huge")
def test_order_and_factor(compare: Any, benchmark: Any, size: str) -> None:
    matrix, positions = systems.laplacian_of_a_face(size)
    old = sparse.csc_matrix(matrix)
    kept = mien.SparseFactor(matrix)
    rows: dict[str, Callable[[], Solve] | None] = {
        "mien": lambda: mien.SparseFactor(matrix).solve,
        "mien, float32": lambda: mien.SparseFactor(matrix, dtype=np.float32).solve,
        "mien, pattern kept": lambda: mien.SparseFactor(matrix, pattern=kept).solve,
        "mien, amd": lambda: mien.SparseFactor(matrix, ordering="amd").solve,
        "mien, geometric": lambda: mien.SparseFactor(matrix, positions, ordering="geometric").solve,
    }
    if cholmod := systems.optional("sksparse.cholmod"):
        rows["CHOLMOD supernodal"] = lambda: cholmod.cholesky(old, mode="supernodal")
    if systems.optional("igl"):
        rows["libigl (Eigen SimplicialLLT)"] = lambda: systems.eigen_solver(matrix)
    if size in ("preview", "shot"):
        rows["SciPy SuperLU"] = lambda: scipy.sparse.linalg.splu(old).solve
        if systems.optional("cholespy"):

            def cholespy() -> Solve:
                solver = systems.cholespy_solver(matrix, False)

                def solve(rhs: np.ndarray) -> np.ndarray:
                    x = np.empty_like(rhs)
                    solver.solve(rhs, x)
                    return x

                return solve

            rows["cholespy"] = cholespy
    goals = {"shot": 0.5, "hero": 0.4, "huge": 0.35}
    times = compare(
        "order and factor",
        rows,
        size=size,
        check=checker(matrix),
        goal=goals.get(size),
        rounds={"hero": 5, "huge": 3}.get(size),
        work={"flops": kept.flops},
        **clock(),
    )
    numbers, whole = times["mien, pattern kept"].min, times["mien"].min
    benchmark.extra_info["setup"] = {
        "order and pattern": whole - numbers,
        "numbers": numbers,
        "fill": fill(matrix, positions),
    }


@pytest.mark.sizes("preview", "shot", "hero", "huge")
def test_factor_again(compare: Any, size: str) -> None:
    """Against whole factorisations of the peers, as the goal has it."""
    matrix, _ = systems.laplacian_of_a_face(size)
    old = sparse.csc_matrix(matrix)
    kept = {dtype: mien.SparseFactor(matrix, dtype=dtype) for dtype in (np.float64, np.float32)}

    def again(dtype: Any) -> Solve:
        kept[dtype].refactor(matrix)
        return kept[dtype].solve

    rows: dict[str, Callable[[], Solve] | None] = {
        "mien": lambda: again(np.float64),
        "mien, float32": lambda: again(np.float32),
    }
    if cholmod := systems.optional("sksparse.cholmod"):
        rows["CHOLMOD supernodal"] = lambda: cholmod.cholesky(old, mode="supernodal")
    if systems.optional("igl"):
        rows["libigl (Eigen SimplicialLLT)"] = lambda: systems.eigen_solver(matrix)
    compare(
        "factor again",
        rows,
        size=size,
        check=checker(matrix),
        goal=0.15 if size != "preview" else None,
        rounds={"hero": 5, "huge": 3}.get(size),
        work={"flops": kept[np.float64].flops},
        **clock(),
    )
