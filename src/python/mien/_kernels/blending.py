"""Loops over frames and vertices for `mien.geometry.blending`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

__all__ = ["towards"]

Rows = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

BLOCK = 3072  # columns, a multiple of 3: the weights of a block stay in the cache while frames go by


def _signature(real: types.Type) -> Any:
    rows, line = types.Array(real, 2, "C", readonly=True), types.Array(real, 1, "C", readonly=True)
    return types.void(rows, rows, line, line, real[:, ::1])


@njit([_signature(types.float32), _signature(types.float64)], cache=True, nogil=True, error_model="numpy")
def towards(rows: Rows, goal: Rows, region: Rows, envelope: Rows, out: Rows) -> None:
    """Write rows that have gone towards goal by ``envelope[f] region[v]`` of the way; one goal may be for all rows.

    The bits are those of `rows` where that is 0 and those of `goal` where it is 1.
    """
    spread = np.empty(BLOCK, rows.dtype)
    for left in range(0, rows.shape[1], BLOCK):
        right = min(left + BLOCK, rows.shape[1])
        share = spread[: right - left]
        for v in range(len(share) // 3):
            share[3 * v] = share[3 * v + 1] = share[3 * v + 2] = region[left // 3 + v]
        for f in range(len(rows)):
            a, to, much = rows[f, left:right], out[f, left:right], envelope[f]
            b = goal[f if len(goal) > 1 else 0, left:right]
            for i in range(len(share)):
                w = much * share[i]
                moved = a[i] + w * (b[i] - a[i])
                to[i] = a[i] if w == 0 else (b[i] if w == 1 else moved)
