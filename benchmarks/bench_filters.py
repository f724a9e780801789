"""Smoothing a take in time: the Numba kernels against SciPy and against NumPy.

MIEN_NUM_THREADS=1 pytest benchmarks/bench_filters.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import savgol_filter

import mien

FRAMES = {"preview": 200, "shot": 100}


def noisy(positions: np.ndarray, n_frames: int) -> np.ndarray:
    """Return a take of a face that walks at random, float32, with a jump in the middle."""
    rng = np.random.default_rng(0)
    path = np.cumsum(rng.normal(0, 0.02, (n_frames, 1, 3)), axis=0)
    path[n_frames // 2 :] += 2.0
    return (positions + path + rng.normal(0, 0.01, (n_frames, *positions.shape))).astype(np.float32)


def numpy_bilateral(take: np.ndarray, sigma_frames: float, sigma_distance: float) -> np.ndarray:
    """Every pair of frames once, whole takes at a time."""
    sums, total = np.zeros_like(take), np.ones(take.shape[:2], take.dtype)
    for k in range(1, min(int(np.ceil(3 * sigma_frames)), len(take) - 1) + 1):
        step = take[k:] - take[:-k]
        squares = np.einsum("fvi,fvi->fv", step, step) / (2 * sigma_distance**2)
        weight = np.exp(-0.5 * (k / sigma_frames) ** 2 - squares).astype(take.dtype)
        moved = weight[..., None] * step
        sums[:-k] += moved
        sums[k:] -= moved
        total[:-k] += weight
        total[k:] += weight
    return take + sums / total[..., None]


@pytest.mark.sizes("preview", "shot")
def test_savitzky_golay(compare: Any, face: Any, size: str) -> None:
    take = noisy(face(size).positions, FRAMES[size])
    out = np.zeros_like(take)
    exact = savgol_filter(take.astype(np.float64), 7, 2, axis=0, mode="interp")

    def check(name: str, answer: np.ndarray) -> None:
        assert np.abs(answer - exact).max() < 3e-5, name

    rows = {
        "mien numba": lambda: mien.savitzky_golay(take, 7, 2, out=out),
        "scipy": lambda: savgol_filter(take, 7, 2, axis=0, mode="interp"),
    }
    compare(
        "Savitzky-Golay, 7 frames", rows, size=size, check=check, rounds=5, work={"bytes": 2 * take.nbytes}
    )


@pytest.mark.sizes("preview", "shot")
def test_bilateral(compare: Any, face: Any, size: str) -> None:
    take = noisy(face(size).positions, FRAMES[size])
    out = np.zeros_like(take)
    exact = numpy_bilateral(take.astype(np.float64), 2.0, 0.05)

    def check(name: str, answer: np.ndarray) -> None:
        assert np.abs(answer - exact).max() < 3e-5, name

    rows = {
        "mien numba": lambda: mien.bilateral(take, 2.0, 0.05, out=out),
        "numpy": lambda: numpy_bilateral(take, 2.0, 0.05),
    }
    compare("bilateral in time, 13 frames", rows, size=size, check=check, rounds=3)
