"""A small statistical model of faces: their shapes, and how they move."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt

from mien._archive import load_npz

__all__ = ["FaceModel", "builtin_face_model", "read_face_model", "vertex_normals"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

_CONTROLS = 130
# Standard deviation (cm) and length (cm) of smooth bends: of the whole face, of a cheek, of a lip.
_BENDS = ((1.2, 8.0), (0.6, 3.0), (0.25, 1.2))


def vertex_normals(points: Float64, triangles: Int32) -> Float64:
    """Return unit normals (N, 3), triangles weighted by area."""
    corners = points[triangles]
    vectors = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    n = len(points)
    flat = triangles.ravel()
    sums = np.stack([np.bincount(flat, np.repeat(vectors[:, i], 3), n) for i in range(3)], axis=1)
    return np.asarray(sums / np.maximum(np.sqrt(np.sum(sums**2, axis=1)), 1e-300)[:, None])


@dataclasses.dataclass(frozen=True, eq=False)
class FaceModel:
    """Faces in centimetres; x to the subject's left, y up, z out of the face.

    Parameters
    ----------
    points : (N, 3)
        The mean face.
    triangles : (T, 3) int32
    identity : (K, N, 3)
        What one standard deviation of each shape coefficient adds.
    expression : (K, N, 3)
        Orthogonal directions in which faces move, each as large as its root mean square over the shapes of a rig.
    landmarks : dict
        Vertices by name, as in `mien.datasets.head`.
    """

    points: Float64
    triangles: Int32
    identity: Float64
    expression: Float64
    landmarks: dict[str, int]

    @functools.cached_property
    def normals(self) -> Float64:
        """Of the mean face."""
        return vertex_normals(self.points, self.triangles)

    @functools.cached_property
    def mobility(self) -> Float64:
        """Root mean square displacement (N,) over the shapes of a rig, centimetres."""
        return np.asarray(np.sqrt(np.einsum("kni,kni->n", self.expression, self.expression)))

    @functools.cached_property
    def core(self) -> npt.NDArray[np.int64]:
        """Vertices in the middle of the face, which every mask shows: brows to chin, cheek to cheek."""
        x, y, z = (self.points - self.points[self.landmarks["nose_tip"]]).T
        inside = (x / 5.5) ** 2 + ((y + 0.3) / 6.5) ** 2 < 1
        out: npt.NDArray[np.int64] = np.flatnonzero(inside & (z > -6.5) & (self.normals[:, 2] > 0.1))
        return out

    @functools.cached_property
    def crops(self) -> list[npt.NDArray[np.bool_]]:
        """Masks (N,) of what a mesh may show: head and neck, head, half head, face with forehead, narrow face."""
        x, y, z = (self.points - self.points[self.landmarks["nose_tip"]]).T
        all_of_it = np.ones(len(x), bool)
        return [
            all_of_it,
            y > -9.0,
            (z > -12.0) & (y > -9.0),
            (z > -7.5) & (y > -8.5) & (y < 9.0),
            (z > -5.5) & (y > -8.0) & (y < 6.5),
        ]

    @functools.cached_property
    def bending(self) -> Float64:
        """Smooth displacement fields (N, M) of unit variance each: a low-rank square root of their covariance."""
        chosen = _spread(self.points * np.where(self.points[:, 2:] > 2, 1.0, 0.4), _CONTROLS)
        centres = self.points[chosen]
        own = _covariance(centres, centres) + 1e-6 * np.eye(len(centres))
        rows = _covariance(centres, self.points)
        # Cholesky's factor and forward substitution at once: LAPACK's bits would depend on its threads.
        for k in range(len(own)):
            root = np.sqrt(own[k, k])
            own[k] /= root
            rows[k] /= root
            below = own[k, k + 1 :, None].copy()
            own[k + 1 :] -= below * own[k]
            rows[k + 1 :] -= below * rows[k]
        return np.ascontiguousarray(rows.T)


def _covariance(a: Float64, b: Float64) -> Float64:
    squared: Float64 = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2 * np.einsum("ai,bi->ab", a, b)
    out: Float64 = np.zeros_like(squared)
    for sd, length in _BENDS:
        out += sd**2 * np.exp(squared / (-2 * length**2))
    return out


def _spread(points: Float64, count: int) -> npt.NDArray[np.int64]:
    """Return indices of points far from each other, by farthest-point sampling from the first."""
    chosen = np.zeros(count, np.int64)
    distance = np.full(len(points), np.inf)
    for i in range(1, count):
        distance = np.minimum(distance, np.sum((points - points[chosen[i - 1]]) ** 2, axis=1))
        chosen[i] = int(np.argmax(distance))
    return chosen


@functools.lru_cache(maxsize=1)
def builtin_face_model() -> FaceModel:
    """Return the model that comes with the package; ``tools/train_face_prior.py`` makes it."""
    return read_face_model(pathlib.Path(__file__).with_name("face_model.npz"))


def read_face_model(path: pathlib.Path) -> FaceModel:
    """Read a model of faces as ``tools/train_face_prior.py`` writes it."""
    keys = ("points", "half", "mirror", "triangles", "identity", "expression", "landmark_names")
    data = load_npz(path, "the model of faces", keys)
    half, mirror = data["half"].astype(np.int64), data["mirror"].astype(np.int64)
    points = _both_halves(data["points"][None].astype(np.float64), np.ones(1), half, mirror)[0]
    modes = {
        name: _both_halves(data[name] * float(data[f"{name}_step"]), data[f"{name}_parity"], half, mirror)
        for name in ("identity", "expression")
    }
    names, vertices = data["landmark_names"], data["landmark_vertices"]
    landmarks = {str(name): int(vertex) for name, vertex in zip(names, vertices, strict=True)}
    return FaceModel(points, data["triangles"].astype(np.int32), **modes, landmarks=landmarks)


def _both_halves(
    fields: Float64, parity: npt.NDArray[Any], half: npt.NDArray[np.int64], mirror: npt.NDArray[np.int64]
) -> Float64:
    """Return fields (K, N, 3) from their left half: even ones (1) are their own mirror image, odd (-1) its opposite."""
    out = np.empty((len(fields), len(mirror), 3))
    out[:, mirror[half]] = parity[:, None, None] * fields * [-1.0, 1.0, 1.0]
    out[:, half] = fields
    return out
