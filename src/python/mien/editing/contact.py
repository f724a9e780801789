"""Lips that were sealed stay sealed, lids stay on the eye, whatever edits before this one do."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
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
    around follows as a thin plate (`LaplacianDeformer`). O(n k) a frame for n vertices and the k triangles near each.
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
        topology = performance.take.topology
        (first, n_first), (second, n_second) = self._sides(topology)
        both = np.concatenate([self.first, self.second])
        solver = _core.Contact(
            first, n_first, second, n_second, near=near, unit=unit, second_yields=self.yields == "both"
        )
        handles = both if self.yields == "both" else both[:n_first]
        weights = self._around(performance, handles, unit)
        neutral = np.ascontiguousarray(performance.neutral, np.float64)
        deformer = LaplacianDeformer(topology, neutral, handles, region=weights, kind="bilaplacian")
        still = np.zeros((performance.take.n_vertices, 3))

        def add(block: Block) -> None:
            delta = block.delta
            factor = block.of_frames(start, factors)
            touched = np.flatnonzero(factor * delta[:, both].any(axis=(1, 2)))
            if not len(touched):
                return
            source = np.empty((len(touched), len(both), 3))
            taken = block.take[touched[:, None], both].astype(np.float64)
            _core.apply_rigid_inverse(taken, block.rotation[touched], block.translation[touched], source)
            moves = solver.correct(source, source + delta[touched[:, None], both])
            for f, move in zip(touched, moves, strict=True):
                if move.any():
                    delta[f] += factor[f] * deformer.solve(move, still)

        return Application(start, stop, weights, add)

    def _sides(self, topology: Topology) -> list[tuple[npt.NDArray[np.int32], int]]:
        """Return triangles (T, 3) as rows of a side, and how many vertices it has, for both sides."""
        for name in ("first", "second"):
            vertices = np.asarray(getattr(self, name))
            if vertices.max() >= topology.n_vertices:
                raise ValueError(
                    f"`{name}` must name vertices below V = {topology.n_vertices}, got {vertices.max()}"
                )
        triangles = topology.triangles
        sides = []
        for name in ("first", "second"):
            vertices = np.asarray(getattr(self, name), np.int64)
            row = np.full(topology.n_vertices, -1, np.int32)
            row[vertices] = np.arange(len(vertices), dtype=np.int32)
            whole = row[triangles]
            whole = whole[(whole >= 0).all(axis=1)]
            if not len(whole):
                raise ValueError(
                    f"`{name}` must hold the corners of at least one face, got {len(vertices)} vertices that hold none"
                )
            sides.append((np.ascontiguousarray(whole), len(vertices)))
        return sides

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
