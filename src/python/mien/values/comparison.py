"""Where two separations of one take differ."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.values.rigid import RigidMotion

__all__ = ["Comparison", "compare_heads"]

Float64 = npt.NDArray[np.float64]

# Frames are compared in blocks of about this many vertices, whatever the length of the take.
_BLOCK_VERTICES = 1 << 20


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """How the head of one performance differs from that of another.

    Parameters
    ----------
    rotation : (F, 3) float64
        Turn from the other head to this one about this head's own axes, degrees: nod, shake, tilt where x points left,
        y up and z out of the face.
    translation : (F, 3) float64
        Shift of the face's centre from the other to this one along this head's own axes, scene units.
    distance : (F,) float64
        Mean distance of the face's vertices under one head from those under the other, scene units.
    furthest : (F,) float64
        The largest such distance.
    vertex_distance : (V,) float64
        Mean over frames for each vertex of the neutral.
    """

    rotation: Float64
    translation: Float64
    distance: Float64
    furthest: Float64
    vertex_distance: Float64

    def __len__(self) -> int:
        return len(self.distance)

    @property
    def angle(self) -> Float64:
        """Angle between the heads, (F,) degrees."""
        return np.asarray(np.sqrt(np.sum(self.rotation**2, axis=1)))

    def frames(self, count: int = 10) -> npt.NDArray[np.int64]:
        """Return the frames in which the heads differ most, the worst first."""
        order: npt.NDArray[np.int64] = np.argsort(-self.distance, kind="stable")[:count]
        return order

    def __repr__(self) -> str:
        if not len(self):
            return "Comparison(no frames)"
        worst = int(self.frames(1)[0])
        return (
            f"Comparison({len(self)} frames, mean distance {self.distance.mean():.4g}, "
            f"most {self.distance[worst]:.4g} in frame {worst}, mean angle {self.angle.mean():.3g} degrees)"
        )


def compare_heads(head: RigidMotion, other: RigidMotion, points: npt.NDArray[Any]) -> Comparison:
    """Compare two heads of F frames by what they do to the points (V, 3) of a neutral; finite ones count."""
    n = len(head)
    rest = points.astype(np.float64)
    known = np.asarray(np.isfinite(rest).all(axis=1))
    place = np.where(known[:, None], rest, 0.0)
    share = max(1, int(known.sum()))
    centre = place.sum(axis=0) / share
    relative = other.inverse() @ head
    here, there = head.apply(centre[None])[:, 0], other.apply(centre[None])[:, 0]
    shift = np.einsum("fji,fj->fi", head.rotation, here - there)
    distance, furthest, vertices = np.zeros(n), np.zeros(n), np.zeros(len(rest))
    step = max(1, _BLOCK_VERTICES // max(1, len(rest)))
    for begin in range(0, n, step):
        block = slice(begin, begin + step)
        gap = head[block].apply(place) - other[block].apply(place)
        length = np.sqrt(np.einsum("fvi,fvi->fv", gap, gap)) * known
        distance[block] = length.sum(axis=1) / share
        furthest[block] = length.max(axis=1, initial=0.0)
        vertices += length.sum(axis=0)
    return Comparison(np.degrees(relative.rotation_vectors), shift, distance, furthest, vertices / max(1, n))
