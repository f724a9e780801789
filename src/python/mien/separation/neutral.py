"""A neutral estimated from the take itself, where none is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.separation.gauge import canonical_pose
from mien.separation.method import align_take
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["estimate_neutral"]

Float64 = npt.NDArray[np.float64]

_MOST_FRAMES = 64
_FEWEST_FRAMES = 8
_BYTES = 1 << 28  # of a float64 copy of the frames that are looked at
_MEDOID_VERTICES = 1000
_ROUNDS = 6  # fixed, so that a take moved in the world goes through the same steps


def estimate_neutral(take: MeshSequence, weights: Float64 | None) -> Float64:
    """Return the face at rest (V, 3), nearly in its own axes; see `canonical_pose`.

    Notes
    -----
    Up to 64 frames spread evenly over the take (fewer where a copy of them would pass 256 MB, at least 8) are aligned
    robustly to the one that agrees best with all others; the median of each vertex over time, in head space, becomes
    the reference of the next of 6 rounds. Vertices that none of these frames has are taken from the first frame that
    has them; those that no frame has stay NaN. Cost O(64 V) times the cost of an alignment, six times.
    """
    most = max(_FEWEST_FRAMES, min(_MOST_FRAMES, _BYTES // (24 * max(1, take.n_vertices))))
    n_frames = len(take)
    chosen = np.unique(np.linspace(0, n_frames - 1, min(most, n_frames)).round().astype(np.int64))
    sample = take.with_positions(take.positions[chosen].astype(np.float64))
    reference: Float64 = sample.positions[_medoid(sample.positions, weights)]
    # A median goes by coordinate, so the coordinates must not be the world's.
    reference = canonical_pose(take.topology, reference).apply(reference)[0]
    for _ in range(_ROUNDS):
        fit = align_take(sample, reference, weights, robust=True, frames=chosen)
        head = RigidMotion(fit.rotation, fit.translation)
        reference = _median(head.apply_inverse(sample.positions))
    return _filled(take, reference, weights)


def _medoid(frames: Float64, weights: Float64 | None) -> int:
    """Return the frame to which all frames agree best, judged on about a thousand vertices."""
    step = max(1, frames.shape[1] // _MEDOID_VERTICES)
    thin = np.ascontiguousarray(frames[:, ::step])
    prior = None if weights is None else np.ascontiguousarray(weights[::step])
    agreement = np.empty(len(thin))
    for f, candidate in enumerate(thin):
        _, _, arrays = _core.align_frames(thin, candidate, prior, True, False, True)
        present = np.isfinite(candidate).all(axis=1).sum()
        agreement[f] = np.nansum(arrays[4]) * present  # NaN where two frames share too little
    return int(agreement.argmax())


def _median(samples: Float64) -> Float64:
    """Median over frames of (F, V, 3), sorted in place; NaN sorts last and does not count."""
    samples.sort(axis=0)
    count = np.isfinite(samples).sum(axis=0, keepdims=True)
    low = np.take_along_axis(samples, np.maximum(count - 1, 0) // 2, axis=0)
    high = np.take_along_axis(samples, np.minimum(count // 2, len(samples) - 1), axis=0)
    middle: Float64 = (0.5 * (low + high))[0]
    return middle


def _filled(take: MeshSequence, neutral: Float64, weights: Float64 | None) -> Float64:
    """Give vertices that the chosen frames lack the place they have in the first frame that shows them."""
    unseen = ~np.isfinite(neutral).all(axis=1)
    for f in range(len(take)):
        if not unseen.any():
            break
        frame: npt.NDArray[Any] = take.positions[f]
        here = unseen & np.isfinite(frame).all(axis=1)
        if not here.any():
            continue
        fit = align_take(take[f : f + 1], neutral, weights, robust=True)
        head = RigidMotion(fit.rotation, fit.translation)
        neutral[here] = head.apply_inverse(frame[None].astype(np.float64))[0, here]
        unseen &= ~here
    return neutral
