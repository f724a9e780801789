"""Nearest points on triangles for `mien.editing.contact`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["nearest_on_triangles"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _clamped(x: float) -> float:
    return min(max(x, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _edge_share(to: Float64, edge: Float64) -> float:
    """Return how far along an edge the point nearest to the end of `to` lies, in [0, 1]."""
    length = edge[0] * edge[0] + edge[1] * edge[1] + edge[2] * edge[2]
    along = to[0] * edge[0] + to[1] * edge[1] + to[2] * edge[2]
    return _clamped(along / length) if length > 0 else 0.0


@njit(cache=True, nogil=True)
def _inside(ab: Float64, ac: Float64, ap: Float64, share: Float64) -> bool:
    """Write the barycentric coordinates of the foot of a perpendicular; False where it is not in the triangle."""
    d00 = ab[0] * ab[0] + ab[1] * ab[1] + ab[2] * ab[2]
    d01 = ab[0] * ac[0] + ab[1] * ac[1] + ab[2] * ac[2]
    d11 = ac[0] * ac[0] + ac[1] * ac[1] + ac[2] * ac[2]
    d20 = ap[0] * ab[0] + ap[1] * ab[1] + ap[2] * ab[2]
    d21 = ap[0] * ac[0] + ap[1] * ac[1] + ap[2] * ac[2]
    determinant = d00 * d11 - d01 * d01
    if not determinant > 0:
        return False
    v = (d11 * d20 - d01 * d21) / determinant
    w = (d00 * d21 - d01 * d20) / determinant
    share[0], share[1], share[2] = 1 - v - w, v, w
    return bool(v >= 0 and w >= 0 and v + w <= 1)


@njit(cache=True, nogil=True)
def _squared(ap: Float64, ab: Float64, ac: Float64, share: Float64) -> float:
    total = 0.0
    for i in range(3):
        total += (ap[i] - share[1] * ab[i] - share[2] * ac[i]) ** 2
    return total


@njit(cache=True, nogil=True)
def nearest_on_triangles(
    points: Float64, corners: Float64, triangles: Int64, reach: float, index: Int64, shares: Float64
) -> None:
    """Write for `points` (n, 3) the triangle (n,) that comes nearest, and where on it (n, 3); -1 beyond `reach`.

    `triangles` (T, 3) name rows of `corners` (C, 3). Of triangles equally near the first is taken. Points and corners
    that are not finite are near to nothing.
    """
    count = len(triangles)
    centres, radii = np.empty((count, 3)), np.empty(count)
    for t in range(count):
        for i in range(3):
            centres[t, i] = (
                corners[triangles[t, 0], i] + corners[triangles[t, 1], i] + corners[triangles[t, 2], i]
            ) / 3
        largest = 0.0
        for k in range(3):
            square = 0.0
            for i in range(3):
                square += (corners[triangles[t, k], i] - centres[t, i]) ** 2
            largest = max(largest, square)
        radii[t] = np.sqrt(largest)
    ab, ac, ap, rest = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    share, trial = np.empty(3), np.empty(3)
    for p in range(len(points)):
        best, index[p] = reach, -1
        for t in range(count):
            square = 0.0
            for i in range(3):
                square += (points[p, i] - centres[t, i]) ** 2
            limit = best + radii[t]
            if not square < limit * limit:
                continue
            for i in range(3):
                origin = corners[triangles[t, 0], i]
                ab[i] = corners[triangles[t, 1], i] - origin
                ac[i] = corners[triangles[t, 2], i] - origin
                ap[i] = points[p, i] - origin
            if _inside(ab, ac, ap, share):
                distance = np.sqrt(_squared(ap, ab, ac, share))
            else:
                along = _edge_share(ap, ab)
                share[0], share[1], share[2] = 1 - along, along, 0.0
                least = _squared(ap, ab, ac, share)
                along = _edge_share(ap, ac)
                trial[0], trial[1], trial[2] = 1 - along, 0.0, along
                square = _squared(ap, ab, ac, trial)
                if square < least:
                    least = square
                    share[:] = trial
                for i in range(3):
                    rest[i] = ap[i] - ab[i]
                    trial[i] = ac[i] - ab[i]
                along = _edge_share(rest, trial)
                trial[0], trial[1], trial[2] = 0.0, 1 - along, along
                square = _squared(ap, ab, ac, trial)
                if square < least:
                    least = square
                    share[:] = trial
                distance = np.sqrt(least)
            if distance < best:
                best = distance
                index[p] = t
                shares[p] = share
