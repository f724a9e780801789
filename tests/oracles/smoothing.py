"""Smoothing in the plainest way: one vertex, one frame at a time; dense matrices."""

from __future__ import annotations

import numpy as np


def bilateral(series: np.ndarray, guide: np.ndarray, near: np.ndarray, scale: float) -> np.ndarray:
    out, half, n = np.empty_like(series), len(near) - 1, len(series)
    for f in range(n):
        steps = min(2, f, n - 1 - f)
        k = np.arange(-steps, steps + 1)
        speed = k @ guide[f + k] / max((k**2).sum(), 1)
        at = np.arange(max(f - half, 0), min(f + half, n - 1) + 1)
        off = series[at] - guide[f] - (at - f)[:, None] * speed
        weights = near[abs(at - f)] / (1 + (off**2).sum(1) / scale) ** 2
        out[f] = guide[f] + weights @ off / weights.sum()
    return out


def variational(
    series: np.ndarray, stiffness: float, scale: float, iterations: int, start: np.ndarray
) -> np.ndarray:
    n = len(series)
    bends = np.diff(np.eye(n), 2, axis=0)
    solved = start
    for _ in range(iterations):
        weights = stiffness / (1 + ((bends @ solved) ** 2).sum(1) / scale) ** 2
        solved = np.linalg.solve(np.eye(n) + bends.T @ (weights[:, None] * bends), series)
    return solved


def put_back(removed: np.ndarray, expected: float, steps: np.ndarray) -> np.ndarray:
    """What comes back of one vertex, (F, 3)."""
    square = (removed**2).sum(1) / expected
    out = np.zeros_like(removed)
    for f in range(len(removed)):
        five = square[max(f - 2, 0) : f + 3].mean()
        t = max((five - steps[0]) / (steps[1] - steps[0]), (square[f] - steps[2]) / (steps[3] - steps[2]))
        t = min(max(t, 0.0), 1.0)
        out[f] = t * t * (3 - 2 * t) * removed[f]
    return out
