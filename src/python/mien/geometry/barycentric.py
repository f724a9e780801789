"""Points that stay on a surface while it moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.values.topology import Topology

__all__ = ["surface_points"]

Points = npt.NDArray[Any]


def surface_points(
    topology: Topology,
    positions: npt.ArrayLike,
    triangles: npt.ArrayLike,
    coordinates: npt.ArrayLike,
    *,
    out: npt.NDArray[Any] | None = None,
) -> Points:
    """Follow points of a surface through every frame: markers, landmarks, samples.

    Parameters
    ----------
    topology : Topology
        Its `triangles` are what points lie on.
    positions : (F, V, 3) or (V, 3) float32 or float64
        Frames, scene units; may be a memory map, of which only the triangles' corners are read.
    triangles : (P,) integers
        The triangle of each point, an index into ``topology.triangles``.
    coordinates : (P, 3) floats
        Barycentric: weights of the triangle's three corners, which sum to 1 (to 1e-6). Outside of [0, 1] the point
        lies beside the triangle, in its plane.
    out : (F, P, 3) or (P, 3) array, optional
        Where to write.

    Returns
    -------
    (F, P, 3) or (P, 3) floats of the dtype of `positions`.

    Raises
    ------
    ValueError
        A shape or an index is wrong, coordinates do not sum to 1, or a position that is used is not finite; the first
        frame and vertex are named.

    Notes
    -----
    Summed in float64, rounded once. Cost O(F P).

    Examples
    --------
    >>> import numpy as np
    >>> sheet = Topology.from_polygons([[0, 1, 3, 2]])
    >>> rest = np.array([[x, y, 0.0] for x in (0, 1) for y in (0, 1)])
    >>> surface_points(sheet, rest, [0], [[0.5, 0.25, 0.25]]).tolist()
    [[0.25, 0.5, 0.0]]
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    single = np.ndim(positions) == 2
    sizes = {"V": topology.n_vertices}
    frames = _validate.points("positions", positions, ("V", 3) if single else ("F", "V", 3), sizes)
    chosen = _validate.array("triangles", triangles, ("P",), np.int32)
    below = len(topology.triangles)
    if chosen.size and (chosen.min() < 0 or chosen.max() >= below):
        worst = chosen.min() if chosen.min() < 0 else chosen.max()
        raise ValueError(f"`triangles` must name triangles below T = {below}, got {worst}")
    weights = _validate.floats("coordinates", coordinates, ("P", 3), {"P": len(chosen)})
    wrong = ~(np.abs(weights.sum(axis=1) - 1) <= 1e-6)
    if wrong.any():
        p = int(wrong.argmax())
        raise ValueError(
            f"`coordinates` must sum to 1 at every point, got {weights[p].tolist()} at point {p}"
        )
    view = frames[None] if single else frames
    shape = (len(chosen), 3) if single else (len(view), len(chosen), 3)
    if out is None:
        out = np.empty(shape, frames.dtype)
    elif (
        not isinstance(out, np.ndarray)
        or (out.shape, out.dtype) != (shape, frames.dtype)
        or not (out.flags.c_contiguous and out.flags.writeable)
    ):
        raise ValueError(f"`out` must be a writable C-contiguous {frames.dtype} array of shape {shape}")
    corners = np.ascontiguousarray(topology.triangles[chosen])
    if out.size:
        _core.surface_points(view, corners, weights, out[None] if single else out)
        place = _core.first_non_finite(out)
        if place is not None:
            frame, point = place
            v = next((v for v in corners[point] if not np.isfinite(view[frame, v]).all()), corners[point, 0])
            where = f"vertex {v}" if single else f"frame {frame}, vertex {v}"
            raise ValueError(f"`positions` must be finite, got {view[frame, v].tolist()} at {where}")
    return out
