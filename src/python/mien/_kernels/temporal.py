"""Loops over frames and vertices for `mien.geometry.temporal`.

The inner loops run over rows, a frame as a flat line of x, y, z: index expressions such as ``a[f, v, i]`` in them cost
five times as much. Sums go from the first vertex to the last, one answer everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["jumps", "speeds"]

Float64 = npt.NDArray[np.float64]


@njit(cache=True)
def speeds(rows: npt.NDArray[Any], largest: Float64, mean: Float64) -> None:
    """Write for each step between `rows` (F, 3 V) the largest and mean distance a vertex goes, (F - 1,).

    NaN where no vertex is in both frames.
    """
    for f in range(len(largest)):
        before, after = rows[f], rows[f + 1]
        top, total, count = 0.0, 0.0, 0
        for i in range(0, len(before), 3):
            x = np.float64(after[i]) - np.float64(before[i])
            y = np.float64(after[i + 1]) - np.float64(before[i + 1])
            z = np.float64(after[i + 2]) - np.float64(before[i + 2])
            square = x * x + y * y + z * z
            if np.isfinite(square):
                speed = np.sqrt(square)
                top = max(top, speed)
                total += speed
                count += 1
        largest[f] = top if count else np.nan
        mean[f] = total / count if count else np.nan


@njit(cache=True)
def jumps(rows: npt.NDArray[Any], largest: Float64) -> None:
    """Write for each inner frame of `rows` (F, 3 V) the largest change of a vertex's velocity, (F - 2,)."""
    for f in range(len(largest)):
        before, here, after = rows[f], rows[f + 1], rows[f + 2]
        top, count = 0.0, 0
        for i in range(0, len(here), 3):
            x = np.float64(after[i]) - 2 * np.float64(here[i]) + np.float64(before[i])
            y = np.float64(after[i + 1]) - 2 * np.float64(here[i + 1]) + np.float64(before[i + 1])
            z = np.float64(after[i + 2]) - 2 * np.float64(here[i + 2]) + np.float64(before[i + 2])
            square = x * x + y * y + z * z
            if np.isfinite(square):
                top = max(top, square)
                count += 1
        largest[f] = np.sqrt(top) if count else np.nan
