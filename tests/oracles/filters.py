"""Slow twins of mien.geometry.filters, in NumPy, one frame after the other."""

from __future__ import annotations

import numpy as np


def savitzky_golay(positions: np.ndarray, window: int, order: int, derivative: int) -> np.ndarray:
    """Polynomials by least squares through the frames around each frame."""
    n = len(positions)
    width = min(window, n)
    out = np.empty(positions.shape)
    for f in range(n):
        first = min(max(f - width // 2, 0), n - width)
        times = np.arange(first, first + width, dtype=np.float64) - f
        path = positions[first : first + width].astype(np.float64).reshape(width, -1)
        polynomial = np.polynomial.polynomial.polyfit(times, path, min(order, width - 1))
        for _ in range(derivative):
            polynomial = np.polynomial.polynomial.polyder(polynomial)
        out[f] = polynomial[0].reshape(positions.shape[1:])
    return out


def bilateral(positions: np.ndarray, sigma_frames: float, sigma_distance: float) -> np.ndarray:
    x = positions.astype(np.float64)
    frames = np.arange(len(x))
    out = np.empty(x.shape)
    for f in frames:
        away = abs(frames - f)
        seen = away <= np.ceil(3 * sigma_frames)
        squares = ((x[seen] - x[f]) ** 2).sum(axis=2)
        weights = np.exp(-0.5 * (away[seen, None] / sigma_frames) ** 2)
        weights = weights * np.exp(-np.minimum(20, 0.5 * squares / sigma_distance**2))
        out[f] = (weights[:, :, None] * x[seen]).sum(axis=0) / weights.sum(axis=0)[:, None]
    return out
