"""Loops over frames and vertices for `mien.geometry.smoothing`.

Frames are rows, a frame as a flat line of x, y, z, with nothing missing. Sums go in a written order and nothing is
contracted, one answer everywhere.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["bilateral", "fill", "pool", "put_back", "variational"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def fill(rows: Float64) -> None:
    """Replace what is not finite by lines in time between the frames around it, in place; 0 where there are none."""
    n, columns = rows.shape
    for c in range(columns):
        last = -1
        for f in range(n):
            if not np.isfinite(rows[f, c]):
                continue
            for g in range(last + 1, f):
                if last < 0:
                    rows[g, c] = rows[f, c]
                else:
                    rows[g, c] = rows[last, c] + (rows[f, c] - rows[last, c]) * ((g - last) / (f - last))
            last = f
        for g in range(last + 1, n):
            rows[g, c] = rows[last, c] if last >= 0 else 0.0


@njit(cache=True, nogil=True)
def bilateral(rows: Float64, guide: Float64, near: Float64, scale: float, out: Float64) -> None:
    """Write means of the frames around, weighted by `near` (h + 1,) in time and by whether they lie on the path.

    The path goes through the guide's frame, at the speed of the guide's five frames around it; `scale` is the square of
    a distance from it that halves the weight's root. The guide is the rows, or what they have been smoothed to before.
    """
    n, half = len(rows), len(near) - 1
    for f in range(n):
        left, right, row, line = min(half, f), min(half, n - 1 - f), guide[f], out[f]
        steps = min(2, min(f, n - 1 - f))
        squares = 0.0
        for k in range(1, steps + 1):
            squares += 2.0 * k * k
        for i in range(0, len(row), 3):
            vx, vy, vz = 0.0, 0.0, 0.0
            for k in range(1, steps + 1):
                vx += k * (guide[f + k, i] - guide[f - k, i]) / squares
                vy += k * (guide[f + k, i + 1] - guide[f - k, i + 1]) / squares
                vz += k * (guide[f + k, i + 2] - guide[f - k, i + 2]) / squares
            x, y, z, total = 0.0, 0.0, 0.0, 0.0
            for k in range(-left, right + 1):
                dx = rows[f + k, i] - row[i] - k * vx
                dy = rows[f + k, i + 1] - row[i + 1] - k * vy
                dz = rows[f + k, i + 2] - row[i + 2] - k * vz
                off = 1.0 + (dx * dx + dy * dy + dz * dz) / scale
                w = near[abs(k)] / (off * off)
                total += w
                x += w * dx
                y += w * dy
                z += w * dz
            line[i], line[i + 1], line[i + 2] = (
                row[i] + x / total,
                row[i + 1] + y / total,
                row[i + 2] + z / total,
            )


@njit(cache=True, nogil=True)
def variational(
    rows: Float64, stiffness: float, scale: float, iterations: int, start: Float64, out: Float64
) -> None:
    """Write what is close to the rows and bends little, except where it must (Geman-McClure on second differences).

    Each vertex by iterated least squares from `start`: a factor of five diagonals and two substitutions.
    """
    n = len(rows)
    bend = np.zeros(n + 2)  # of second difference f - 1, f, f + 1, at index f + 1
    diagonal, lower, lowest = np.empty(n), np.zeros(n + 2), np.zeros(n + 2)
    solved = np.empty((n, 3))
    for i in range(0, rows.shape[1], 3):
        for f in range(n):
            for k in range(3):
                solved[f, k] = start[f, i + k]
        for _ in range(iterations):
            for f in range(1, n - 1):
                square = 0.0
                for k in range(3):
                    d = solved[f - 1, k] - 2 * solved[f, k] + solved[f + 1, k]
                    square += d * d
                off = 1.0 + square / scale
                bend[f + 1] = stiffness / (off * off)
            # L D L' of I + D2' bend D2; lower[f], lowest[f] are L[f, f - 1] and L[f, f - 2].
            for f in range(n):
                own = 1.0 + bend[f] + 4 * bend[f + 1] + (bend[f + 2] if f + 2 < n + 1 else 0.0)
                one = -2 * (bend[f] + bend[f + 1]) if f > 0 else 0.0
                two = bend[f] if f > 1 else 0.0
                lowest[f] = two / diagonal[f - 2] if f > 1 else 0.0
                if f > 1:
                    one -= lowest[f] * diagonal[f - 2] * lower[f - 1]
                lower[f] = one / diagonal[f - 1] if f > 0 else 0.0
                if f > 0:
                    own -= lower[f] * lower[f] * diagonal[f - 1]
                if f > 1:
                    own -= lowest[f] * lowest[f] * diagonal[f - 2]
                diagonal[f] = own
            for k in range(3):
                for f in range(n):
                    value = rows[f, i + k]
                    if f > 0:
                        value -= lower[f] * solved[f - 1, k]
                    if f > 1:
                        value -= lowest[f] * solved[f - 2, k]
                    solved[f, k] = value
                for f in range(n - 1, -1, -1):
                    value = solved[f, k] / diagonal[f]
                    if f + 1 < n:
                        value -= lower[f + 1] * solved[f + 1, k]
                    if f + 2 < n:
                        value -= lowest[f + 2] * solved[f + 2, k]
                    solved[f, k] = value
        for f in range(n):
            for k in range(3):
                out[f, i + k] = solved[f, k]


@njit(cache=True, nogil=True)
def pool(rows: Float64, begin: Int64, neighbours: Int64, out: Float64) -> None:
    """Write the mean of each vertex and its neighbours ``neighbours[begin[v]:begin[v + 1]]``."""
    for f in range(len(rows)):
        row, line = rows[f], out[f]
        for v in range(len(begin) - 1):
            x, y, z = row[3 * v], row[3 * v + 1], row[3 * v + 2]
            for k in range(begin[v], begin[v + 1]):
                i = 3 * neighbours[k]
                x += row[i]
                y += row[i + 1]
                z += row[i + 2]
            count = begin[v + 1] - begin[v] + 1
            line[3 * v], line[3 * v + 1], line[3 * v + 2] = x / count, y / count, z / count


@njit(cache=True, nogil=True)
def put_back(removed: Float64, expected: float, steps: Float64, out: Float64) -> None:
    """Add to `out` what of `removed` stands above noise of mean square `expected`.

    `steps` are ratios from which something and everything comes back: of the energy in five frames, and in one.
    """
    n = len(removed)
    square = np.empty(n)
    for i in range(0, removed.shape[1], 3):
        for f in range(n):
            x, y, z = removed[f, i], removed[f, i + 1], removed[f, i + 2]
            square[f] = (x * x + y * y + z * z) / expected
        for f in range(n):
            first, last, energy = max(f - 2, 0), min(f + 2, n - 1), 0.0
            for g in range(first, last + 1):
                energy += square[g]
            t = max(
                (energy / (last + 1 - first) - steps[0]) / (steps[1] - steps[0]),
                (square[f] - steps[2]) / (steps[3] - steps[2]),
            )
            if t > 0:
                t = min(t, 1.0)
                t = t * t * (3 - 2 * t)
                out[f, i] += t * removed[f, i]
                out[f, i + 1] += t * removed[f, i + 1]
                out[f, i + 2] += t * removed[f, i + 2]
