"""Frames of reference that lie on the surface and move with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.values.topology import Topology

__all__ = ["SurfaceFrames", "combined"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


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

    def at(self, points: Float64) -> Float64:
        """Return the frames on a shape (V, 3): axes as rows, (N, 3, 3); NaN where the surface is missing."""
        normal = self._normals(points)
        offsets = points[self._edges[:, 1]] - points[self._edges[:, 0]]
        tangent = self._summed(self._edge_owner, self._shares[:, None] * offsets)
        with np.errstate(invalid="ignore", divide="ignore"):
            tangent = tangent - normal * (tangent * normal).sum(axis=1, keepdims=True)
            tangent = tangent / np.sqrt((tangent * tangent).sum(axis=1, keepdims=True))
        return np.stack([tangent, np.cross(normal, tangent), normal], axis=1)

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
