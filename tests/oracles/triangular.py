"""Slow twins of the solves: the whole matrix, one right-hand side after the other."""

from __future__ import annotations

import numpy as np

__all__ = ["backward_error", "solve"]


def solve(matrix: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    """Solve for rhs (V,), (V, K) or (F, V, K) by elimination with pivots, in float64."""
    if rhs.ndim == 1:
        return np.linalg.solve(matrix, rhs.astype(np.float64))
    frames = rhs if rhs.ndim == 3 else rhs[None]
    out = np.empty(frames.shape)
    for f, frame in enumerate(frames):
        for k in range(frame.shape[1]):
            out[f, :, k] = np.linalg.solve(matrix, frame[:, k].astype(np.float64))
    return out if rhs.ndim == 3 else out[0]


def backward_error(matrix: np.ndarray, rhs: np.ndarray, x: np.ndarray) -> float:
    """Return the largest max |b - A x| / (|A| max |x| + max |b|) of the columns of rhs (V, K)."""
    norm = max(float(np.sum(np.abs(row))) for row in matrix)
    errors = [0.0]
    for k in range(rhs.shape[1]):
        b, y = rhs[:, k].astype(np.longdouble), x[:, k].astype(np.longdouble)
        residual = float(np.abs(b - matrix.astype(np.longdouble) @ y).max())
        scale = norm * float(np.abs(y).max()) + float(np.abs(b).max())
        errors.append(residual / scale if residual else 0.0)
    return max(errors)
