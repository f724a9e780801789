"""A whole take solved jointly: learned from some of its frames, then frame by frame, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import extent
from mien.separation.blocks import Progress, Separated, align_take
from mien.separation.joint import HALF_TRUST, Solver, learn
from mien.separation.modes import Modes
from mien.separation.path import head_noise, runs, steady_path
from mien.separation.rest import Rest, find_rest
from mien.separation.still import still_head
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

    frames = spread_over(len(take), _LEARNED_FRAMES)
    block = thin.read(frames)
    solver = learn(block.positions, points, own, _begun(block, points, own, frames), modes(points, index))
    rest = None
    if by_rest:
        frames = spread_over(len(take))
        sample = thin.read(frames)
        head = solver.refine(sample.positions, _begun(sample, points, own, frames)).head
        rest = find_rest(sample, points, own, head)
    learned = _Learned(points, own, solver, rest)
    rotation, translation = np.empty((len(take), 3, 3)), np.empty((len(take), 3))
    residual, trust = np.empty(len(take)), np.empty(len(take))
    for begin in range(0, len(take), _BLOCK):
        stop = min(len(take), begin + _BLOCK)
        frames = np.arange(begin, stop)
        found = learned.separated(thin.read(frames), frames)
        rotation[begin:stop], translation[begin:stop] = found.head.rotation, found.head.translation
        residual[begin:stop], trust[begin:stop] = found.residual, found.confidence
        if progress is not None:
            progress(stop, len(take))
    return _steadied(thin, learned, Separated(RigidMotion(rotation, translation), residual, trust))


class _Learned(NamedTuple):
    """What was learned from some frames, for S vertices: enough to solve any frame by itself."""

    points: Float64
    weights: Float64
    solver: Solver
    rest: Rest | None

    def separated(self, block: MeshSequence, frames: Frames) -> Separated:
        """Solve frames, of which `frames` (F,) says for the messages which of a longer take they are."""
        head = _begun(block, self.points, self.weights, frames)
        head, trust, residual = self.solver.refine(block.positions, head)
        present = np.isfinite(block.positions).all(axis=2)
        shown = np.sum(present * self.weights, axis=1) / self.weights.sum()
        trust = trust * shown**6 / (trust * shown**6 + (1 - trust))  # the error grows by 1 / shown³
        if self.rest is not None:
            head, apart = self.rest.steadied(block, head, frames)
            left = (1 - (1 - _DECIDED) * self.rest.decides) ** 2
            half = HALF_TRUST * extent(self.points)
            trust = trust / (trust + left * (1 - trust) + trust * (_APART * apart / half) ** 2)
        return Separated(head, residual, trust)


def _begun(block: MeshSequence, points: Float64, weights: Float64, frames: Frames) -> RigidMotion:
    """Return heads that are near enough to be refined."""
    fit = align_take(block, points, weights, robust=True, frames=frames, max_iterations=_START_ITERATIONS)
    return RigidMotion(fit.rotation, fit.translation)


def _steadied(thin: _Thin, learned: _Learned, found: Separated) -> Separated:
    """Take out of the path what is noise; where the head is still, all of it."""
    frames, trust, points = runs(len(found.head)), found.confidence, learned.points
    if not len(frames):
        return found
    block, centre = thin.read(frames), points.mean(axis=0)
    radius = float(np.sqrt(np.mean(np.sum((points - centre) ** 2, axis=1))))

    def solve(positions: Float64) -> RigidMotion:
        return learned.separated(block.with_positions(positions), frames).head

    noise = head_noise(block.positions, found.head[frames], solve, centre)
    known, size = trust > 0, extent(points)
    error = np.full(len(trust), np.inf)
    error[known] = HALF_TRUST * size * np.sqrt(1 / trust[known] - 1)
    pose = still_head(found.head, error, noise, points, size / 250)
    if pose is None:
        head = steady_path(found.head, centre, radius, _share_of_path(trust), noise)
        return Separated(head, found.residual, trust)
    rotation, translation = found.head.rotation.copy(), found.head.translation.copy()
    rotation[known], translation[known] = pose.rotation[0], pose.translation[0]
    trust = np.where(known, trust.max(), 0.0)
    return Separated(RigidMotion(rotation, translation), found.residual, trust)


def _share_of_path(trust: Float64) -> Float64:
    """Return how far each frame counts for the path (F,): as the inverse square of its predicted error."""
    inverse = trust / np.maximum(1 - trust, 1e-12)
    known = trust > 0
    full: np.float64 = np.quantile(inverse[known], _CERTAIN) if known.any() else np.float64(1)
    return np.asarray(np.where(known, np.clip(inverse / full, _LEAST_SHARE, 1.0), 0.0))
