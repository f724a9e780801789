"""A model of faces in a place: its pose, its shape, and what is nearest to what."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core

__all__ = ["Anchors", "Laid", "NORMAL_REACH", "Placed", "agreement", "features", "nearest", "rotated"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

# How far apart (cm) two places count that face away from each other by 60 degrees.
NORMAL_REACH = 1.5


class Placed(NamedTuple):
    """A pose: ``x_target = scale * rotation x_model + translation``; B of them have a leading axis.

    ``side`` is -1 where the target's normals point inwards.
    """

    scale: Float64
    rotation: Float64
    translation: Float64
    side: Float64

    def to_model(self, points: Float64) -> Float64:
        """Return target points (N, 3) in the model's space, (B, N, 3) or (N, 3)."""
        moved = points - self.translation[..., None, :]
        out: Float64 = rotated(moved, self.rotation) / self.scale[..., None, None]
        return out

    def to_target(self, points: Float64) -> Float64:
        """Return model points (N, 3) in the target's space, (B, N, 3) or (N, 3)."""
        turned = points @ np.swapaxes(self.rotation, -1, -2)
        out: Float64 = turned * self.scale[..., None, None] + self.translation[..., None, :]
        return out

    def alike(self, i: int, j: int) -> bool:
        """Whether two of them are within 15 degrees, a twentieth in scale, and a centimetre."""
        cosine = (np.sum(self.rotation[i] * self.rotation[j]) - 1) / 2
        same_scale = abs(np.log(self.scale[i] / self.scale[j])) < 0.05
        shift = np.sqrt(np.sum((self.translation[i] - self.translation[j]) ** 2)) / self.scale[i]
        return bool(cosine > 0.966 and same_scale and shift < 1.0 and self.side[i] == self.side[j])

    def take(self, which: npt.NDArray[np.int64] | int) -> Placed:
        """Return some of them, or one."""
        return Placed(*(part[which] for part in self))


def rotated(points: Float64, matrix: Float64) -> Float64:
    """Return points (N, 3) or (B, N, 3) times one matrix or one each, whatever the threads of BLAS."""
    if points.ndim == 2 and matrix.ndim == 2:
        return _core.multiply_matrices(np.ascontiguousarray(points), np.ascontiguousarray(matrix))
    out: Float64 = points @ matrix  # few points each, which BLAS does on one thread
    return out


class Laid(NamedTuple):
    """A model laid onto a target: its pose, coefficients (K,), points (N, 3) and normals (N, 3) in its own space."""

    pose: Placed
    shape: Float64
    points: Float64
    normals: Float64
    agreement: float


class Anchors(NamedTuple):
    """Landmarks: vertices of the model, and their places (L, 3) in the target's space."""

    vertices: npt.NDArray[np.int64]
    places: Float64

    def are_a_pose(self) -> bool:
        """Whether they are three or more, not on a line."""
        if len(self.places) < 3:
            return False
        spread = np.linalg.svd(self.places - self.places.mean(axis=0), compute_uv=False)
        return bool(spread[1] > 0.05 * spread[0])


def features(points: Float64, normals: Float64, reach: float = NORMAL_REACH) -> Float64:
    """Return points beside their normals, (..., 6): places that face away from each other lie `reach` * 2 apart."""
    return np.ascontiguousarray(np.concatenate([points, reach * normals], axis=-1))


def nearest(tree: _core.NearestPoints, features: Float64) -> tuple[Int32, Float64]:
    """Return the nearest point's index and squared distance for features (..., D)."""
    flat = features.reshape(-1, features.shape[-1])
    index, squared = tree.find(np.ascontiguousarray(flat), 1)
    shape = features.shape[:-1]
    return index[:, 0].reshape(shape), squared[:, 0].reshape(shape)


def agreement(squared: Float64, weight: Float64, sigma: float) -> Float64:
    """Return the weighted mean of ``1 / (1 + d² / sigma²)`` over the last axis."""
    out: Float64 = np.sum(weight / (1 + squared / sigma**2), axis=-1) / np.sum(weight, axis=-1)
    return out
