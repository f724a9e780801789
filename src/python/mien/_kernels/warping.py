"""Dynamic time warping for `mien.editing`: which moments of two performances belong together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["distances", "warp"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def distances(a: Float64, b: Float64, out: Float64) -> None:
    """Write mean squared differences between rows of `a` (n, C) and `b` (m, C); what is not finite does not count."""
    for i in range(len(a)):
        for j in range(len(b)):
            total, count = 0.0, 0
            for c in range(a.shape[1]):
                square = (a[i, c] - b[j, c]) ** 2
                if np.isfinite(square):
                    total += square
                    count += 1
            out[i, j] = total / count if count else 0.0


@njit(cache=True, nogil=True)
def warp(cost: Float64, first: Int64, last: Int64) -> bool:
    """Write for every row the first and last column it belongs to; neither runs over twice as fast as the other.

    Steps are (1, 1), (2, 1) and (1, 2), from the first corner to the last. False where no way leads there.
    """
    n, m = cost.shape
    total = np.full((n, m), np.inf)
    step = np.zeros((n, m), np.int8)
    total[0, 0] = cost[0, 0]
    for i in range(1, n):
        for j in range(1, m):
            best, kind = total[i - 1, j - 1] + 2 * cost[i, j], 1
            if i > 1:
                other = total[i - 2, j - 1] + 2 * cost[i - 1, j] + cost[i, j]
                if other < best:
                    best, kind = other, 2
            if j > 1:
                other = total[i - 1, j - 2] + 2 * cost[i, j - 1] + cost[i, j]
                if other < best:
                    best, kind = other, 3
            total[i, j], step[i, j] = best, kind
    if not np.isfinite(total[n - 1, m - 1]):
        return False
    i, j = n - 1, m - 1
    while i > 0:
        first[i], last[i] = j, j
        if step[i, j] == 1:
            i, j = i - 1, j - 1
        elif step[i, j] == 2:
            first[i - 1], last[i - 1] = j, j
            i, j = i - 2, j - 1
        else:
            first[i] = j - 1
            i, j = i - 1, j - 2
    first[0], last[0] = 0, 0
    return True
