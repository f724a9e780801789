"""A head that does not move at all: in a chair, or before a camera that it wears."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.separation.path import HeadNoise
from mien.values.rigid import RigidMotion, exponential

__all__ = ["still_head"]

Float64 = npt.NDArray[np.float64]

# Lengths are in 250ths of the extent, millimetres on a face.
_CERTAIN = (
    0.05  # a frame whose predicted error is smaller says where the head is; so well such frames must agree
)
_FEWEST = 4  # such frames, and over what share of the take they must lie
_SPAN = 0.5
_NOISES = 3.0  # or to this often the noise of heads
_WITHIN = 4.0  # predicted errors within which every other frame must lie


def still_head(
    head: RigidMotion, error: Float64, noise: HeadNoise, points: Float64, unit: float
) -> RigidMotion | None:
    """Return the pose (one frame) of a head that never moves, None where it does or might.

    Parameters
    ----------
    head : RigidMotion
        F frames, head → world.
    error : (F,) floats
        Predicted root mean square errors, scene units; infinite where a frame says nothing.
    noise : HeadNoise
        What the noise of vertices does to heads.
    points : (S, 3) floats
        The face, in head space.
    unit : float
        A 250th of its extent.

    Notes
    -----
    Stillness is told by the frames of a calm face: four or more, over half of the take, that agree to 0.05 mm about
    one pose where heads that move would come back by chance only; and denied by any frame that is farther from it than
    four times the error predicted for it, such as those of a knock. Then one pose explains the take as well as a path
    does, and what the path had more is the expression's.
    """
    certain = np.flatnonzero(error < _CERTAIN * unit)
    if len(certain) < _FEWEST or certain[-1] - certain[0] < _SPAN * (len(head) - 1):
        return None
    pose = _mean(head[certain], 1 / (error[certain] + 1e-3 * unit) ** 2, points.mean(axis=0))
    gap = _distance(head, pose, points)
    radius = float(np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1))))
    trembling = np.sqrt(3 * noise.shift**2 + 2 * (noise.turn * radius) ** 2)
    agreed = max(_CERTAIN * unit, _NOISES * trembling)
    if np.sqrt(np.mean(gap[certain] ** 2)) > agreed:
        return None
    return pose if np.all(gap <= _WITHIN * np.sqrt(error**2 + agreed**2)) else None


def _mean(head: RigidMotion, weights: Float64, centre: Float64) -> RigidMotion:
    """Return the weighted mean of poses that lie close together, about the heaviest, as one frame."""
    about = head[int(weights.argmax()) : int(weights.argmax()) + 1]
    step = about.inverse() @ head
    share = weights / weights.sum()
    turn = exponential((share @ step.rotation_vectors)[None])
    moved = share @ step.apply(centre[None])[:, 0]
    return about @ RigidMotion(turn, (moved - turn[0] @ centre)[None])


def _distance(head: RigidMotion, pose: RigidMotion, points: npt.NDArray[Any]) -> Float64:
    """Return the root mean square displacement (F,) of points under heads against one pose."""
    gap = head.apply(points[:: max(1, len(points) // 128)]) - pose.apply(
        points[:: max(1, len(points) // 128)]
    )
    return np.asarray(np.sqrt(np.mean(np.sum(gap**2, axis=2), axis=1)))
