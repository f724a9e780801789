"""How fast a take's expression moves and which triangles it turns over, measured block by block of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.editing.edits import Block
from mien.values.performance import Performance

__all__ = [
    "Measures",
    "TakeMeasures",
    "expressions",
    "face_normals",
    "measured",
    "note",
    "turned_over",
    "unmeasured",
]

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

_BLOCK = 32
# Jumps below this share of the neutral's diagonal are nothing, even in a take that stands still.
_NOTHING = 1e-4
# Triangles smaller than this share of the median have no side to speak of.
_SLIVER = 1e-2


class Measures(NamedTuple):
    """Largest changes of a vertex's velocity and acceleration at each frame (2, F), and where (2, F)."""

    jumps: Float64
    vertices: npt.NDArray[np.int64]


class TakeMeasures(NamedTuple):
    """What the take itself does: limits for both kinds of jumps, and triangles that it turns over at some frame."""

    limit: float
    limits: Float64
    triangles: npt.NDArray[np.int32]
    rest: Float64
    ever: Bool


def expressions(performance: Performance) -> Iterator[tuple[int, int, int, Float64]]:
    """Yield blocks of frames: first and stop, and the expression from a frame before that to two frames after."""
    n, v = len(performance), performance.take.n_vertices
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        low, high = max(start - 1, 0), min(stop + 2, n)
        yield start, stop, low, Block.of(performance, low, high, np.zeros((high - low, 3, v))).current()


def measured(
    performance: Performance, limit: float, progress: Callable[[int, int], None] | None
) -> TakeMeasures:
    """Measure a take as captured; `limit` times its 99th percentiles are the limits."""
    triangles = performance.take.topology.triangles
    neutral = performance.neutral.astype(np.float64)
    rest = face_normals(neutral[None], triangles)[0]
    size = np.sqrt((rest * rest).sum(axis=1))
    known = size[np.isfinite(size)]
    with np.errstate(invalid="ignore"):
        ever = ~(size > _SLIVER * (np.median(known) if len(known) else 0.0))
    measures = unmeasured(len(performance))
    for start, stop, low, expression in expressions(performance):
        note(measures, low, expression)
        ever |= turned_over(expression[start - low : stop - low], triangles, rest).any(axis=0)
        if progress is not None:
            progress(stop, len(performance))
    nothing = _NOTHING * float(np.linalg.norm(np.nanmax(neutral, axis=0) - np.nanmin(neutral, axis=0)))
    limits = [
        limit * max(float(np.percentile(jumps[jumps >= 0], 99)) if (jumps >= 0).any() else 0.0, nothing)
        for jumps in measures.jumps
    ]
    return TakeMeasures(limit, np.array(limits), triangles, rest, ever)


def unmeasured(n: int) -> Measures:
    """Return room for the measures of frames, nothing known yet: -1."""
    return Measures(np.full((2, n), -1.0), np.zeros((2, n), np.int64))


def note(measures: Measures, start: int, expression: Float64) -> None:
    """Measure frames ``start ...``, all but the first and the last two where they are known already."""
    velocity = np.diff(expression, axis=0)
    for order, values in enumerate((velocity, np.diff(velocity, axis=0))):
        if len(values) < 2:
            continue
        steps = np.diff(values, axis=0)
        squares = steps[..., 0] ** 2 + steps[..., 1] ** 2 + steps[..., 2] ** 2
        squares = np.where(np.isfinite(squares), squares, -1.0)
        where = squares.argmax(axis=1)
        largest = np.take_along_axis(squares, where[:, None], axis=1)[:, 0]
        frames = start + 1 + np.arange(len(steps))
        measures.jumps[order, frames] = np.where(largest < 0, -1.0, np.sqrt(np.maximum(largest, 0.0)))
        measures.vertices[order, frames] = where


def face_normals(points: Float64, triangles: npt.NDArray[np.int32]) -> Float64:
    """Return normals of triangles on shapes (n, V, 3), as long as twice their areas, (n, T, 3)."""
    a, b, c = (points[:, triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def turned_over(points: Float64, triangles: npt.NDArray[np.int32], rest: Float64) -> Bool:
    """Return which triangles look away from where they look at rest, (n, T)."""
    normals = face_normals(points, triangles)
    along = normals[..., 0] * rest[:, 0] + normals[..., 1] * rest[:, 1] + normals[..., 2] * rest[:, 2]
    over: Bool = along < 0
    return over
