"""A neutral estimated from the take itself, where none is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.separation.blocks import align_take
from mien.separation.gauge import canonical_pose
from mien.separation.typical import settle, spread_frames
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["estimate_neutral"]

Float64 = npt.NDArray[np.float64]

_MEDOID_VERTICES = 1000


def estimate_neutral(take: MeshSequence, weights: Float64 | None) -> Float64:
    """Return the face at rest (V, 3), nearly in its own axes; see `canonical_pose`.

    Notes
    -----
    Of up to 64 frames spread over the take the one that agrees best with all others is the first reference; `settle`
    makes the median face of it. Vertices that none of these frames has are taken from the first frame that has them;
    those that no frame has stay NaN. Cost O(64 V) times the cost of an alignment, six times; memory 512 MB at most for
    faces of up to 1.4 million vertices.
    """
    sample, index = spread_frames(take)
    first = sample.positions[_medoid(sample.positions, weights)]
    reference = canonical_pose(take.topology, first).apply(first)[0]
    return _filled(take, settle(sample, reference, weights, index)[0], weights)


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
