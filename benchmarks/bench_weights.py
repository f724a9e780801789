"""Weights between bounds, a frame at a time from the frame before: against daqp, the fastest of the peers.

    MIEN_NUM_THREADS=1 pytest benchmarks/bench_weights.py

The systems are normal equations of shapes that overlap, as a face's do: 50 with a condition number of 650, 150 with one
of 32,000. All must reach the same minimum, to 1e-9 of itself. daqp has one workspace for all frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mien

FRAMES = 200
GOALS = {50: 0.35, 150: 0.25}
MIXED = {50: 0.933, 150: 0.9916}  # how far neighbouring shapes are alike: gives the condition numbers


def system(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return G (K, K) and b (F, K): weights that go from 0 to 1 and beyond, smooth in time, and noise."""
    rng = np.random.default_rng(k)
    alike = MIXED[k] ** np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    shapes = rng.normal(0, 1, (3000, k)) @ np.linalg.cholesky(alike).T
    phase, pace = rng.uniform(0, 2 * np.pi, k), rng.uniform(0.02, 0.2, k)
    wanted = 0.35 + 0.75 * np.sin(phase + pace * np.arange(FRAMES)[:, None])
    seen = wanted @ shapes.T + rng.normal(0, 0.1, (FRAMES, len(shapes)))
    return shapes.T @ shapes, seen @ shapes


def energies(gram: np.ndarray, rhs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 0.5 * np.einsum("fi,ij,fj->f", weights, gram, weights) - np.sum(rhs * weights, axis=1)


def by_daqp(gram: np.ndarray, rhs: np.ndarray, *, warm: bool) -> Any:
    """One workspace for all frames, which only get a new b; the set of active bounds stays, or begins empty again."""
    daqp = pytest.importorskip("daqp")
    none, high, low = np.empty((0, len(gram))), np.ones(len(gram)), np.zeros(len(gram))
    sense = np.zeros(len(gram), np.int32)

    def run() -> np.ndarray:
        model, out = daqp.Model(), np.empty_like(rhs)
        model.setup(gram, -rhs[0], none, high, low, sense)
        model.settings = {"primal_tol": 1e-10}
        for f, b in enumerate(rhs):
            model.update(f=-b, **({} if warm else {"sense": sense}))
            out[f], _, flag, _ = model.solve()
            assert flag == 1
        return out

    return run


@pytest.mark.parametrize("k", [50, 150])
def test_bounded_weights(compare: Any, k: int) -> None:
    gram, rhs = system(k)
    least = energies(gram, rhs, mien.bounded_least_squares(gram, rhs).weights)

    def check(name: str, answer: Any) -> None:
        weights = answer.weights if isinstance(answer, mien.BoundedFit) else answer
        assert weights.min() >= -1e-9, name
        assert weights.max() <= 1 + 1e-9, name
        assert np.abs(energies(gram, rhs, weights) / least - 1).max() < 1e-9, name

    rows = {
        "mien": lambda: mien.bounded_least_squares(gram, rhs),
        "daqp, warm": by_daqp(gram, rhs, warm=True),
        "daqp": by_daqp(gram, rhs, warm=False),
    }
    compare(f"bounded weights, K = {k}", rows, frames=FRAMES, check=check, goal=GOALS[k])
