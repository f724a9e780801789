"""What does it cost to factor a Laplacian, and to factor it again, beside CHOLMOD and SuperLU?

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_sparse_factor.py

Rows run in turn inside one process, the least of all rounds counts, and every factor has to solve its system.
Peers that are not installed are left out: cholespy and scikit-sparse, both CHOLMOD. The latter is only a fair peer
when the system's libblas is an optimised one (libopenblas0, not libblas3): without, it takes 1.5 times as long.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg
from scipy.spatial import Delaunay

import mien
from mien import _core


def face_like(n_vertices: int) -> tuple[sparse.csc_array, np.ndarray]:
    """A curved sheet of irregular triangles with three openings: cotangent Laplacian with 60 soft handles."""
    rng = np.random.default_rng(0)
    side = int(np.sqrt(n_vertices * 1.43))
    flat = np.stack(np.meshgrid(*[np.linspace(-1, 1, side)] * 2), -1).reshape(-1, 2)
    flat = flat[np.lexsort((flat[:, 0], flat[:, 1]))] + rng.uniform(-0.7, 0.7, flat.shape) / side
    keep = (flat**2).sum(axis=1) < 1
    for centre, radius in (
        ((-0.35, 0.3), (0.16, 0.09)),
        ((0.35, 0.3), (0.16, 0.09)),
        ((0, -0.4), (0.25, 0.06)),
    ):
        keep &= (((flat - centre) / radius) ** 2).sum(axis=1) > 1
    flat = flat[keep]
    corners = Delaunay(flat).simplices
    longest = np.linalg.norm(flat[corners] - np.roll(flat[corners], 1, axis=1), axis=2).max(axis=1)
    used, corners = np.unique(corners[longest < 8 / side], return_inverse=True)
    flat, corners = flat[used], corners.reshape(-1, 3)
    points = np.column_stack([flat * [7, 10], 7 * np.sqrt(1.2 - (flat**2).sum(axis=1))])
    rows, columns, values = [], [], []
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        u, v = points[corners[:, a]] - points[corners[:, c]], points[corners[:, b]] - points[corners[:, c]]
        half = (u * v).sum(axis=1) / np.linalg.norm(np.cross(u, v), axis=1) / 2
        i, j = corners[:, a], corners[:, b]
        rows += [i, j, i, j]
        columns += [j, i, i, j]
        values += [-half, -half, half, half]
    place = np.concatenate(rows), np.concatenate(columns)
    matrix = sparse.coo_array((np.concatenate(values), place), shape=(len(points),) * 2).tocsc()
    handles = np.full(len(points), 1e-9)
    handles[rng.choice(len(points), 60, replace=False)] = 1
    return sparse.csc_array(matrix + sparse.diags_array(handles)), points


def optional(name: str) -> Any:
    """Return a peer's module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def rows_for(matrix: sparse.csc_array, points: np.ndarray, rhs: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return what is timed: each row gives a function that solves."""
    kept = mien.SparseFactor(matrix)

    def again() -> Callable[[np.ndarray], Any]:
        kept.refactor(matrix)
        return kept.solve

    rows: dict[str, Callable[[], Any]] = {
        "mien, amd": lambda: mien.SparseFactor(matrix).solve,
        "mien, geometric": lambda: mien.SparseFactor(matrix, points, ordering="geometric").solve,
        "mien, refactor": again,
    }
    if matrix.shape[0] < 60_000:
        rows["scipy splu"] = lambda: scipy.sparse.linalg.splu(matrix).solve
    if cholespy := optional("cholespy"):

        def cholespy_factor() -> Callable[[np.ndarray], Any]:
            solver = cholespy.CholeskySolverD(
                matrix.shape[0], matrix.indptr, matrix.indices, matrix.data, cholespy.MatrixType.CSC
            )

            def solve(b: np.ndarray) -> np.ndarray:
                x = np.zeros_like(b)
                solver.solve(b, x)
                return x

            return solve

        rows["cholespy"] = cholespy_factor
    if cholmod := optional("sksparse.cholmod"):
        old = sparse.csc_matrix(matrix)
        symbolic = cholmod.analyze(old, mode="supernodal")
        rows["CHOLMOD supernodal"] = lambda: cholmod.cholesky(old, mode="supernodal")
        rows["CHOLMOD numeric"] = lambda: symbolic.cholesky(old)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vertices", type=int, nargs="+", default=[5000, 27000, 100000])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{_core.instruction_set()}, {_core.thread_count()} threads")
    for n_vertices in arguments.vertices:
        matrix, points = face_like(n_vertices)
        rhs = np.random.default_rng(1).normal(size=matrix.shape[0])
        rows = rows_for(matrix, points, rhs)
        best = dict.fromkeys(rows, np.inf)
        for _ in range(arguments.rounds):
            for name, row in rows.items():
                started = time.process_time()
                solve = row()
                best[name] = min(best[name], time.process_time() - started)
                assert np.abs(matrix @ solve(rhs) - rhs).max() < 1e-8, name
        peers = [seconds for name, seconds in best.items() if "mien" not in name and "numeric" not in name]
        print(f"\n{matrix.shape[0]} vertices, {mien.SparseFactor(matrix)}")
        for name, seconds in best.items():
            print(
                f"{name:<20} {seconds * 1e3:9.2f} ms   ratio to the best whole peer {seconds / min(peers):6.3f}"
            )


if __name__ == "__main__":
    main()
