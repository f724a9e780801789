"""A whole take solved jointly: learned from some of its frames, then frame by frame, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import extent
from mien.separation.blocks import Progress, Separated, align_take
from mien.separation.joint import HALF_TRUST, learn
from mien.separation.modes import Modes
from mien.separation.path import steady_path
from mien.separation.rest import find_rest
from mien.separation.typical import spread_over
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["solve_jointly"]

Float64 = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

_VERTICES = 1000
_LEARNED_FRAMES = 192
_BLOCK = 256
# Reweightings that bring a head near enough to be refined.
_START_ITERATIONS = 12
# Predicted error after a second opinion, fitted on development takes: what is left of the first one's where the second
# decides alone, and what their distance adds. At a predicted 0.3 mm on a face, of the extent, confidence is one half.
_DECIDED, _APART = 0.25, 0.15
# Frames above this quantile of the inverse squared error predicted count fully for the path, others at least so much.
_CERTAIN, _LEAST_SHARE = 0.9, 0.001


class _Thin(NamedTuple):
    """Some vertices of a take, of which a few frames are read at a time: the take may be larger than memory."""

    take: MeshSequence
    vertices: npt.NDArray[np.int64]
    topology: Topology

    def read(self, frames: Frames) -> MeshSequence:
        """Return the vertices at some frames, copied."""
        source = self.take.positions
        positions = np.empty((len(frames), len(self.vertices), 3), source.dtype)
        for f, to in zip(frames, positions, strict=True):
            np.take(source[f], self.vertices, axis=0, out=to, mode="clip")
        return MeshSequence(self.topology, positions, fps=self.take.fps, start_frame=self.take.start_frame)


def solve_jointly(
    take: MeshSequence,
    neutral: npt.NDArray[Any],
    weights: Float64 | None,
    progress: Progress | None,
    modes: Callable[[Float64, npt.NDArray[np.int64]], Modes],
    *,
    by_rest: bool,
) -> Separated:
    """Learn from up to 192 frames and about 1,000 vertices, solve every frame, block by block, then steady the path.

    `by_rest` also asks what comes to rest: a model of faces in general needs that, a rig of the actor does not. Memory
    is that of the frames that are learned from, whatever the length of the take.
    """
    prior = np.ones(len(neutral)) if weights is None else weights
    usable = np.flatnonzero((prior > 0) & np.isfinite(neutral).all(axis=1))
    index = usable[:: max(1, len(usable) // _VERTICES)]
    points, own = neutral[index].astype(np.float64), np.ascontiguousarray(prior[index])
    thin = _Thin(take, index, Topology([], [], len(index)))

    def begun(frames: Frames) -> tuple[MeshSequence, RigidMotion]:
        block = thin.read(frames)
        fit = align_take(block, points, own, robust=True, frames=frames, max_iterations=_START_ITERATIONS)
        return block, RigidMotion(fit.rotation, fit.translation)

    block, head = begun(spread_over(len(take), _LEARNED_FRAMES))
    solver = learn(block.positions, points, own, head, modes(points, index))
    rest = None
    if by_rest:
        sample, head = begun(spread_over(len(take)))
        rest = find_rest(sample, points, own, solver.refine(sample.positions, head).head)
    rotation, translation = np.empty((len(take), 3, 3)), np.empty((len(take), 3))
    residual, trust = np.empty(len(take)), np.empty(len(take))
    half = HALF_TRUST * extent(points)
    everything = own.sum()
    for begin in range(0, len(take), _BLOCK):
        stop = min(len(take), begin + _BLOCK)
        frames = np.arange(begin, stop)
        block, head = begun(frames)
        head, first, residual[begin:stop] = solver.refine(block.positions, head)
        shown = np.sum(np.isfinite(block.positions).all(axis=2) * own, axis=1) / everything
        first = first * shown**4 / (first * shown**4 + (1 - first))  # the error grows by 1 / shown²
        if rest is not None:
            head, apart = rest.steadied(block, head, frames)
            left = (1 - (1 - _DECIDED) * rest.decides) ** 2
            first = first / (first + left * (1 - first) + first * (_APART * apart / half) ** 2)
        trust[begin:stop] = first
        rotation[begin:stop], translation[begin:stop] = head.rotation, head.translation
        if progress is not None:
            progress(stop, len(take))
    centre = points.mean(axis=0)
    radius = float(np.sqrt(np.mean(np.sum((points - centre) ** 2, axis=1))))
    found = steady_path(RigidMotion(rotation, translation), centre, radius, _share_of_path(trust))
    return Separated(found, residual, trust)


def _share_of_path(trust: Float64) -> Float64:
    """Return how far each frame counts for the path (F,): as the inverse square of its predicted error."""
    inverse = trust / np.maximum(1 - trust, 1e-12)
    known = trust > 0
    full: np.float64 = np.quantile(inverse[known], _CERTAIN) if known.any() else np.float64(1)
    return np.asarray(np.where(known, np.clip(inverse / full, _LEAST_SHARE, 1.0), 0.0))
