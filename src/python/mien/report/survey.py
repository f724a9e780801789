"""One pass over a take and its edit: the numbers that curves, legends and cameras need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.values.performance import Performance
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = [
    "BLOCK",
    "Box",
    "Survey",
    "changed_vertices",
    "head_angles",
    "mean_rotation",
    "subject_axes",
    "survey",
]

Float64 = npt.NDArray[np.float64]

#: Frames worked on at a time: enough for the threads of the core, little beside a take.
BLOCK = 16


class Box(NamedTuple):
    """Corners of a box around positions, (3,) each; NaN when there were none."""

    low: Float64
    high: Float64

    def including(self, points: npt.NDArray[Any]) -> Box:
        """Return the box grown around points (..., 3); points with NaN are missing."""
        flat = points.reshape(-1, 3)
        return Box(
            np.fmin(self.low, np.fmin.reduce(flat, axis=0, initial=np.inf)),
            np.fmax(self.high, np.fmax.reduce(flat, axis=0, initial=-np.inf)),
        )

    @classmethod
    def empty(cls) -> Box:
        """Return the box around nothing."""
        return cls(np.full(3, np.inf), np.full(3, -np.inf))


class Survey(NamedTuple):
    """What one pass over the frames finds.

    Parameters
    ----------
    head_box, still_box, world_box : Box
        Around all positions of take and result, scene units: in head space, in head space turned as the mean head is,
        and in world space.
    expression : (F,) float64
        Largest distance of a vertex from the neutral, scene units; NaN where all are missing.
    edit : (F,) float64 or None
        Largest distance of a vertex of the result from the take; None without a result.
    active : (V,) bool
        Vertices that the result moves in any frame.
    missing : int
        How many positions of the take are missing.
    """

    head_box: Box
    still_box: Box
    world_box: Box
    expression: Float64
    edit: Float64 | None
    active: npt.NDArray[np.bool_]
    missing: int


def changed_vertices(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which vertices (..., V, 3) are not bit for bit the same number; missing in both counts as the same."""
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    changed: npt.NDArray[np.bool_] = ~same.all(axis=-1)
    return changed


def mean_rotation(perf: Performance) -> Float64:
    """Return the mean of the head's rotations, (3, 3), head → world."""
    rotation: Float64 = perf.head.scaled(0).rotation[0]
    return rotation


def subject_axes(perf: Performance) -> Float64:
    """Return the directions to the subject's left, up, and ahead along the ground, in world space; rows of (3, 3).

    Ahead is where the mean head looks: along z of head space, or along -y where z is up.
    """
    lying = perf.take.up_axis == "z"
    up = np.array([0.0, 0.0, 1.0] if lying else [0.0, 1.0, 0.0])
    ahead = mean_rotation(perf) @ ([0.0, -1.0, 0.0] if lying else [0.0, 0.0, 1.0])
    left = np.cross(up, ahead)
    length = float(np.linalg.norm(left))
    left = left / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    return np.stack([left, up, np.cross(left, up)])


def head_angles(perf: Performance) -> Float64:
    """Turn of the head from its mean pose about the subject's axes: nod, turn and tilt, (F, 3) float64 degrees.

    Positive is down, to the subject's left, and towards the subject's right shoulder. How head space lies in the head
    matters only through where ahead is.
    """
    relative = perf.head.rotation @ mean_rotation(perf).T
    vectors = RigidMotion(relative, np.zeros((len(relative), 3))).rotation_vectors
    degrees: Float64 = np.degrees(vectors @ subject_axes(perf).T)
    return degrees


def _largest(displacement: npt.NDArray[Any]) -> Float64:
    """Length of the longest vector of each frame, (F,); NaN where a frame has none."""
    squares = np.einsum("fvi,fvi->fv", displacement, displacement, dtype=np.float64)
    largest = np.fmax.reduce(squares, axis=1, initial=-1.0)
    lengths: Float64 = np.sqrt(np.where(largest < 0, np.nan, largest))
    return lengths


def survey(
    perf: Performance, result: MeshSequence | None, progress: Callable[[int], None] | None = None
) -> Survey:
    """Look at every frame of a performance and its edited result once, some frames at a time.

    Parameters
    ----------
    perf : Performance
        F frames, V vertices.
    result : MeshSequence or None
        What an edit made of it: same frames and vertices, world space.
    progress : callable, optional
        Called with the number of frames looked at so far.
    """
    head_box, still_box, world_box = Box.empty(), Box.empty(), Box.empty()
    mean = mean_rotation(perf)
    expression, edit = np.full(len(perf), np.nan), np.full(len(perf), np.nan)
    active = np.zeros(perf.take.n_vertices, dtype=bool)
    missing = 0
    for start in range(0, len(perf), BLOCK):
        frames = slice(start, start + BLOCK)
        world, head = perf.take.positions[frames], perf.head[frames]
        local = head.apply_inverse(world)
        expression[frames] = _largest(local - perf.neutral)
        missing += int(np.isnan(world).any(axis=-1).sum())
        shown = [(world, local)]
        if result is not None:
            edited = result.positions[frames]
            edit[frames] = _largest(edited - world)
            active |= changed_vertices(world, edited).any(axis=0)
            shown.append((edited, head.apply_inverse(edited)))
        for there, here in shown:
            world_box, head_box = world_box.including(there), head_box.including(here)
            still_box = still_box.including(here @ mean.T)
        if progress is not None:
            progress(start + len(world))
    return Survey(
        head_box, still_box, world_box, expression, None if result is None else edit, active, missing
    )
