"""Frames of reference that lie on the surface and move with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.values.topology import Topology

__all__ = ["SurfaceFrames", "combined"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# How often turns are averaged with those of neighbours.
_ROUNDS = 8


class SurfaceFrames:
    """Local frames at some vertices: a normal, and two tangents that keep their direction in the skin.

    Parameters
    ----------
    topology : Topology
        The surface.
    neutral : (V, 3) floats
        The face at rest, which says what is which direction.
    vertices : (N,) integers
        Where frames are wanted, ascending.
    """

    def __init__(self, topology: Topology, neutral: npt.NDArray[np.floating], vertices: Int64) -> None:
        self._vertices = vertices
        number = np.full(topology.n_vertices, -1)
        number[vertices] = np.arange(len(vertices))
        triangles = topology.triangles.astype(np.int64)
        corners = np.concatenate([triangles, np.roll(triangles, 1, axis=1), np.roll(triangles, 2, axis=1)])
        corners = corners[number[corners[:, 0]] >= 0]
        self._corners, self._corner_owner = corners, number[corners[:, 0]]
        edges = topology.edges.astype(np.int64)
        edges = np.concatenate([edges, edges[:, ::-1]])
        edges = edges[number[edges[:, 0]] >= 0]
        self._edges, self._edge_owner = edges, number[edges[:, 0]]
        rest = np.asarray(neutral, dtype=np.float64)
        offsets = rest[edges[:, 1]] - rest[edges[:, 0]]
        # The coordinate axis that lies flattest on the surface is the direction that is followed.
        flattest = np.abs(np.nan_to_num(self._normals(rest))).argmin(axis=1)
        self._shares = np.take_along_axis(offsets, flattest[self._edge_owner][:, None], axis=1)[:, 0]
        other = number[edges[:, 1]]
        itself = np.arange(len(vertices))
        self._owner = np.concatenate([itself, self._edge_owner[other >= 0]])
        self._neighbour = np.concatenate([itself, other[other >= 0]])

    def at(self, points: Float64) -> Float64:
        """Return the frames on a shape (V, 3): axes as rows, (N, 3, 3); NaN where the surface is missing."""
        normal = self._normals(points)
        offsets = points[self._edges[:, 1]] - points[self._edges[:, 0]]
        tangent = self._summed(self._edge_owner, self._shares[:, None] * offsets)
        with np.errstate(invalid="ignore", divide="ignore"):
            tangent = tangent - normal * (tangent * normal).sum(axis=1, keepdims=True)
            tangent = tangent / np.sqrt((tangent * tangent).sum(axis=1, keepdims=True))
        return np.stack([tangent, np.cross(normal, tangent), normal], axis=1)

    def turns(self, before: Float64, after: Float64) -> Float64:
        """Return how the surface has turned between two shapes' frames, matrices (N, 3, 3), evened along it.

        Where skin is folded or thin, frames of neighbours turn apart and what they carry would cross itself. Means over
        about three edges take that away, and carry less where there is no common turn; what has not turned stays.
        """
        turned = [sum(after[:, a, i] * before[:, a, j] for a in range(3)) for i in range(3) for j in range(3)]
        flat = np.stack(turned, axis=1)
        known = np.isfinite(flat).all(axis=1)  # a vertex that is missing has no say
        used = known[self._neighbour]
        owner, neighbour = self._owner[used], self._neighbour[used]
        degree = np.maximum(np.bincount(owner, minlength=len(flat)), 1).astype(np.float64)[:, None]
        for _ in range(_ROUNDS):
            sums = [np.bincount(owner, flat[neighbour, k], len(flat)) for k in range(9)]
            flat = np.stack(sums, axis=1) / degree
        out: Float64 = flat.reshape(-1, 3, 3)
        return out

    def _normals(self, points: Float64) -> Float64:
        a, b, c = (points[self._corners[:, k]] for k in range(3))
        normal = self._summed(self._corner_owner, np.cross(b - a, c - a))
        with np.errstate(invalid="ignore", divide="ignore"):
            out: Float64 = normal / np.sqrt((normal * normal).sum(axis=1, keepdims=True))
        return out

    def _summed(self, owner: Int64, values: Float64) -> Float64:
        n = len(self._vertices)
        return np.stack([np.bincount(owner, values[:, k], n) for k in range(3)], axis=1)


def combined(axes: Float64, amounts: Float64) -> Float64:
    """Return sums of rows of axes (N, 3, 3), by elements: the same bits on every machine."""
    first, second, third = (axes[:, k] * amounts[:, k, None] for k in range(3))
    out: Float64 = first + second + third
    return out
