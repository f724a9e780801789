"""Left and right: which vertex mirrors which, found from the polygons or from the positions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.errors import NumericalError
from mien.values.topology import Topology

__all__ = ["METHODS", "Symmetry", "symmetry"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

METHODS = ("auto", "topology", "position")
_SAMPLES, _TARGETS = 500, 2000  # points that the plane is found from
_ROUNDS = 25
_SEEDS = 64  # edges in the middle that a walk over the polygons is tried from,
_FAR = 3.0  # up to so many edge lengths off the plane


class Symmetry(NamedTuple):
    """Pairs of vertices and the plane between them.

    Attributes
    ----------
    partner : (V,) int32
        The vertex on the other side; a vertex in the middle is its own, -1 has none.
    normal : (3,) float64
        Unit normal of the plane ``normal . x = offset``.
    offset : float
        Where the plane lies, scene units.
    """

    partner: npt.NDArray[np.int32]
    normal: Float64
    offset: float

    def reflect(self, points: npt.ArrayLike) -> Float64:
        """Return points mirrored in the plane, (..., 3)."""
        x = np.asarray(points, dtype=np.float64)
        return x - 2.0 * ((x @ self.normal) - self.offset)[..., None] * self.normal

    def mirror(self, displacements: npt.ArrayLike) -> Float64:
        """Return displacements (..., V, 3) as they look from the other side; 0 where a vertex has no partner."""
        d = np.asarray(displacements, dtype=np.float64)[..., self.partner, :]
        d = np.where((self.partner >= 0)[:, None], d, 0.0)
        out: Float64 = d - 2.0 * (d @ self.normal)[..., None] * self.normal
        return out


def symmetry(topology: Topology, neutral: npt.ArrayLike, *, method: str = "auto") -> Symmetry:
    """Find which vertices of a face mirror each other.

    Parameters
    ----------
    topology : Topology
        How the vertices are joined.
    neutral : (V, 3) float32 or float64
        The face at rest, in any pose and unit.
    method : {"auto", "topology", "position"}
        By topology the polygons are walked from an edge in the middle to both sides at once: right for a face that is
        uneven in shape but drawn evenly, such as a scan. By position a vertex is paired with the one nearest to its
        mirror image, within half an edge: right for meshes that are even in shape but not in their polygons. Auto
        takes the topology, and the positions for what it cannot pair.

    Returns
    -------
    Symmetry

    Raises
    ------
    NumericalError
        Fewer than half of the vertices can be paired.

    Notes
    -----
    The plane is found without knowing which way the face looks: from each principal axis the face is reflected and
    laid over itself (reflective iterated closest points, far pairs left out), and the tightest is kept. O(V log V).

    References
    ----------
    Podolak et al. 2006, A planar-reflective symmetry transform for 3D shapes, ACM TOG 25(3), for symmetry as what is
    left when a shape meets its own reflection.
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    points = _validate.points("neutral", neutral, ("V", 3), {"V": topology.n_vertices}).astype(np.float64)
    word = _validate.one_of("method", method, METHODS)
    present = np.asarray(np.isfinite(points).all(axis=1))
    if present.sum() < 3:
        raise ValueError(f"`neutral` must have at least 3 finite vertices, got {present.sum()}")
    normal, offset = _plane(points[present])
    plane = Symmetry(np.empty(0, np.int32), normal, offset)
    partner = np.full(len(points), -1, np.int32)
    if word != "position":
        partner = _by_topology(topology, points, plane)
    if word != "topology":
        near = _by_position(topology, points, present, plane)
        partner = np.where(partner < 0, near, partner)
        partner = _mutual(partner)
    paired = np.count_nonzero(partner >= 0)
    if 2 * paired < len(points):
        raise NumericalError(
            f"`neutral` has no left and right by {word}: {paired} of {len(points)} vertices can be paired"
        )
    normal, offset = _fitted(points, np.flatnonzero((partner >= 0) & present), partner, normal, offset)
    return Symmetry(partner.astype(np.int32), normal, offset)


def _mutual(partner: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    back = np.where(partner >= 0, partner[partner], -1)
    return np.where(back == np.arange(len(partner)), partner, -1).astype(np.int32)


def _fitted(
    points: Float64, chosen: Int64, partner: npt.NDArray[np.int32], normal: Float64, offset: float
) -> tuple[Float64, float]:
    """Fit the plane to pairs by least squares; its normal keeps the side it points to."""
    chosen = chosen[np.isfinite(points[partner[chosen]]).all(axis=1)]
    if len(chosen) < 3:
        return normal, offset
    fitted, d = _reflection(points[chosen], points[partner[chosen]])
    return (fitted, d) if fitted @ normal >= 0 else (-fitted, -d)


def _reflection(a: Float64, b: Float64) -> tuple[Float64, float]:
    """Return the plane that reflects `a` onto `b` best: the normal is where sum b a^T is smallest."""
    middle_a, middle_b = a.mean(axis=0), b.mean(axis=0)
    m = (b - middle_b).T @ (a - middle_a)
    normal = np.linalg.eigh(m + m.T)[1][:, 0]
    return normal, float(normal @ (middle_a + middle_b) / 2)


def _plane(points: Float64) -> tuple[Float64, float]:
    """Find the plane in which the points look most like themselves."""
    few = points[:: max(1, len(points) // _SAMPLES)]
    many = points[:: max(1, len(points) // _TARGETS)]
    middle = points.mean(axis=0)
    tree = _core.NearestPoints(np.ascontiguousarray(many))
    candidates = [
        _settled(few, many, tree, axis, float(axis @ middle))
        for axis in np.linalg.eigh(np.cov((few - middle).T))[1].T
    ]
    _, normal, offset = min(candidates, key=lambda candidate: candidate[0])
    # A sample's mirror image falls between the other samples: only among all points is there one for each.
    spread = float(np.sqrt(((points - middle) ** 2).sum(axis=1).mean()))
    some, everywhere = many, _core.NearestPoints(np.ascontiguousarray(points))
    for reach in spread * np.array([0.08, 0.04, 0.04, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005]):
        mirrored = some - 2.0 * (some @ normal - offset)[:, None] * normal
        nearest = _within(mirrored, everywhere, float(reach))
        kept = nearest >= 0
        if np.count_nonzero(kept) < 0.5 * len(some):
            break
        normal, offset = _reflection(some[kept], points[nearest[kept]])
    return (normal, offset) if normal[np.argmax(np.abs(normal))] > 0 else (-normal, -offset)


def _settled(
    few: Float64, many: Float64, tree: _core.NearestPoints, normal: Float64, offset: float
) -> tuple[float, Float64, float]:
    """Lay the reflected points over the points until they rest; returns how far apart they stay, and the plane."""
    error = np.inf
    for i in range(_ROUNDS):
        mirrored = few - 2.0 * (few @ normal - offset)[:, None] * normal
        nearest, squared = (found[:, 0] for found in tree.find(mirrored, 1))
        error = float(np.mean(np.sqrt(np.sort(squared)[: max(3, int(0.9 * len(few)))])))
        # Far pairs are noses of cropped masks and ears that only one side has.
        kept = squared <= np.quantile(squared, 0.95 if i < 5 else 0.8)
        before = normal
        normal, offset = _reflection(few[kept], many[nearest[kept]])
        if abs(before @ normal) > 1 - 1e-8:
            break
    return error, normal, offset


def _by_position(
    topology: Topology, points: Float64, present: npt.NDArray[np.bool_], plane: Symmetry
) -> npt.NDArray[np.int32]:
    """Pair each vertex with the nearest one to its mirror image, both ways, within half an edge."""
    triangles = topology.triangles
    edges = np.linalg.norm(points[triangles] - points[np.roll(triangles, 1, axis=1)], axis=2)
    edges = edges[np.isfinite(edges)]
    reach = 0.5 * float(np.median(edges)) if edges.size else 1e-3 * float(np.ptp(points[present]))
    partner = np.full(len(points), -1, np.int32)
    known = np.flatnonzero(present)
    tree = _core.NearestPoints(points[known])
    found = _within(plane.reflect(points[known]), tree, max(reach, np.finfo(float).tiny))
    partner[known] = np.where(found >= 0, known[found], -1)
    return _mutual(partner)


def _within(queries: Float64, points: _core.NearestPoints, reach: float) -> Int64:
    """Return for each query the nearest point nearer than `reach`, -1 for none."""
    nearest, squared = points.find(np.ascontiguousarray(queries), 1)
    found: Int64 = np.where(squared[:, 0] < reach**2, nearest[:, 0], -1).astype(np.int64)
    return found


class _Corners(NamedTuple):
    """Half-edges, one a face corner: from its own vertex to the next corner's."""

    vertex: Int64
    next: Int64
    previous: Int64
    twin: Int64  # -1 at borders and where more than two faces meet
    sides: Int64  # corners of its face

    @property
    def end(self) -> Int64:
        return self.vertex[self.next]


def _corners(topology: Topology) -> _Corners:
    counts = topology.face_counts.astype(np.int64)
    vertex = topology.face_indices.astype(np.int64)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    count = np.repeat(counts, counts)
    place = np.arange(len(vertex)) - first
    after, before = first + (place + 1) % count, first + (place - 1) % count
    n = topology.n_vertices
    forward, backward = vertex * n + vertex[after], vertex[after] * n + vertex
    order = np.argsort(forward, kind="stable")
    ordered = forward[order]
    at = np.searchsorted(ordered, backward)
    matches = np.searchsorted(ordered, backward, side="right") - at
    alone = np.searchsorted(ordered, forward, side="right") - np.searchsorted(ordered, forward) == 1
    twin = np.where((matches == 1) & alone, order[np.minimum(at, len(order) - 1)], -1)
    return _Corners(vertex, after, before, twin, count)


def _by_topology(topology: Topology, points: Float64, plane: Symmetry) -> npt.NDArray[np.int32]:
    """Walk the polygons to both sides at once, from edges in the middle or between parts that come in pairs."""
    corners = _corners(topology)
    mirrored = np.full(len(corners.vertex), -1, np.int64)
    middles = 0.5 * (points[corners.vertex] + points[corners.end])
    far = np.abs(middles @ plane.normal - plane.offset)
    ways = points[corners.end] - points[corners.vertex]
    # An edge along the plane maps to itself seen from the other face; one across the plane maps to itself.
    length = np.maximum(np.linalg.norm(ways, axis=1), np.finfo(float).tiny)
    across = np.abs(ways @ plane.normal) / length
    for part in _parts(topology, corners):
        score = np.where(np.isfinite(far[part]), far[part] / length[part], np.inf)
        lying = np.minimum(across[part], 1 - across[part])
        score = score + lying + np.where(corners.twin[part] < 0, 1.0, 0.0) * (across[part] < 0.5)
        best: Int64 | None = None
        for i in np.argsort(score, kind="stable")[:_SEEDS]:
            seed = part[i]
            if not score[i] < _FAR:
                break
            image = seed if across[seed] > 0.5 else corners.twin[seed]
            if image >= 0 and (walked := _walk(corners, seed, image)) is not None:
                best = walked
                break
        if best is not None:
            mirrored[part] = best[part]
    _pair_parts(topology, corners, points, plane, middles, mirrored)
    partner = np.full(topology.n_vertices, -1, np.int32)
    done = mirrored >= 0
    partner[corners.vertex[done]] = corners.end[mirrored[done]]
    return _mutual(partner)


def _parts(topology: Topology, corners: _Corners) -> list[Int64]:
    """Return the half-edges of each connected part, largest first."""
    label = np.arange(topology.n_vertices)
    start, end = corners.vertex, corners.end
    while True:  # labels fall to the smallest neighbour's, then jump: a few rounds
        lowest = label.copy()
        np.minimum.at(lowest, start, label[end])
        np.minimum.at(lowest, end, label[start])
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
            break
        label = lowest
    own = label[start]
    order = np.argsort(own, kind="stable")
    cuts = np.flatnonzero(np.diff(own[order])) + 1
    return sorted(np.split(order, cuts), key=len, reverse=True) if len(order) else []


def _walk(corners: _Corners, seed: int, image: int) -> Int64 | None:
    """Spread ``seed -> image`` over a part, turning the other way round there; None when the polygons differ."""
    mirrored = np.full(len(corners.vertex), -1, np.int64)
    front, mirrored[seed] = np.array([seed]), image
    while front.size:
        to = mirrored[front]
        if (corners.sides[front] != corners.sides[to]).any():
            return None
        border, border_there = corners.twin[front] < 0, corners.twin[to] < 0
        if (border != border_there).any():
            return None
        wanted = np.concatenate([corners.next[front], corners.twin[front][~border]])
        there = np.concatenate([corners.previous[to], corners.twin[to][~border]])
        fresh = mirrored[wanted] < 0
        if (mirrored[wanted[~fresh]] != there[~fresh]).any():
            return None
        mirrored[wanted[fresh]] = there[fresh]
        if (mirrored[wanted] != there).any():
            return None
        front = np.unique(wanted[fresh])
    return mirrored


def _pair_parts(
    topology: Topology,
    corners: _Corners,
    points: Float64,
    plane: Symmetry,
    middles: Float64,
    mirrored: Int64,
) -> None:
    """Pair parts that lie on one side each, such as eyes: by a walk from the edges that fit best."""
    seen = np.asarray(np.isfinite(middles).all(axis=1))
    open_parts = [p for p in _parts(topology, corners) if mirrored[p[0]] < 0 and seen[p].any()]
    centres = {int(p[0]): middles[p[seen[p]]].mean(axis=0) for p in open_parts}
    for i, part in enumerate(open_parts):
        if mirrored[part[0]] >= 0:
            continue
        goal = plane.reflect(centres[int(part[0])])
        others = [p for p in open_parts[i + 1 :] if len(p) == len(part) and mirrored[p[0]] < 0]
        others.sort(key=lambda p: float(np.linalg.norm(centres[int(p[0])] - goal)))
        for other in others[:2]:
            walked = _walk_between(corners, plane, middles, points, part, other)
            if walked is not None:
                mirrored[part] = walked[part]
                mirrored[walked[part]] = part
                break


def _walk_between(
    corners: _Corners, plane: Symmetry, middles: Float64, points: Float64, part: Int64, other: Int64
) -> Any:
    ways = points[corners.end] - points[corners.vertex]
    seeds = part[np.argsort(-np.linalg.norm(ways[part], axis=1), kind="stable")[:8]]
    for seed in seeds:
        place = plane.reflect(middles[seed])
        way = ways[seed] - 2.0 * (ways[seed] @ plane.normal) * plane.normal
        gap = np.linalg.norm(middles[other] - place, axis=1) + np.linalg.norm(ways[other] + way, axis=1)
        for image in other[np.argsort(gap, kind="stable")[:4]]:
            walked = _walk(corners, seed, image)
            if walked is not None:
                return walked
    return None
