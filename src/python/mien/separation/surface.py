"""A surface as some thousand points with normals: what registration looks at."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.values.topology import Topology

__all__ = ["Surface", "sample_surface"]

Float64 = npt.NDArray[np.float64]

# Triangles or vertices that are looked at, whatever the size of the mesh.
_LOOKED_AT = 24_000
_NEIGHBOURS = 12


class Surface(NamedTuple):
    """Points (N, 3), unit normals (N, 3), and weights (N,) in [0, 1]: how far the normals below a point agree.

    ``oriented`` says whether normals have a side; those of loose points do not.
    """

    points: Float64
    normals: Float64
    weights: Float64
    oriented: bool


def sample_surface(topology: Topology, positions: npt.NDArray[Any], count: int) -> Surface:
    """Return about `count` points spread evenly by area.

    Parameters
    ----------
    topology : Topology
        Without triangles the vertices themselves are looked at, and normals come from their neighbours.
    positions : (V, 3) floats
        Vertices that are not finite are left out.
    count : int
        How many points.

    Notes
    -----
    Every point is the mean of the triangles nearest to one of `count` evenly drawn places, and its normal their area
    vector: noise of single vertices averages out. Cost O(T).
    """
    finite = np.isfinite(positions).all(axis=1)
    triangles = topology.triangles
    triangles = triangles[finite[triangles].all(axis=1)]
    if not len(triangles):
        return _loose_points(positions[finite].astype(np.float64), count)
    corners = positions[triangles].astype(np.float64)
    vectors = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    areas = np.sqrt(np.sum(vectors**2, axis=1))
    centres = corners.mean(axis=1)
    keep = _evenly(areas, _LOOKED_AT)
    centres, vectors, areas = centres[keep], vectors[keep], areas[keep]
    if len(keep) == _LOOKED_AT:  # drawn by area: they stand for equal areas
        vectors = vectors / np.maximum(areas, 1e-300)[:, None]
        areas = (areas > 0).astype(np.float64)
    seeds = centres[_evenly(areas, count)]
    at = _core.NearestPoints(seeds).find(centres, 1)[0][:, 0]
    n = len(seeds)
    total = np.bincount(at, areas, n)
    normal = np.stack([np.bincount(at, vectors[:, i], n) for i in range(3)], axis=1)
    point = np.stack([np.bincount(at, centres[:, i] * areas, n) for i in range(3)], axis=1)
    used = total > 0
    length = np.sqrt(np.sum(normal[used] ** 2, axis=1))
    return Surface(
        point[used] / total[used, None],
        normal[used] / np.maximum(length, 1e-300)[:, None],
        np.minimum(1.0, length / total[used]),
        True,
    )


def _evenly(areas: Float64, count: int) -> npt.NDArray[np.int64]:
    """Return up to `count` indices at equal steps of the running sum of areas."""
    if len(areas) <= count:
        return np.arange(len(areas))
    ends = np.cumsum(areas)
    if not ends[-1] > 0:
        return np.arange(count) * len(areas) // count
    steps = (np.arange(count) + 0.5) * (ends[-1] / count)
    out: npt.NDArray[np.int64] = np.minimum(np.searchsorted(ends, steps), len(areas) - 1)
    return out


def _loose_points(points: Float64, count: int) -> Surface:
    """Return a surface of vertices without triangles; normals from the neighbours' principal axes."""
    if len(points) > _LOOKED_AT:
        points = points[np.arange(_LOOKED_AT) * len(points) // _LOOKED_AT]
    n = min(count, len(points))
    if not n:
        return Surface(points, points, np.zeros(0), False)
    chosen = points[np.arange(n) * len(points) // n]
    k = min(_NEIGHBOURS, len(points))
    near = points[_core.NearestPoints(points).find(chosen, k)[0]]
    about = near - near.mean(axis=1, keepdims=True)
    values, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", about, about))
    normals = axes[:, :, 0]
    flat = 1.0 - values[:, 0] / np.maximum(values[:, 1], 1e-300)
    return Surface(chosen, _one_side(chosen, normals), np.clip(flat, 0.0, 1.0), False)


def _one_side(points: Float64, normals: Float64) -> Float64:
    """Turn normals so that those of neighbours agree, growing outward from the most distant point (Hoppe 1992)."""
    n = len(points)
    k = min(10, n)
    near = _core.NearestPoints(points).find(points, k)[0]
    dots = np.einsum("nki,ni->nk", normals[near], normals)
    sign = np.zeros(n)
    about = points - points.mean(axis=0)
    for _ in range(n):
        rest = np.flatnonzero(sign == 0)
        if not len(rest):
            break
        start = rest[np.argmax(np.sum(about[rest] ** 2, axis=1))]
        sign[start] = 1.0 if normals[start] @ about[start] >= 0 else -1.0
        while (
            True
        ):  # a wave: every point next to settled ones takes the side that most of them, by likeness, ask for
            vote = np.sum(np.where(sign[near] != 0, sign[near] * dots * np.abs(dots), 0.0), axis=1)
            new = (sign == 0) & (vote != 0) & np.any(sign[near] != 0, axis=1)
            if not new.any():
                break
            sign[new] = np.sign(vote[new])
    out: Float64 = normals * np.where(sign == 0, 1.0, sign)[:, None]
    return out
