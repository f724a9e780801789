"""Which moments of two performances belong together, and what an expression is between frames."""

from __future__ import annotations

import collections
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.edits import Steps
from mien.editing.sources import between_neutrals, into_head
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion

__all__ = [
    "ALIGNMENTS",
    "checked_features",
    "expressions_of",
    "matched_times",
    "through_four_frames",
    "towards_times",
]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

ALIGNMENTS = ("none", "linear", "dtw")

_KEPT_FRAMES = 8
# Warping compares at most so many vertices.
_COMPARED = 512


def checked_features(value: npt.ArrayLike | None) -> tuple[int, ...] | None:
    """Return vertices as an edit keeps them."""
    if value is None:
        return None
    features = _validate.array("features", value, ("N",), np.int32)
    if features.size == 0 or features.min() < 0:
        raise ValueError(f"`features` must name at least one vertex, got {features.tolist()}")
    return tuple(features.tolist())


def expressions_of(
    source: Performance, target: Performance
) -> Callable[[npt.NDArray[np.int64], slice | npt.NDArray[np.int64]], Float64]:
    """Return a function of frames and vertices: expressions of `source` on the neutral of `target`, (n, V, 3)."""
    turn, rest = between_neutrals(source, target)

    def at(frames: npt.NDArray[np.int64], vertices: slice | npt.NDArray[np.int64] = slice(None)) -> Float64:
        matrix, offset = into_head(source.head[frames], turn)
        positions: Float64 = source.take.positions[frames][:, vertices].astype(np.float64)
        out: Float64 = np.empty(positions.shape)
        RigidMotion(matrix, offset).apply(np.ascontiguousarray(positions), out)
        return out if rest is None else out + rest.T[vertices]

    return at


def matched_times(
    source: Performance,
    target: Performance,
    source_frames: tuple[int, int],
    frames: tuple[int, int],
    align: str,
    features: tuple[int, ...] | None,
    weights: Float64 | None,
) -> Float64:
    """Return the frame of the source, perhaps between frames, that belongs to each frame of the target's range.

    Both ranges begin and end together. Warping compares the expressions, as captured, at the features, or else
    where there are weights.
    """
    (begin, end), (first, stop) = source_frames, frames
    n, m = stop - first, end - begin
    if align == "none" or n == 1 or m == 1:
        return np.arange(begin, begin + n, dtype=np.float64) if m > 1 else np.full(n, float(begin))
    steady: Float64 = begin + np.arange(n, dtype=np.float64) * ((m - 1) / (n - 1))
    if align == "linear":
        return steady
    from mien._kernels import warping as kernels  # Numba takes longer to import than all else

    vertices = _compared(target, features, weights)
    own = expressions_of(target, target)(np.arange(first, stop), vertices).reshape(n, -1)
    other = expressions_of(source, target)(np.arange(begin, end), vertices).reshape(m, -1)
    cost = np.empty((n, m))
    kernels.distances(own, other, cost)
    low, high = np.zeros(n, np.int64), np.zeros(n, np.int64)
    if not kernels.warp(cost, low, high):
        raise ValueError(
            f"`source_frames` must be from half to twice as many as the frames they are aligned with, "
            f"got {m} for {n}"
        )
    return _evened(begin + (low + high).astype(np.float64) / 2)


def _compared(
    target: Performance, features: tuple[int, ...] | None, weights: Float64 | None
) -> npt.NDArray[np.int64]:
    n = target.take.n_vertices
    if features is not None:
        vertices = np.array(features)
        if vertices.max() >= n:
            raise ValueError(f"`features` must name vertices below V = {n}, got {vertices.max()}")
        return vertices
    used = np.arange(n) if weights is None else np.flatnonzero(weights)
    return used[:: -(-len(used) // _COMPARED)]


def _evened(times: Float64) -> Float64:
    """Take the steps out of a warped path: means over five frames, which keep it rising; its ends stay."""
    n = len(times)
    if n < 3:
        return times
    before, after = times[0] - (times[1:3][::-1] - times[0]), times[-1] + (times[-1] - times[-3:-1][::-1])
    p = np.concatenate([before, times, after])
    means = (p[:n] + p[1 : n + 1] + p[2 : n + 2] + p[3 : n + 3] + p[4:]) / 5
    out: Float64 = np.clip(means, times[0], times[-1])
    return out


def towards_times(
    source: Performance,
    target: Performance,
    times: Float64,
    start: int,
    weights: Float64 | None,
    factors: Float64,
) -> Steps:
    """Return what pulls frames ``start ...`` towards the source's expression at some times, by weights and factors."""
    expressions = expressions_of(source, target)
    at = through_four_frames(lambda f: expressions(np.array([f]), slice(None))[0], len(source))

    def steps(frames: slice) -> list[_core.EditStep]:
        goal = np.stack([at(time) for time in times[frames]])
        n = len(goal)
        still, nowhere = np.tile(np.eye(3), (n, 1, 1)), np.zeros((n, 3))
        return [_core.EditStep.towards_source(goal, still, nowhere, None, weights, factors[frames])]

    return Steps(start, steps, made=True)


def through_four_frames(current: Callable[[int], Float64], n_frames: int) -> Callable[[float], Float64]:
    """Return the expression at any time, by Catmull-Rom through the frames around it; a few frames are kept."""
    kept: collections.OrderedDict[int, Float64] = collections.OrderedDict()

    def frame(f: int) -> Float64:
        f = min(max(f, 0), n_frames - 1)
        if f not in kept:
            kept[f] = current(f)
            if len(kept) > _KEPT_FRAMES:
                kept.popitem(last=False)
        return kept[f]

    def at(time: float) -> Float64:
        f = int(np.floor(time))
        t = time - f
        if t == 0:
            return frame(f)
        a, b, c, d = (frame(f + k) for k in (-1, 0, 1, 2))
        # Where a neighbour is missing the two frames on both sides say enough.
        slope_b = np.where(np.isnan(a), c - b, 0.5 * (c - a))
        slope_c = np.where(np.isnan(d), c - b, 0.5 * (d - b))
        out: Float64 = b + t * (
            slope_b + t * (3 * (c - b) - 2 * slope_b - slope_c + t * (slope_b + slope_c - 2 * (c - b)))
        )
        return out

    return at
