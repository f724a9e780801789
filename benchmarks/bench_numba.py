"""Kernels in Numba against NumPy: blends, other times, quantiles over frames, robust weights.

MIEN_NUM_THREADS=1 pytest benchmarks/bench_numba.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mien
from bench_filters import FRAMES, noisy


def close(wanted: np.ndarray, bound: float) -> Any:
    def check(name: str, answer: np.ndarray) -> None:
        assert np.abs(answer - wanted).max() < bound, name

    return check


@pytest.mark.sizes("preview", "shot")
def test_blend(compare: Any, face: Any, size: str) -> None:
    take = noisy(face(size).positions, FRAMES[size])
    rng = np.random.default_rng(1)
    goal, out = take[::-1].copy(), np.zeros_like(take)
    region = np.clip(rng.normal(0.3, 0.5, take.shape[1]), 0, 1).astype(np.float32)
    envelope = np.linspace(0, 1, len(take), dtype=np.float32)

    def by_numpy() -> np.ndarray:
        return take + (envelope[:, None] * region)[:, :, None] * (goal - take)

    rows = {"mien numba": lambda: mien.blend(take, goal, region, envelope, out=out), "numpy": by_numpy}
    work = {"bytes": 3 * take.nbytes}
    compare("masked blend", rows, size=size, check=close(by_numpy(), 1e-4), rounds=5, work=work)


@pytest.mark.sizes("preview", "shot")
def test_resample(compare: Any, face: Any, size: str) -> None:
    take = noisy(face(size).positions, FRAMES[size])
    times, out = np.linspace(0, len(take) - 1, len(take)), np.zeros_like(take)
    times[1:-1] += 0.37
    times = times.clip(0, len(take) - 1)
    first = np.minimum(times.astype(np.int64), len(take) - 2)
    share = (times - first).astype(np.float32)[:, None, None]

    def by_numpy() -> np.ndarray:
        return take[first] + share * (take[first + 1] - take[first])

    rows = {
        "mien numba": lambda: mien.resample(take, times, interpolation="linear", out=out),
        "numpy": by_numpy,
    }
    compare("resample, linear", rows, size=size, check=close(by_numpy(), 1e-4), rounds=5)


@pytest.mark.sizes("preview", "shot")
def test_median(compare: Any, face: Any, size: str) -> None:
    values = noisy(face(size).positions, FRAMES[size])[:, :, 0].copy()
    holes = values.copy()
    holes[np.random.default_rng(2).random(values.shape) < 0.05] = np.nan
    rows = {
        "mien numba": lambda: mien.vertex_quantiles(values, 0.5),
        "numpy": lambda: np.median(values, axis=0),
    }
    compare("median over frames", rows, size=size, check=close(np.median(values, axis=0), 1e-4), rounds=5)


@pytest.mark.sizes("preview", "shot")
def test_median_with_holes(compare: Any, face: Any, size: str) -> None:
    values = noisy(face(size).positions, FRAMES[size])[:, :, 0].copy()
    values[np.random.default_rng(2).random(values.shape) < 0.05] = np.nan
    wanted = np.nanmedian(values.astype(np.float64), axis=0)
    rows = {
        "mien numba": lambda: mien.vertex_quantiles(values, 0.5),
        "numpy": lambda: np.nanmedian(values, axis=0),
    }
    compare("median over frames, 5 % missing", rows, size=size, check=close(wanted, 1e-4), rounds=3)


@pytest.mark.sizes("preview", "shot")
def test_robust_weights(compare: Any, face: Any, size: str) -> None:
    distances = np.abs(np.random.default_rng(0).normal(0, 1, (FRAMES[size], len(face(size).positions))))

    def by_numpy() -> np.ndarray:
        return 1 / (1 + (distances / 0.7) ** 2) ** 2

    rows = {"mien numba": lambda: mien.robust_weights(distances, 0.7), "numpy": by_numpy}
    compare("robust weights", rows, size=size, check=close(by_numpy(), 1e-12), rounds=5)
