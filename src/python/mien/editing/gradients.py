"""The transform-invariant way to compose, which never needs the head.

Shapes are described by how their triangles are stretched and turned, and anchored on what is not edited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.editing.edits import Application, Block, Scene
from mien.editing.recipes import FrameWeights
from mien.editing.times import through_four_frames
from mien.geometry.alignment import align_frames
from mien.geometry.deform.laplacian import LaplacianDeformer
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion
from mien.values.topology import Topology

__all__ = ["COMPOSITIONS", "Anchoring", "Carrying", "carried", "pasted", "relaid", "require_finite_frames"]

Float64 = npt.NDArray[np.float64]

COMPOSITIONS = ("head", "gradients")
# Vertices that differ by less, relative to the face's diagonal, are the same.
_SAME = 1e-6
# A paste is laid on this many rings of vertices around its region.
_RINGS = 3


def require_finite_frames(name: str, performance: Performance, start: int, stop: int) -> None:
    """Raise a ValueError where vertices are missing: gradients need all of them."""
    positions = performance.take.positions[start:stop]
    place = _core.first_non_finite(positions)
    if place is not None:
        raise ValueError(
            f"`{name}` must be finite for gradients, got {positions[place].tolist()} at frame {start + place[0]}, "
            f"vertex {place[1]}"
        )


class Anchoring:
    """Put shapes on frames so that some vertices are those of the frames and the rest is bent as little as can be.

    Parameters
    ----------
    topology : Topology
    shape : (V, 3) float64
        On which stiffness is measured.
    kept : (V,) booleans
        Vertices that stay on the frames. Connected parts without one are left where the shapes have them.
    """

    def __init__(self, topology: Topology, shape: Float64, kept: npt.NDArray[np.bool_]) -> None:
        triangles = topology.triangles
        mixed = triangles[kept[triangles].any(axis=1) & ~kept[triangles].all(axis=1)]
        touched = np.zeros(len(kept), bool)
        touched[mixed.ravel()] = True
        self.kept, self.edge = kept, np.flatnonzero(kept & touched)
        self._deformer: LaplacianDeformer | None = None
        if len(self.edge):
            moving = _joined_to(triangles, touched & ~kept, ~kept)
            moving[self.edge] = True
            self._deformer = LaplacianDeformer(
                topology, shape, self.edge, region=moving.astype(np.float64), dtype=np.float64
            )

    def put(self, shapes: Float64, frames: Float64) -> Float64:
        """Return shapes (n, V, 3) put on frames (n, V, 3)."""
        out = shapes
        if self._deformer is not None:
            out = self._deformer.solve(
                np.ascontiguousarray(frames[:, self.edge]), np.ascontiguousarray(shapes)
            )
        return np.where(self.kept[:, None], frames, out)


class Carrying:
    """Carry frames from one shape to another, triangle by triangle; what both have in common stays on the frames.

    Minimises ``sum_t area_t |∇y - S_t|²`` with S_t the gradient of the frame's triangle against `source` and y the
    wanted positions of `target`. Where the frame is `source`, the result is `target`; where a frame is moved rigidly,
    so is the result. Parts that have nothing in common move as far, times the ratio of the sizes.
    """

    def __init__(self, topology: Topology, source: Float64, target: Float64) -> None:
        kept = (source == target).all(axis=1)
        source, target = np.ascontiguousarray(source), np.ascontiguousarray(target)
        self.kept = kept
        self._anchoring = Anchoring(topology, target, kept)
        self._transfer = _core.DeformationTransfer(
            source,
            topology.triangles,
            target,
            topology.triangles,
            None,
            np.flatnonzero(kept).astype(np.int32),
            is_double=True,
        )

    def carry(self, frames: Float64) -> Float64:
        """Return frames (n, V, 3) as the target would act them."""
        out = np.empty_like(frames)
        self._transfer.apply(frames, out)
        return self._anchoring.put(out, frames)


def carried(
    scene: Scene, source: Float64, targets: Sequence[Float64], start: int, stop: int, factors: Float64
) -> Application:
    """Return an edit that acts frames with targets in place of `source`: ``current + sum e (carried - current)``.

    There is a column of `factors` (n, K) for each target. Vertices that differ by at most 1e-6 of the source's
    diagonal from it in every target keep their bits.
    """
    performance = scene.performance
    missing = np.flatnonzero(~np.isfinite(source).all(axis=1))
    if len(missing):
        raise ValueError(
            f"every vertex must be there for gradients, got {source[missing[0]].tolist()} at vertex {missing[0]}"
        )
    require_finite_frames("take", performance, start, stop)
    near = _SAME * np.linalg.norm(np.ptp(source, axis=0))
    changed = np.array([np.linalg.norm(target - source, axis=1) > near for target in targets])
    reached = np.where(changed.any(axis=0), 1.0, 0.0)
    carryings = [
        (k, Carrying(performance.take.topology, source, np.where(moved[:, None], target, source)))
        for k, (target, moved) in enumerate(zip(targets, changed, strict=True))
        if moved.any()
    ]

    def add(block: Block) -> None:
        current, table = block.current(), block.of_frames(start, factors)
        for k, carrying in carryings:
            difference = (carrying.carry(current) - current).transpose(0, 2, 1)
            block.planes[...] += difference * (table[:, k, None, None] * changed[k])

    return Application(start, stop, reached, add)


class _Bordering:
    """The neutral's surface around a region, which the region is laid on and bent to meet."""

    def __init__(self, performance: Performance, weights: Float64 | None) -> None:
        topology = performance.take.topology
        self.neutral = performance.neutral.astype(np.float64)
        kept = np.zeros(topology.n_vertices, bool) if weights is None else weights == 0
        if weights is None or not kept[topology.triangles].any():
            raise ValueError(
                "`region` must leave a part of the face alone for gradients, which are anchored there, got everywhere"
            )
        self.weights: Float64 = weights
        self.anchoring = Anchoring(topology, self.neutral, kept)
        self.around = _rings(topology.triangles, self.anchoring.edge, kept)
        if not len(self.around):
            raise ValueError(
                "`region` must border on a part of the face that is left alone, got one that does not"
            )

    def way(self, shape: Float64, frame: Float64) -> RigidMotion:
        """Return the rigid motion that lays a shape (V, 3) on a frame (V, 3), around the region."""
        fit = align_frames(frame[None, self.around], shape[self.around], robust=True)
        return RigidMotion(fit.rotation, fit.translation)


def relaid(
    scene: Scene,
    weights: Float64 | None,
    frames: FrameWeights,
    goal: Callable[[Float64], Float64],
) -> Application:
    """Return an edit that pulls each frame to what `goal` makes of it: ``current + w e (put - current)``.

    `goal` gets the frame laid on the neutral by a robust rigid fit of the vertices around the region, in place of its
    head; what comes of it is laid back and bent so that what is outside of the region stays.
    """
    performance, (start, stop, factors) = scene.performance, frames
    border = _Bordering(performance, weights)
    require_finite_frames("take", performance, start, stop)

    def add(block: Block) -> None:
        current = block.current()
        laid = np.empty_like(current)
        for f in range(len(current)):
            way = border.way(border.neutral, current[f])
            laid[f] = way.apply(goal(way.apply_inverse(current[f])[0]))[0]
        difference = (border.anchoring.put(laid, current) - current).transpose(0, 2, 1)
        block.planes[...] += difference * (block.of_frames(start, factors)[:, None, None] * border.weights)

    return Application(start, stop, border.weights, add)


def pasted(
    scene: Scene, source: Performance, times: Float64, weights: Float64 | None, frames: FrameWeights
) -> Application:
    """Return an edit that puts a source at some times (n,) over frames: ``current + w e (put - current)``.

    Each is laid on the frame by a robust rigid fit of the vertices around the region, then bent so that what is
    outside of the region stays. No head is needed, but that of a source with another neutral, to carry it over, or at
    times between its frames.
    """
    performance, (start, stop, factors) = scene.performance, frames
    border = _Bordering(performance, weights)
    topology, neutral = performance.take.topology, border.neutral
    require_finite_frames("take", performance, start, stop)
    whole, reach = bool((times == np.floor(times)).all()), 0
    if not whole:
        reach = 2  # frames around, for the cubic between
    first, last = max(int(times.min()) - reach, 0), min(int(times.max()) + 1 + reach, len(source))
    require_finite_frames("source", source, first, last)
    positions, head = source.take.positions, source.head
    transfer = None
    if not np.array_equal(source.neutral, performance.neutral):
        transfer = _core.DeformationTransfer(
            source.neutral.astype(np.float64),
            topology.triangles,
            neutral,
            topology.triangles,
            None,
            np.empty(0, np.int32),
            is_double=True,
        )

    def of_source(f: int) -> Float64:
        frame: Float64 = positions[f].astype(np.float64)
        # Between frames, and from one neutral to another, the source needs its head.
        return frame if transfer is None and whole else head[f].apply_inverse(frame)[0]

    at = through_four_frames(of_source, len(source))

    def shapes(wanted: Float64) -> Float64:
        found = np.stack([at(time) for time in wanted])
        if transfer is None:
            return found
        out = np.empty_like(found)
        transfer.apply(found, out)
        return out

    def add(block: Block) -> None:
        current, laid = block.current(), shapes(block.of_frames(start, times))
        for f in range(len(current)):
            laid[f] = border.way(laid[f], current[f]).apply(laid[f])[0]
        difference = (border.anchoring.put(laid, current) - current).transpose(0, 2, 1)
        block.planes[...] += difference * (block.of_frames(start, factors)[:, None, None] * border.weights)

    return Application(start, stop, border.weights, add)


def _rings(
    triangles: npt.NDArray[np.int32], edge: npt.NDArray[Any], kept: npt.NDArray[np.bool_]
) -> npt.NDArray[Any]:
    """Return the kept vertices up to a few edges from the region's."""
    found = np.zeros(len(kept), bool)
    found[edge] = True
    for _ in range(_RINGS):
        found[triangles[found[triangles].any(axis=1)].ravel()] = True
        found &= kept
    return np.flatnonzero(found)


def _joined_to(
    triangles: npt.NDArray[np.int32], seeds: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]
) -> npt.NDArray[Any]:
    """Return the vertices of `inside` that a chain of triangles' edges inside joins to a seed."""
    found = seeds & inside
    while True:
        reached = found[triangles].any(axis=1)
        grown = found.copy()
        grown[triangles[reached].ravel()] = True
        grown &= inside
        if grown.sum() == found.sum():
            return found
        found = grown
