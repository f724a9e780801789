"""Slow twins of mien.geometry.temporal, in NumPy."""

from __future__ import annotations

import numpy as np


def largest_of(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=2)
    return np.array([np.nanmax(row) if np.isfinite(row).any() else np.nan for row in lengths])


def speed_statistics(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    steps = np.diff(positions.astype(np.float64), axis=0)
    lengths = np.linalg.norm(steps, axis=2)
    mean = np.array([np.nanmean(row) if np.isfinite(row).any() else np.nan for row in lengths])
    return largest_of(steps), mean, largest_of(np.diff(steps, axis=0))
