"""What a face mostly looks like over a take, and where it mostly stays put."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import extent
from mien.separation.blocks import align_take
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["median_face", "mobility_weights", "settle", "spread_frames", "spread_over", "stays_within"]

Float64 = npt.NDArray[np.float64]
Frames = npt.NDArray[np.int64]

_MOST_FRAMES = 64
_FEWEST_FRAMES = 8
_BYTES = 1 << 28  # of a float64 copy of the frames that are looked at
_ROUNDS = 6  # fixed, so that a take moved in the world goes through the same steps

# Distances are not told apart below this, relative to the neutral's extent: 0.3 mm on a face, above scanner noise.
_STILL = 1e-3
_MOVING_SHARE = 0.75


def spread_frames(take: MeshSequence) -> tuple[MeshSequence, Frames]:
    """Return up to 64 frames spread evenly over a take, as float64, and their indices.

    Fewer where a copy of them would pass 256 MB, but at least 8.
    """
    most = max(_FEWEST_FRAMES, min(_MOST_FRAMES, _BYTES // (24 * max(1, take.n_vertices))))
    index = spread_over(len(take), most)
    return take.with_positions(take.positions[index].astype(np.float64)), index


def spread_over(n_frames: int, most: int = _MOST_FRAMES) -> Frames:
    """Return up to `most` frames spread evenly over a take, the first and the last among them."""
    return np.unique(np.linspace(0, n_frames - 1, min(most, n_frames)).round().astype(np.int64))


def settle(
    sample: MeshSequence, reference: npt.NDArray[np.floating], weights: Float64 | None, index: Frames
) -> tuple[Float64, Float64]:
    """Return the median face (V, 3) and the frames with their heads taken out (F, V, 3), both in head space.

    Frames are aligned robustly to a reference; the median of each vertex over time becomes the next reference, for 6
    rounds. The median goes by coordinate, so head space must not depend on the world.
    """
    typical: Float64 = reference.astype(np.float64)
    for _ in range(_ROUNDS):
        fit = align_take(sample, typical, weights, robust=True, frames=index)
        local = RigidMotion(fit.rotation, fit.translation).apply_inverse(sample.positions)
        typical = median_face(local)
    return typical, local


def median_face(local: Float64) -> Float64:
    """Return the median place (V, 3) of every vertex over frames (F, V, 3), NaN where it is never seen."""
    return _lower_quantile(local, 0.5)


def stays_within(local: Float64, typical: Float64) -> Float64:
    """Return the distance (V,) from its typical place that a vertex keeps within for three quarters of the frames."""
    return _lower_quantile(np.sqrt(np.sum((local - typical) ** 2, axis=2)), _MOVING_SHARE)


def mobility_weights(local: Float64, typical: Float64, weights: Float64 | None) -> Float64:
    """Return weights (V,) in [0, 1] that are high where a vertex stays near its typical place.

    ``1 / (m² + e²)``, scaled to a largest value of 1 and times `weights`: m is the distance a vertex stays below for
    three quarters of the frames, e a thousandth of the extent. Vertices never seen get 0.
    """
    moves = stays_within(local, typical)
    seen = np.isfinite(moves)
    still = _STILL * extent(typical)
    out = np.where(seen, 1 / (np.where(seen, moves, 0.0) ** 2 + still**2), 0.0)
    out *= 1.0 if weights is None else weights
    largest: np.float64 = out.max()
    return np.asarray(out / largest)


def _lower_quantile(samples: Float64, level: float) -> Float64:
    """Return a quantile over frames; NaN does not count, and is the answer where nothing else is.

    Between two values it lies as numpy.quantile's does.
    """
    ordered = np.sort(samples, axis=0)  # NaN last
    place = level * np.maximum(np.isfinite(ordered).sum(axis=0, keepdims=True) - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    below, above = (np.take_along_axis(ordered, i, axis=0)[0] for i in (low, high))
    out: Float64 = below + (place - low)[0] * (above - below)
    return out
