"""Heads that an artist has set by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.separation.method import Separated
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["apply_keys", "checked_keys"]

Float64 = npt.NDArray[np.float64]


def checked_keys(keys: Any, n_frames: int) -> dict[int, RigidMotion]:
    """Return keys by zero-based frame in rising order, each a motion of one frame."""
    if keys is None:
        return {}
    _validate.instance("keys", keys, Mapping, "a mapping from frame to head pose")
    out = {}
    for frame, pose in keys.items():
        f = _validate.index("keys", frame, least=0, below=n_frames)
        name = f"keys[{f}]"
        if isinstance(pose, RigidMotion):
            if len(pose) != 1:
                raise ValueError(f"`{name}` must have one frame, got {len(pose)}")
            out[f] = pose
            continue
        if not isinstance(pose, (tuple, list)) or len(pose) != 2:
            raise TypeError(
                f"`{name}` must be a RigidMotion of one frame or a pair (rotation, translation), "
                f"got {type(pose).__name__}"
            )
        rotation = _validate.floats(f"{name}[0]", pose[0], (3, 3))
        translation = _validate.floats(f"{name}[1]", pose[1], (3,))
        out[f] = RigidMotion(rotation[None], translation[None])
    return dict(sorted(out.items()))


def apply_keys(
    found: Separated,
    keys: dict[int, RigidMotion],
    take: MeshSequence,
    neutral: npt.NDArray[Any],
    weights: Float64 | None,
) -> Separated:
    """Put keyed heads in place of those found: exact at their frames, no effect on others, confidence 1."""
    if not keys:
        return found
    rotation, translation = found.head.rotation.copy(), found.head.translation.copy()
    residual, trust = found.residual.copy(), found.confidence.copy()
    for f, pose in keys.items():
        rotation[f], translation[f] = pose.rotation[0], pose.translation[0]
        residual[f] = _stable_distance(pose, take.positions[f], neutral, weights)
        trust[f] = 1.0
    return Separated(RigidMotion(rotation, translation), residual, trust)


def _stable_distance(
    pose: RigidMotion, frame: npt.NDArray[Any], neutral: npt.NDArray[Any], weights: Float64 | None
) -> float:
    """Root mean square distance under Geman-McClure weights whose scale is the lower quintile, as in a robust fit."""
    squares = np.sum((pose.apply(neutral.astype(np.float64))[0] - frame) ** 2, axis=1)
    prior = np.ones(len(squares)) if weights is None else weights
    used = np.isfinite(squares) & (prior > 0)
    squares, prior = squares[used], prior[used]
    if not len(squares):
        return 0.0
    scale = max(float(np.quantile(squares, 0.2)), 1e-30)
    agreeing = prior / (1 + squares / scale) ** 2
    return float(np.sqrt(np.sum(agreeing * squares) / np.sum(agreeing)))
