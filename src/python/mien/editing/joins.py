"""How many frames of ease a join needs, found on the take itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.sources import checked_blend
from mien.editing.times import expressions_of, through_four_frames
from mien.geometry import regions
from mien.values.performance import Performance

__all__ = ["BlendFrames", "blend_of", "checked_blend_or_auto"]

Float64 = npt.NDArray[np.float64]
BlendFrames = int | str

# Joins are judged at the vertices that have farthest to go; the take's own motion at the same ones.
_JUDGED = 400
_LONGEST = 120
_CHUNK = 256
# Frames that a difference of third order reaches beyond a ramp.
_AROUND = 3


def checked_blend_or_auto(blend: BlendFrames, n: int) -> BlendFrames:
    """Return a number of frames of ease that fits twice into `n` frames, or "auto"."""
    if isinstance(blend, str):
        return _validate.one_of("blend", blend, ("auto",))
    return checked_blend(blend, n)


def blend_of(
    blend: BlendFrames,
    source: Performance,
    performance: Performance,
    times: Float64,
    at: int,
    weights: Float64 | None,
    share: Float64,
) -> int:
    """Return a number of frames as it is; for "auto" the least with which neither end shows.

    Parameters
    ----------
    blend : int or "auto"
        Frames of ease inside each end.
    source, performance : Performance
        Whose expression goes over whose.
    times : (n,) float64
        Frames of the source, perhaps between frames, that go over the frames from `at` on.
    at : int
        The first of them.
    weights : (V,) float64 or None
        The region.
    share : (n,) float64
        How much of the source, without the ease.

    Notes
    -----
    In each ramp no change of velocity or acceleration may exceed the largest of the take's own 99th percentile
    and what take and source do at that frame; in the expression as captured, at the vertices with farthest to go. If
    no length does, as many frames as fit, up to 120.
    """
    if not isinstance(blend, str):
        return blend
    n = len(times)
    most = min(n // 2, _LONGEST)
    own, other = expressions_of(performance, performance), expressions_of(source, performance)
    region = np.arange(performance.take.n_vertices) if weights is None else np.flatnonzero(weights)
    pull = np.ones(len(region)) if weights is None else weights[region]
    ends = (0, n - 1)
    apart = np.zeros(len(region))
    for j in ends:
        goal = through_four_frames(lambda f: other(np.array([f]), region)[0], len(source))(times[j])
        step = (goal - own(np.array([at + j]), region)[0]) * pull[:, None]
        apart = np.maximum(apart, np.nan_to_num((step * step).sum(axis=1)))
    chosen = np.sort(np.argsort(-apart, kind="stable")[:_JUDGED])
    vertices, pull = region[chosen], pull[chosen]
    goal_at = through_four_frames(lambda f: other(np.array([f]), vertices)[0], len(source))
    limits = _own_limits(performance, vertices)
    needed = 0
    for first in (True, False):
        ramp = np.arange(most) if first else np.arange(n - 1, n - 1 - most, -1)
        goals = np.stack([goal_at(times[j]) for j in ramp]) if most else np.empty((0, len(vertices), 3))
        outwards = -1 if first else 1
        around = (at + ends[not first]) + outwards * np.arange(_AROUND, -most, -1)
        # Frames from outside the edit into it, whichever way time runs: differences do not mind.
        around = np.clip(around, 0, len(performance) - 1)
        current = own(around, vertices)
        step = (goals - current[_AROUND:]) * (share[ramp, None, None] * pull[:, None])
        needed = max(needed, _least(current, step, limits))
    return needed


def _least(current: Float64, step: Float64, limits: Float64) -> int:
    """Return the least number of frames of ease; `current` begins some frames before the first step."""
    most = len(step)
    whole = np.concatenate([current[:_AROUND], current[_AROUND:] + step])
    allowed = [
        np.maximum(limit, np.maximum(a, b))
        for limit, a, b in zip(limits, _jumps(current), _jumps(whole), strict=True)
    ]
    # A jump between take and source is what the ease is for, so it is not excused by itself.
    for order, jumps in enumerate(_jumps(current)):
        allowed[order][:_AROUND] = np.maximum(limits[order], jumps[:_AROUND])
    for frames in range(most):
        eased = regions.ease(np.minimum(np.arange(1, most + 1) / (frames + 1), 1.0))
        moved = np.concatenate([current[:_AROUND], current[_AROUND:] + eased[:, None, None] * step])
        if all(
            (jumps[: frames + _AROUND] <= able[: frames + _AROUND]).all()
            for jumps, able in zip(_jumps(moved), allowed, strict=True)
        ):
            return frames
    return most


def _jumps(points: Float64) -> list[Float64]:
    """Return the largest difference of second and of third order of a vertex, (n - 2,) and (n - 3,)."""
    out = []
    for order in (2, 3):
        steps = np.diff(points, order, axis=0)
        squares = np.nan_to_num(steps[..., 0] ** 2 + steps[..., 1] ** 2 + steps[..., 2] ** 2)
        out.append(np.sqrt(squares.max(axis=1, initial=0.0)))
    return out


def _own_limits(performance: Performance, vertices: npt.NDArray[np.int64]) -> Float64:
    """Return the 99th percentiles of the take's own jumps at some vertices."""
    own, n = expressions_of(performance, performance), len(performance)
    found: tuple[list[Float64], list[Float64]] = ([], [])
    for start in range(0, n, _CHUNK):
        points = own(np.arange(max(start - 3, 0), min(start + _CHUNK, n)), vertices)
        for kept, jumps in zip(found, _jumps(points), strict=True):
            kept.append(jumps)
    return np.array([np.percentile(np.concatenate(j), 99) if sum(map(len, j)) else 0.0 for j in found])
