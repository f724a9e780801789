"""Lips that were sealed stay sealed, lids stay on the eye, whatever edits before this one do."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene
from mien.editing.recipes import Envelope, checked_envelope, checked_vertices, frame_weights
from mien.geometry import regions
from mien.geometry.alignment import extent
from mien.geometry.deform.laplacian import LaplacianDeformer
from mien.values.performance import Performance
from mien.values.topology import Topology

__all__ = ["Contact"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_YIELDS = ("both", "first")
# A face is about 250 mm in extent: lengths below are in 250ths of the extent, which are about millimetres.
_PARTS = 250.0
_DISTANCE = 0.3  # of what was sealed
_REACH = 15.0  # how far from where it touches the surface gives way
_DEPTH = 3.0  # what lies deeper behind the other side than this was not pushed through it by an edit
_DEEP = 0.05  # what is pushed out for certain; less is eased into
_PASSES = 12
_ENOUGH = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Contact(Edit):
    """Keep two sides of the face in contact where the take has them so, and keep them out of each other.

    Goes after the edits it should mend. Where a vertex of one side touches the other side in the take, it stays at that
    place of it; where an edit has pushed one side through the other, they are put back to touching. Frames where edits
    leave both sides alone keep their bits.

    Parameters
    ----------
    first, second : (n,) int or (V,) bool
        The vertices of the two sides, as the upper and the lower lip, or an upper lid and the eye: all that may touch,
        and some more around. Sides share no vertex.
    yields : {"both", "first"}
        Who gives way. "first" for lids on an eye, which does not.
    distance : float, optional
        Up to where sides count as touching, scene units; fades out to twice that. 0.3 mm on a face by default
        (1/833 of its extent).
    reach : float, optional
        How far from the sides, along the surface, their surroundings give way with them; 15 mm on a face by default.
    envelope : (F,) floats in [0, 1] or EnvelopeRecipe, optional
        Frame weights; everywhere by default.

    Raises
    ------
    TypeError, ValueError
        Sides are empty, share a vertex, name vertices twice or below 0; a length is not above 0.

    Notes
    -----
    Corrections at the sides' vertices are found by repeated projection, in head space, frame by frame; the surface
    around follows as a thin plate (`LaplacianDeformer`). O(n T) a frame for n vertices and T triangles of the sides.
    What already is inside the other side in the take stays as deep as it is there. Where both sides give way, they
    cannot meet each other's demands to the last: a gap may differ from the take's by 0.03 mm.
    """

    kind: ClassVar[str] = "contact"

    first: npt.ArrayLike
    second: npt.ArrayLike
    _: dataclasses.KW_ONLY
    yields: str = "both"
    distance: float | None = None
    reach: float | None = None
    envelope: Envelope = None

    def __post_init__(self) -> None:
        for name in ("first", "second"):
            vertices = checked_vertices(name, "n", getattr(self, name))
            if not len(vertices):
                raise ValueError(f"`{name}` must name at least one vertex, got none")
            object.__setattr__(self, name, vertices)
        both = np.intersect1d(self.first, self.second)
        if both.size:
            raise ValueError(f"`second` must share no vertex with `first`, got vertex {both[0]} in both")
        object.__setattr__(self, "yields", _validate.one_of("yields", self.yields, _YIELDS))
        for name in ("distance", "reach"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _validate.number(name, getattr(self, name), above=0))
        object.__setattr__(self, "envelope", checked_envelope(self.envelope))

    def apply_to(self, scene: Scene) -> Application:
        """Work the contact out on a performance."""
        performance, n = scene.performance, len(scene.performance)
        start, stop, factors = frame_weights(np.ones(n) if self.envelope is None else self.envelope, n)
        unit = extent(performance.neutral.astype(np.float64)) / _PARTS
        near = _DISTANCE * unit if self.distance is None else self.distance
        sides = self._sides(performance.take.topology)
        moving = [sides[0]] if self.yields == "first" else list(sides)
        handles = np.concatenate([side.vertices for side in moving])
        weights = self._around(performance, handles, unit)
        deformer = LaplacianDeformer(
            performance.take.topology,
            np.ascontiguousarray(performance.neutral, np.float64),
            handles,
            region=weights,
            kind="bilaplacian",
        )
        used = np.concatenate([side.vertices for side in sides])
        still = np.zeros((performance.take.n_vertices, 3))

        def add(block: Block) -> None:
            delta = block.delta
            factor = block.of_frames(start, factors)
            touched = np.flatnonzero(factor * delta[:, used].any(axis=(1, 2)))
            for f in touched:
                source = _in_head(block, int(f))
                moves = _corrections(sides, source, source + delta[f], near, unit, len(moving))
                if moves.any():
                    delta[f] += factor[f] * deformer.solve(moves, still)

        return Application(start, stop, weights, add)

    def _sides(self, topology: Topology) -> tuple[_Side, _Side]:
        for name in ("first", "second"):
            vertices = np.asarray(getattr(self, name))
            if vertices.max() >= topology.n_vertices:
                raise ValueError(
                    f"`{name}` must name vertices below V = {topology.n_vertices}, got {vertices.max()}"
                )
        triangles = topology.triangles.astype(np.int64)
        sides = []
        for name in ("first", "second"):
            vertices = np.asarray(getattr(self, name), np.int64)
            row = np.full(topology.n_vertices, -1)
            row[vertices] = np.arange(len(vertices))
            whole = row[triangles]
            whole = whole[(whole >= 0).all(axis=1)]
            if not len(whole):
                raise ValueError(
                    f"`{name}` must hold the corners of at least one face, got {len(vertices)} vertices that hold none"
                )
            sides.append(_Side(vertices, np.ascontiguousarray(whole)))
        return sides[0], sides[1]

    def _around(self, performance: Performance, handles: Int64, unit: float) -> Float64:
        """Return 1 for the vertices that give way and those that may be moved with them, (V,)."""
        reach = _REACH * unit if self.reach is None else self.reach
        away = regions.geodesic_distance(performance.take.topology, performance.neutral, handles)
        return (away < reach).astype(np.float64)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        fields: dict[str, Any] = {
            "first": np.asarray(self.first).tolist(),
            "second": np.asarray(self.second).tolist(),
            "yields": self.yields,
        }
        for name in ("distance", "reach"):
            if getattr(self, name) is not None:
                fields[name] = getattr(self, name)
        return {**fields, **writer.places(None, self.envelope)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Contact:
        """Read what `to_fields` gave."""
        return cls(
            fields.numbers("first"),
            fields.numbers("second"),
            yields=fields.take("yields", "both"),
            distance=fields.take("distance", None),
            reach=fields.take("reach", None),
            envelope=fields.envelope(),
        )


class _Side(NamedTuple):
    """Vertices (n,) of the mesh, and triangles (T, 3) between them as rows of these."""

    vertices: Int64
    triangles: Int64


class _Place(NamedTuple):
    """For n points which triangle of the other side they are nearest to (-1: none), and where on it."""

    triangle: Int64
    share: Float64

    def on(self, side: _Side, corners: Float64) -> Float64:
        """Return the place's position (n, 3) from rows (m, 3) of a side."""
        return np.asarray((corners[side.triangles[self.triangle]] * self.share[:, :, None]).sum(axis=1))


def _in_head(block: Block, f: int) -> Float64:
    moved = block.take[f].astype(np.float64) - block.translation[f]
    return np.stack([(moved * block.rotation[f][:, i]).sum(axis=1) for i in range(3)], axis=1)


def _corrections(
    sides: tuple[_Side, _Side], source: Float64, edited: Float64, near: float, unit: float, n_moving: int
) -> Float64:
    """Return how far to move the vertices of the moving sides, one after the other, (n, 3)."""
    before = [source[side.vertices] for side in sides]
    now = [edited[side.vertices] for side in sides]
    given = [positions.copy() for positions in now]
    sealed = [_sealed(sides, before, i, near) for i in (0, 1)]
    depths = [_depth(sides, before, i, unit)[0] for i in (0, 1)]
    half = 1.0 if n_moving == 1 else 0.5
    for _ in range(_PASSES):
        wanted = [np.zeros_like(now[i]) for i in (0, 1)]
        for i in (0, 1):
            # Where only the first side gives way, what the second would have to do is done by the corners it meets.
            if i < n_moving:
                wanted[i] += half * _missing(sides, before, now, i, sealed[i], depths[i], unit)
            else:
                _hand_over(sides, before, now, sealed[i], wanted[0])
        for i in range(n_moving):
            now[i] += wanted[i]
        if not any((np.abs(w) > _ENOUGH * near).any() for w in wanted):
            break
    moves = np.concatenate([now[i] - given[i] for i in range(n_moving)])
    return np.where(np.isfinite(moves), moves, 0.0)  # missing vertices stay missing


def _nearest(sides: tuple[_Side, _Side], positions: list[Float64], i: int, reach: float) -> _Place:
    from mien._kernels import touching as kernels  # Numba takes longer to import than all else

    points, other = positions[i], positions[1 - i]
    place = _Place(np.empty(len(points), np.int64), np.zeros((len(points), 3)))
    kernels.nearest_on_triangles(points, other, sides[1 - i].triangles, reach, place.triangle, place.share)
    return place


def _sealed(sides: tuple[_Side, _Side], before: list[Float64], i: int, near: float) -> tuple[_Place, Float64]:
    """Return where the vertices of a side touch the other in the take, and how much they do, (n,) in [0, 1]."""
    place = _nearest(sides, before, i, 2 * near)
    gap = np.sqrt(np.sum((before[i] - place.on(sides[1 - i], before[1 - i])) ** 2, axis=1))
    amount = np.where(place.triangle >= 0, 1 - regions.ease(np.clip(gap / near - 1, 0, 1)), 0.0)
    return place, np.asarray(amount)


def _missing(
    sides: tuple[_Side, _Side],
    before: list[Float64],
    now: list[Float64],
    i: int,
    sealed: tuple[_Place, Float64],
    allowed: Float64,
    unit: float,
) -> Float64:
    """Return what would bring a side's vertices to where they touched, and out of the other side, (n, 3)."""
    place, amount = sealed
    other = sides[1 - i]
    was = before[i] - place.on(other, before[1 - i])
    back = amount[:, None] * (was - (now[i] - place.on(other, now[1 - i])))
    depth, normal = _depth(sides, now, i, unit)
    out = np.maximum(depth - allowed, 0)
    eased = out * regions.ease(np.minimum(out / (_DEEP * unit), 1))
    return np.asarray(np.where(amount[:, None] > 0, back, 0.0) + ((1 - amount) * eased)[:, None] * normal)


def _hand_over(
    sides: tuple[_Side, _Side],
    before: list[Float64],
    now: list[Float64],
    sealed: tuple[_Place, Float64],
    wanted: Float64,
) -> None:
    """Add what the first side must do so that a second side that does not move keeps touching it."""
    place, amount = sealed
    rows = np.flatnonzero(amount)
    if not len(rows):
        return
    first = sides[0]
    was = before[1][rows] - place.on(first, before[0])[rows]
    back = amount[rows, None] * (now[1][rows] - place.on(first, now[0])[rows] - was)
    corners, share = first.triangles[place.triangle[rows]], place.share[rows]
    total, parts = np.zeros(len(wanted)), np.zeros_like(wanted)
    np.add.at(total, corners, share)
    np.add.at(parts, corners, share[:, :, None] * back[:, None])
    held = total > 0
    wanted[held] += 0.5 * parts[held] / total[held, None]


def _depth(
    sides: tuple[_Side, _Side], positions: list[Float64], i: int, unit: float
) -> tuple[Float64, Float64]:
    """Return how deep vertices lie behind the other side's surface (n,), 0 in front of it, and the way out (n, 3)."""
    other = sides[1 - i]
    place = _nearest(sides, positions, i, _DEPTH * unit)
    normals = _normals(other, positions[1 - i])
    corners = other.triangles[place.triangle]
    normal = _unit((normals[corners] * place.share[:, :, None]).sum(axis=1))
    away = positions[i] - place.on(other, positions[1 - i])
    length = np.sqrt(np.sum(away**2, axis=1))
    behind = -np.sum(away * normal, axis=1)
    # Straight behind, not past a rim: 45 degrees off count half.
    straight = regions.ease(np.clip((behind / np.maximum(length, 1e-300) - 0.5) / 0.4, 0, 1))
    # A surface is not behind one that looks the same way.
    against = -np.sum(_normals(sides[i], positions[i]) * normal, axis=1)
    counts = straight * regions.ease(np.clip(against / 0.3, 0, 1)) * (place.triangle >= 0)
    depth = np.where(behind > 0, behind, 0.0) * counts
    return np.where(np.isfinite(depth), depth, 0.0), np.where(np.isfinite(normal), normal, 0.0)


def _normals(side: _Side, positions: Float64) -> Float64:
    """Return unit normals (n, 3) at a side's vertices, from its own triangles."""
    corners = np.ascontiguousarray(positions.T)[:, side.triangles]
    (ux, uy, uz), (vx, vy, vz) = (corners[:, :, k] - corners[:, :, 0] for k in (1, 2))
    flat = (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
    rows, n = side.triangles.T.ravel(), len(positions)
    return _unit(np.stack([np.bincount(rows, np.tile(f, 3), n) for f in flat], axis=1))


def _unit(vectors: Float64) -> Float64:
    length = np.sqrt(np.sum(vectors**2, axis=-1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, 1e-300))
