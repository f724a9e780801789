"""Loops over frames and vertices for `mien.geometry.filters`.

The inner loops run over one-dimensional views of rows, a frame as a flat line of x, y, z: index expressions such as
``a[f, v, i]`` in them cost five times as much. Columns are worked on a block at a time, so that the frames of a window
stay in the cache while it slides. Columns share nothing, so who calls may deal them out to threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types

__all__ = ["bilateral", "weighted_rows"]

Rows = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

BLOCK = 3072  # columns, a multiple of 3


def _read(dtype: types.Type, n: int = 2) -> types.Array:
    return types.Array(dtype, n, "C", readonly=True)


def _weighted_signature(real: types.Type) -> Any:
    integers, whole = _read(types.int64, 1), types.int64
    return types.void(_read(real), integers, integers, _read(real), real, real[:, ::1], whole, whole)


@njit(
    [_weighted_signature(types.float32), _weighted_signature(types.float64)],
    cache=True,
    nogil=True,
    error_model="numpy",
)
def weighted_rows(
    rows: Rows, about: Int64, first: Int64, taps: Rows, base: float, out: Rows, begin: int, end: int
) -> None:
    """Write sums of rows, for the columns from `begin` to `end`.

    ``out[f] = base rows[about[f]] + sum over k of taps[f, k] (rows[first[f] + k] - rows[about[f]])``: of differences,
    so that what stands still comes out as it went in. The number of taps must be a multiple of 4; those that go beyond
    the rows must be 0.
    """
    last = len(rows) - 1
    for left in range(begin, end, BLOCK):
        right = min(left + BLOCK, end)
        for f in range(len(out)):
            to, here = out[f, left:right], rows[about[f], left:right]
            for i in range(len(to)):
                to[i] = 0
            for k in range(0, taps.shape[1], 4):
                a, b = (
                    rows[min(first[f] + k, last), left:right],
                    rows[min(first[f] + k + 1, last), left:right],
                )
                c, d = (
                    rows[min(first[f] + k + 2, last), left:right],
                    rows[min(first[f] + k + 3, last), left:right],
                )
                p, q, r, s = taps[f, k], taps[f, k + 1], taps[f, k + 2], taps[f, k + 3]
                for i in range(len(to)):
                    x = here[i]
                    to[i] += (p * (a[i] - x) + q * (b[i] - x)) + (r * (c[i] - x) + s * (d[i] - x))
            if base != 0:
                for i in range(len(to)):
                    to[i] += here[i]


@njit(nogil=True, error_model="numpy")
def split(row: Rows, planes: Rows) -> None:
    """Write x, y and z of a row of points apart."""
    x, y, z = planes[0], planes[1], planes[2]
    for v in range(len(row) // 3):
        x[v], y[v], z[v] = row[3 * v], row[3 * v + 1], row[3 * v + 2]


def _bilateral_signature(real: types.Type) -> Any:
    return types.void(_read(real), _read(real, 1), _read(real, 1), real[:, ::1], types.int64, types.int64)


@njit(
    [_bilateral_signature(types.float32), _bilateral_signature(types.float64)],
    cache=True,
    nogil=True,
    error_model="numpy",
)
def bilateral(rows: Rows, near: Rows, shape: Rows, out: Rows, begin: int, end: int) -> None:
    """Write means over frames, for the columns from `begin` to `end`, both multiples of 3.

    A frame k away counts by ``near[k] exp(-64 shape[0] d²)``, d how far the vertex is from where it is now, ``near[0]``
    being 1; 64 d² counts as `shape[1]` at most. What follows in `shape` is 1, 1/2, … 1/6: constants of its own would
    make doubles of floats.
    """
    reach, n = len(near) - 1, len(rows)
    width = 2 * reach + 1
    planes = np.empty(
        (width, 3, BLOCK // 3), rows.dtype
    )  # the window, x, y and z apart; frame g is at g % width
    sums = np.empty((4, BLOCK // 3), rows.dtype)
    pace, most, one = shape[0], shape[1], shape[2]
    c2, c3, c4, c5, c6 = shape[3], shape[4], shape[5], shape[6], shape[7]
    for left in range(begin, end, BLOCK):
        right = min(left + BLOCK, end)
        count = (right - left) // 3
        taken = 0
        for f in range(n):
            while taken < min(f + reach + 1, n):
                split(rows[taken, left:right], planes[taken % width])
                taken += 1
            hx, hy, hz = (
                planes[f % width, 0, :count],
                planes[f % width, 1, :count],
                planes[f % width, 2, :count],
            )
            total, sx, sy, sz = sums[0, :count], sums[1, :count], sums[2, :count], sums[3, :count]
            for v in range(count):
                total[v] = one
                sx[v] = sy[v] = sz[v] = 0
            for g in range(max(f - reach, 0), min(f + reach, n - 1) + 1):
                if g == f:
                    continue
                by, at = near[abs(g - f)], planes[g % width]
                gx, gy, gz = at[0, :count], at[1, :count], at[2, :count]
                for v in range(count):
                    x, y, z = gx[v] - hx[v], gy[v] - hy[v], gz[v] - hz[v]
                    # exp(-t) as the 64th power of exp(-t / 64): the same bits everywhere, which libm does not promise.
                    t = min((x * x + y * y + z * z) * pace, most)
                    w = one - t * (
                        one - t * c2 * (one - t * c3 * (one - t * c4 * (one - t * c5 * (one - t * c6))))
                    )
                    w *= w
                    w *= w
                    w *= w
                    w *= w
                    w *= w
                    w *= w * by
                    total[v] += w
                    sx[v] += w * x
                    sy[v] += w * y
                    sz[v] += w * z
            to = out[f, left:right]
            for v in range(count):
                share = one / total[v]
                to[3 * v] = hx[v] + sx[v] * share
                to[3 * v + 1] = hy[v] + sy[v] * share
                to[3 * v + 2] = hz[v] + sz[v] * share
