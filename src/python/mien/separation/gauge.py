"""Where an estimated neutral lies in head space, told from its own shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.values.rigid import RigidMotion
from mien.values.topology import Topology

__all__ = ["canonical_pose"]

Float64 = npt.NDArray[np.float64]

# Of the surface's area: the summed normals of a face mask are 0.4 to 0.5 long, those of a head with an open neck 0.2.
_MASK = 0.3


def canonical_pose(topology: Topology, neutral: npt.NDArray[Any]) -> RigidMotion:
    """Return the motion of one frame that takes a neutral to its own axes: x left, y up, z out of the face.

    Parameters
    ----------
    topology : Topology
        Its triangles weigh the surface, so that finely meshed lips count no more than a forehead. Without triangles
        vertices count alike.
    neutral : (V, 3) floats
        Positions in any rigid pose; vertices that are not finite are left out.

    Notes
    -----
    The origin is the centre of the surface and the axes are its principal axes: what does not depend on the world
    cannot tell it apart from another (law 4). Which axis is which, and its sign, is told by the shape:

    - x is the axis about which the surface is most nearly symmetric (smallest odd third moments);
    - z, out of the face, is for an open mask the one of the other two along which the summed normals are longest;
      for a closed head, whose neck hole leaves normals that sum to "up", that one is y;
    - y of a mask points to where it is wider, the forehead; z of a head to where its vertices are denser, the face.

    A shape with two equal principal axes, or a symmetric one, has no such frame; the result is then still rigid, but
    rounding decides. Cost O(V + T).
    """
    points, areas, normals = _surface(topology, np.asarray(neutral, dtype=np.float64))
    centre = areas @ points / areas.sum()
    about = points - centre
    axes = np.linalg.eigh(about.T @ (areas[:, None] * about))[1].T
    a = about @ axes.T / np.sqrt(np.mean(np.sum(about**2, axis=1)))
    share = areas / areas.sum()
    odd = np.stack(
        [share @ (a[:, i, None] * a**2) for i in range(3)]
    )  # odd[i] = mean of a_i (a_x², a_y², a_z²)
    left = int(np.argmin(np.abs(odd).sum(axis=1)))
    first, second = (i for i in range(3) if i != left)
    direction = axes @ normals / areas.sum()
    by_normals = first if abs(direction[first]) > abs(direction[second]) else second
    other = second if by_normals == first else first
    if np.abs(direction).max() > _MASK or not direction.any():
        out, up = by_normals, other
        out_sign, up_sign = direction[out] or -odd[out].sum(), odd[up, left]
    else:
        up, out = by_normals, other
        finite = neutral[np.isfinite(neutral).all(axis=1)]
        up_sign, out_sign = direction[up], axes[out] @ (finite.mean(axis=0, dtype=np.float64) - centre)
    y = axes[up] * (-1.0 if up_sign < 0 else 1.0)
    z = axes[out] * (-1.0 if out_sign < 0 else 1.0)
    rotation = np.stack([np.cross(y, z), y, z])
    return RigidMotion(rotation[None], -(rotation @ centre)[None])


def _surface(topology: Topology, positions: Float64) -> tuple[Float64, Float64, Float64]:
    """Return centres (T, 3), areas (T,) and the sum of area normals (3,) of whole triangles, or vertices if none is."""
    finite = np.asarray(np.isfinite(positions).all(axis=1))
    triangles = topology.triangles
    triangles = triangles[finite[triangles].all(axis=1)]
    corners = positions[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    areas = np.sqrt(np.sum(normals**2, axis=1))
    if not areas.sum() > 0:
        n = int(finite.sum())
        return positions[finite], np.ones(n), np.zeros(3)
    return corners.mean(axis=1), areas, normals.sum(axis=0)
