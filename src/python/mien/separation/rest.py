"""What comes to rest in head space: a second opinion on heads, and how far to follow it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import align_frames, extent
from mien.separation.blocks import align_take
from mien.separation.confidence import lever_arm
from mien.separation.typical import median_face, mobility_weights, stays_within
from mien.values.rigid import RigidMotion, exponential
from mien.values.sequence import MeshSequence

__all__ = ["Rest", "Steadied", "find_rest"]

Float64 = npt.NDArray[np.float64]

# Lengths are in 250ths of the extent, millimetres on a face.
_PARTS = 250.0
_AT_REST = 0.1  # a vertex that stays within it for three quarters of the frames is half at rest
# Where the first is reached resting vertices begin to decide, at the second they decide alone (development takes):
# their share of the face, how wide they lie beside the whole of it, and how much of the median face agrees with the
# neutral about where they are.
_SHARE, _WIDTH, _AGREEMENT = (0.005, 0.05), (0.40, 0.55), (0.65, 0.80)
# Otherwise heads that differ by little are averaged, for their errors are of different kinds; at this distance half so.
_APART = 0.5
_LOOKED_AT = 128  # points at which heads are compared
_ITERATIONS = 40  # reweightings, after which nothing moves by a micrometre


class Steadied(NamedTuple):
    """Heads of F frames, and how far the two opinions they are made of lie apart (F,), scene units."""

    head: RigidMotion
    apart: Float64


class Rest(NamedTuple):
    """What comes to rest in head space, and how far that alone decides, in [0, 1].

    ``typical`` (V, 3) is the median face, ``still`` (V,) weights that are high where it rests, ``place`` how it lies to
    the neutral's ``points``.
    """

    typical: Float64
    still: Float64
    place: RigidMotion
    decides: float
    points: Float64
    unit: float

    def steadied(self, take: MeshSequence, head: RigidMotion, frames: npt.NDArray[np.int64]) -> Steadied:
        """Fit every frame once more by what rests, and follow that as far as it can be trusted.

        `frames` (F,) says which frames of a longer take these are, for the messages.
        """
        fit = align_take(
            take, self.typical, self.still, robust=True, frames=frames, max_iterations=_ITERATIONS
        )
        other = RigidMotion(fit.rotation, fit.translation) @ self.place
        looked_at = self.points[:: max(1, len(self.points) // _LOOKED_AT)]
        gap = other.apply(looked_at) - head.apply(looked_at)
        apart = np.mean(np.sqrt(np.sum(gap**2, axis=2)), axis=1)
        share = np.maximum(self.decides, 0.5 / (1 + (apart / (_APART * self.unit)) ** 2))
        return Steadied(_between(head, other, share, self.points.mean(axis=0)), (1 - share) * apart)


def find_rest(
    sample: MeshSequence, neutral: npt.NDArray[Any], weights: Float64 | None, head: RigidMotion
) -> Rest:
    """Find in some frames of a take what rests in the space of given heads.

    Vertices that stay where they are settle the head to the precision of the scanner, if there are enough of them, if
    they lie wide, and if the neutral has them in the same place; a model of faces is never that exact. A performer who
    hardly rests has none of it, and then what rests most is a wrong place: there the given heads count.
    """
    positions = sample.positions.astype(np.float64)
    start = head.apply_inverse(positions)
    typical = median_face(start)
    fit = align_frames(
        positions, typical, mobility_weights(start, typical, weights), robust=True, missing=True
    )
    local = RigidMotion(fit.rotation, fit.translation).apply_inverse(positions)
    typical = median_face(local)
    still = mobility_weights(local, typical, weights)
    place = align_frames(typical, neutral, still, robust=True, missing=True)

    seen = np.asarray(np.isfinite(typical).all(axis=1))
    own = seen * (np.ones(len(seen)) if weights is None else weights)
    unit = extent(neutral) / _PARTS
    resting = own / (1 + (np.where(seen, stays_within(local, typical), 0.0) / (_AT_REST * unit)) ** 2) ** 2
    decides = _ramp(resting.sum() / own.sum(), _SHARE)
    decides *= _ramp(lever_arm(neutral, resting) / lever_arm(neutral, own), _WIDTH)
    decides *= _ramp(float(place.support[0]), _AGREEMENT)
    points = neutral[np.isfinite(neutral).all(axis=1)].astype(np.float64)
    return Rest(typical, still, RigidMotion(place.rotation, place.translation), decides, points, unit)


def _ramp(value: float, ends: tuple[float, float]) -> float:
    u = min(1.0, max(0.0, (value - ends[0]) / (ends[1] - ends[0])))
    return u * u * (3 - 2 * u)


def _between(one: RigidMotion, two: RigidMotion, share: Float64, centre: Float64) -> RigidMotion:
    """Return motions (F,) that lie by a share (F,) of the way from one to two, along the screw about a centre."""
    step = one.inverse() @ two
    moved = np.einsum("fij,j->fi", step.rotation, centre) + step.translation - centre
    turn = exponential(step.rotation_vectors * share[:, None])
    shift = centre + moved * share[:, None] - np.einsum("fij,j->fi", turn, centre)
    return one @ RigidMotion(turn, shift)
