"""Loops over vertices for `mien.geometry.statistics`: quantiles over frames, each column a flat line of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

__all__ = ["deviations", "quantiles"]

Rows = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

BLOCK = 16  # columns that are gathered together: a line of the cache holds as many floats


@njit("float64(float64[::1], int64, int64)", cache=True, nogil=True, error_model="numpy")
def select(values: Float64, count: int, rank: int) -> float:
    """Return the value of a rank among the first `count`, which are put in another order (Hoare's selection)."""
    low, high = 0, count - 1
    while low < high:
        middle = (
            low + high
        ) // 2  # the median of three goes to the middle: no order of the data makes it slow
        if values[middle] < values[low]:
            values[middle], values[low] = values[low], values[middle]
        if values[high] < values[low]:
            values[high], values[low] = values[low], values[high]
        if values[high] < values[middle]:
            values[high], values[middle] = values[middle], values[high]
        pivot = values[middle]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])


@njit("float64(float64[::1], int64, float64)", cache=True, nogil=True, error_model="numpy")
def quantile(values: Float64, count: int, level: float) -> float:
    """Return the quantile of the first `count`, between neighbours by their distance; NaN of none."""
    if count == 0:
        return np.nan
    place = level * (count - 1)
    rank = min(int(place), count - 1)
    lower = select(values, count, rank)
    share = place - rank
    if share == 0:
        return lower
    upper = np.inf  # what is left of rank is not above it, what is right not below
    for i in range(rank + 1, count):
        upper = min(upper, values[i])
    return lower + share * (upper - lower)


def _signature(real: types.Type) -> Any:
    rows = types.Array(real, 2, "C", readonly=True)
    levels = types.Array(types.float64, 1, "C", readonly=True)
    return types.void(rows, levels, types.float64[:, ::1], types.int64, types.int64)


@njit("void(float64[:, ::1], int64, float64[::1], float64[::1])", cache=True, nogil=True, error_model="numpy")
def take_column(block: Float64, column: int, spare: Float64, count: Float64) -> None:
    """Write the values of a column that are numbers to the beginning of `spare`, and how many they are."""
    n = 0
    for f in range(block.shape[1]):
        value = block[column, f]
        if not np.isnan(value):
            spare[n] = value
            n += 1
    count[0] = n


@njit(cache=True, nogil=True)
def turn(rows: Rows, left: int, width: int, block: Float64) -> None:
    """Write `width` columns of rows (n, columns) from `left` on as rows of the block."""
    for f in range(len(rows)):
        row = rows[f, left : left + width]
        for c in range(width):
            block[c, f] = row[c]


@njit([_signature(types.float32), _signature(types.float64)], cache=True, nogil=True, error_model="numpy")
def quantiles(rows: Rows, levels: Float64, out: Float64, begin: int, end: int) -> None:
    """Write the quantiles over rows of the columns from `begin` to `end`; NaN is a value that is missing."""
    n = len(rows)
    block, spare, count = np.empty((BLOCK, n)), np.empty(n), np.empty(1)
    for left in range(begin, end, BLOCK):
        width = min(BLOCK, end - left)
        turn(rows, left, width, block)
        for c in range(width):
            take_column(block, c, spare, count)
            for q in range(len(levels)):
                out[q, left + c] = quantile(spare, int(count[0]), levels[q])


@njit([_signature(types.float32), _signature(types.float64)], cache=True, nogil=True, error_model="numpy")
def deviations(rows: Rows, levels: Float64, out: Float64, begin: int, end: int) -> None:
    """Write to `out` (2, columns) the quantile at ``levels[0]``, and that of the distances from it."""
    n = len(rows)
    block, spare, count = np.empty((BLOCK, n)), np.empty(n), np.empty(1)
    for left in range(begin, end, BLOCK):
        width = min(BLOCK, end - left)
        turn(rows, left, width, block)
        for c in range(width):
            take_column(block, c, spare, count)
            known = int(count[0])
            middle = quantile(spare, known, levels[0])
            for i in range(known):
                spare[i] = abs(spare[i] - middle)
            out[0, left + c] = middle
            out[1, left + c] = quantile(spare, known, levels[0])
