"""Where and when an edit acts: weights of vertices by distance along the surface, weights of frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.values.topology import Topology

__all__ = ["FALLOFFS", "ease", "envelope", "geodesic_distance", "region"]

Float64 = npt.NDArray[np.float64]

FALLOFFS = ("smooth", "linear")


def geodesic_distance(
    topology: Topology, positions: npt.ArrayLike, seeds: npt.ArrayLike, limit: float | None = None
) -> Float64:
    """Measure how far every vertex lies from the nearest seed along the surface.

    Parameters
    ----------
    topology : Topology
        Its faces are the surface; faces with more than three corners are taken as fans of triangles.
    positions : (V, 3) float32 or float64
        Vertices, scene units. A vertex that is not finite takes its faces out of the surface.
    seeds : (S,) integers
        Vertices that are at distance 0.
    limit : float, optional
        Stop there: what lies farther away is at infinity. Saves time.

    Returns
    -------
    (V,) float64, scene units; infinity where no way along the surface leads.

    Raises
    ------
    ValueError
        There is no seed, or a seed does not exist or has no finite position.

    Notes
    -----
    Distances spread over the triangles from the seeds. A triangle is laid flat, the seed is placed where two known
    corners see it, and the third corner takes the straight distance when the line passes between the two; around
    corners the way bends at a vertex. Exact on flat surfaces with one seed, to a fraction of the edge length elsewhere.
    O(V log V).

    References
    ----------
    Kimmel, Sethian 1998, Computing geodesic paths on manifolds, PNAS 95(15); Novotni, Klein 2002, Computing geodesic
    distances on triangular meshes, WSCG.
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    n = topology.n_vertices
    points = _validate.points("positions", positions, ("V", 3), {"V": n})
    origins = _validate.array("seeds", seeds, ("S",), np.int32)
    if origins.size == 0:
        raise ValueError("`seeds` must name at least one vertex, got none")
    if origins.min() < 0 or origins.max() >= n:
        worst = origins.min() if origins.min() < 0 else origins.max()
        raise ValueError(f"`seeds` must name vertices below V = {n}, got {worst}")
    missing = ~np.isfinite(points[origins]).all(axis=1)
    if missing.any():
        raise ValueError(
            f"`seeds` must have finite positions, got vertex {origins[int(np.argmax(missing))]} without one"
        )
    farthest = math.inf if limit is None else _validate.number("limit", limit, least=0)
    out = np.empty(n)
    _core.geodesic_distance(points, topology.triangles, origins, farthest, out)
    return out


def region(
    topology: Topology,
    neutral: npt.ArrayLike,
    seeds: npt.ArrayLike,
    radius: float,
    *,
    falloff: str = "smooth",
    hold: float = 0.0,
) -> Float64:
    """Weight vertices by their distance from seeds along the surface: 1 at the seeds, 0 from `radius` on.

    Regions are plain arrays: ``np.maximum(a, b)`` joins two, ``a * b`` intersects them, ``a * (1 - b)`` cuts one out of
    the other.

    Parameters
    ----------
    topology : Topology
        Its faces are the surface.
    neutral : (V, 3) float32 or float64
        The face at rest, scene units.
    seeds : (S,) integers
        Vertices in the middle of the region.
    radius : float
        Where the weight reaches exactly 0, scene units, above 0.
    falloff : {"smooth", "linear"}
        Smooth falls with continuous first and second derivatives.
    hold : float
        The weight stays exactly 1 up to this distance, scene units, below `radius`.

    Returns
    -------
    (V,) float64 in [0, 1].

    Raises
    ------
    ValueError
        A seed does not exist, or radius and hold do not fit.
    """
    reach = _validate.number("radius", radius, above=0)
    word = _validate.one_of("falloff", falloff, FALLOFFS)
    flat = _validate.number("hold", hold, least=0)
    if flat >= reach:
        raise ValueError(f"`hold` must be below radius = {reach:g}, got {flat:g}")
    distance = geodesic_distance(topology, neutral, seeds, limit=reach)
    inward = np.clip((reach - distance) / (reach - flat), 0.0, 1.0)
    return ease(inward) if word == "smooth" else inward


def envelope(n_frames: int, start: float, peak: float | Sequence[float], end: float) -> Float64:
    """Weight frames: 0 up to `start`, eased to 1 at `peak`, eased back to 0 at `end` and after.

    Parameters
    ----------
    n_frames : int
        F, how many frames the take has.
    start, end : float
        The last frame before and the first frame after the envelope; zero-based, fractions allowed. They may lie
        outside the take.
    peak : float or pair of floats
        Where the weight is 1: one frame, or a range from its first to its last frame.

    Returns
    -------
    (F,) float64 in [0, 1], with continuous first and second derivatives in time.

    Raises
    ------
    ValueError
        The order is not ``start < peak < end``, or the peak lies outside the take.
    """
    n = _validate.index("n_frames", n_frames, least=1)
    begin, finish = _validate.number("start", start), _validate.number("end", end)
    first, last = _peak(peak)
    if not begin < first <= last < finish:
        raise ValueError(f"`start`, `peak` and `end` must be in order, got {begin:g}, {peak} and {finish:g}")
    if first < 0 or last > n - 1:
        raise ValueError(f"`peak` must lie in the take, from 0 to {n - 1}, got {peak}")
    frames = np.arange(n, dtype=np.float64)
    rising = np.clip((frames - begin) / (first - begin), 0.0, 1.0)
    falling = np.clip((finish - frames) / (finish - last), 0.0, 1.0)
    return ease(np.minimum(rising, falling))


def _peak(peak: float | Sequence[float]) -> tuple[float, float]:
    if not isinstance(peak, Sequence):
        value = _validate.number("peak", peak)
        return value, value
    if len(peak) != 2:
        raise ValueError(f"`peak` must be a frame or a pair of frames, got {len(peak)} values")
    return _validate.number("peak[0]", peak[0]), _validate.number("peak[1]", peak[1])


def ease(t: Float64) -> Float64:
    """Quintic that goes from 0 to 1 with zero first and second derivatives at both ends."""
    eased: Float64 = t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
    return np.clip(eased, 0.0, 1.0)
