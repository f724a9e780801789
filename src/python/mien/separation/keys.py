"""Heads that an artist has set by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.separation.method import Separated
from mien.values.rigid import RigidMotion, exponential
from mien.values.sequence import MeshSequence

__all__ = ["apply_keys", "checked_keys"]

Float64 = npt.NDArray[np.float64]

_REACH = 0.5  # seconds until a key's correction has faded


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
    """Put keyed heads in place of those found, exactly, and ease their corrections out over the frames around.

    What a key corrects at its frame, in head space, was wrong nearby too: the correction is carried along, half of it a
    quarter of a second away and none of it at half a second. Between keys that are closer one eases into the other.
    Keyed frames have confidence 1.
    """
    if not keys:
        return found
    frames = np.array(list(keys), dtype=np.int64)
    wanted = RigidMotion(
        np.concatenate([pose.rotation for pose in keys.values()]),
        np.concatenate([pose.translation for pose in keys.values()]),
    )
    centre = neutral[np.isfinite(neutral).all(axis=1)].mean(axis=0, dtype=np.float64)
    step = found.head[frames].inverse() @ wanted
    moved = np.einsum("kij,j->ki", step.rotation, centre) + step.translation - centre
    turned, shifted = np.zeros((2, len(found.head), 3))
    touched = np.zeros(len(found.head), bool)
    for k, (around, share) in enumerate(_shares(frames, len(found.head), _REACH * take.fps)):
        turned[around] += share[:, None] * step.rotation_vectors[k]
        shifted[around] += share[:, None] * moved[k]
        touched[around] = True
    turn = exponential(turned[touched])
    shift = centre + shifted[touched] - np.einsum("fij,j->fi", turn, centre)
    eased = found.head[np.flatnonzero(touched)] @ RigidMotion(turn, shift)
    rotation, translation = found.head.rotation.copy(), found.head.translation.copy()
    residual, trust = found.residual.copy(), found.confidence.copy()
    rotation[touched], translation[touched] = eased.rotation, eased.translation
    for f, pose in keys.items():
        rotation[f], translation[f] = pose.rotation[0], pose.translation[0]
        residual[f] = _stable_distance(pose, take.positions[f], neutral, weights)
        trust[f] = 1.0
    return Separated(RigidMotion(rotation, translation), residual, trust)


def _shares(frames: npt.NDArray[np.int64], n_frames: int, reach: float) -> Iterator[tuple[slice, Float64]]:
    """Yield for each key the frames around it and how much of its correction each takes; at the key all of it."""
    wide = math.ceil(reach)
    for k, key in enumerate(frames):
        before = frames[k - 1] if k else -1
        after = frames[k + 1] if k + 1 < len(frames) else n_frames
        f = np.arange(max(before + 1, key - wide), min(after, key + wide + 1))
        share = _ease(1 - np.abs(f - key) / reach)
        if k:
            share *= np.where(f < key, _ease((f - before) / (key - before)), 1.0)
        if k + 1 < len(frames):
            share *= np.where(f > key, _ease((after - f) / (after - key)), 1.0)
        yield slice(int(f[0]), int(f[-1]) + 1), share


def _ease(x: Float64) -> Float64:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


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
