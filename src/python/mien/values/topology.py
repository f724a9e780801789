"""How vertices are joined: polygons as they were read, with their texture coordinates."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate

__all__ = ["Topology"]


def _frozen(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = value.view()
    view.flags.writeable = False
    return view


class Topology:
    """Polygons over `n_vertices` vertices, kept in the order and winding in which they were read.

    Parameters
    ----------
    face_counts : (N,) integers
        Corners of each face, at least 3.
    face_indices : (C,) integers
        Vertices of the faces' corners one face after the other, ``C = sum(face_counts)``, counter-clockwise seen
        from outside.
    n_vertices : int
        How many vertices there are; may exceed the largest index.
    uvs : (U, 2) floats, optional
        Texture coordinates.
    uv_indices : (C,) integers, optional
        For every face corner its texture coordinate; needed with `uvs`.

    Raises
    ------
    ValueError
        A face has fewer than three corners, or names a vertex or texture coordinate that does not exist.

    Notes
    -----
    Point clouds have no faces: ``Topology([], [], n)``. Two topologies are equal when polygons and vertex count are;
    texture coordinates do not count, so that takes with and without them can be edited together.
    """

    __slots__ = ("__dict__", "_face_counts", "_face_indices", "_n_vertices", "_uv_indices", "_uvs")

    def __init__(
        self,
        face_counts: npt.ArrayLike,
        face_indices: npt.ArrayLike,
        n_vertices: int,
        *,
        uvs: npt.ArrayLike | None = None,
        uv_indices: npt.ArrayLike | None = None,
    ) -> None:
        counts = _validate.array("face_counts", face_counts, ("N",), np.int32)
        indices = _validate.array("face_indices", face_indices, ("C",), np.int32)
        self._n_vertices = _validate.index("n_vertices", n_vertices, least=0)
        if counts.size and counts.min() < 3:
            face = int(np.argmax(counts < 3))
            raise ValueError(f"`face_counts` must be at least 3, got {counts[face]} for face {face}")
        corners = int(counts.sum(dtype=np.int64))
        if indices.size != corners:
            raise ValueError(
                f"`face_indices` must have sum(face_counts) = {corners} entries, got {indices.size}"
            )
        if indices.size and (indices.min() < 0 or indices.max() >= self._n_vertices):
            corner = int(np.argmax((indices < 0) | (indices >= self._n_vertices)))
            face = int(np.searchsorted(np.cumsum(counts, dtype=np.int64), corner, side="right"))
            raise ValueError(
                f"`face_indices` must name vertices below n_vertices = {self._n_vertices}, "
                f"got {indices[corner]} in face {face}"
            )
        self._face_counts, self._face_indices = _frozen(counts), _frozen(indices)
        self._uvs: npt.NDArray[np.float32] | None = None
        self._uv_indices: npt.NDArray[np.int32] | None = None
        if (uvs is None) != (uv_indices is None):
            raise ValueError("`uvs` and `uv_indices` must be given together, got only one of them")
        if uvs is not None and uv_indices is not None:
            coordinates = _validate.array("uvs", uvs, ("U", 2), np.float32)
            corner_uvs = _validate.array("uv_indices", uv_indices, ("C",), np.int32, {"C": corners})
            if corner_uvs.size and (corner_uvs.min() < 0 or corner_uvs.max() >= len(coordinates)):
                worst = corner_uvs.min() if corner_uvs.min() < 0 else corner_uvs.max()
                raise ValueError(f"`uv_indices` must name one of the {len(coordinates)} uvs, got {worst}")
            self._uvs, self._uv_indices = _frozen(coordinates), _frozen(corner_uvs)

    @classmethod
    def from_polygons(cls, polygons: npt.ArrayLike, n_vertices: int | None = None) -> Topology:
        """Build a topology from rows of vertex indices.

        Parameters
        ----------
        polygons : (N, 3), (N, 4) or wider integers
            One face a row; ``-1`` pads the rows of faces with fewer corners, at their end.
        n_vertices : int, optional
            Defaults to the largest index plus one.
        """
        rows = _validate.array("polygons", polygons, ("N", "C"), np.int32)
        used = rows >= 0
        if rows.size and rows.min() < -1:
            raise ValueError(f"`polygons` must hold vertex indices or -1, got {rows.min()}")
        if rows.shape[1] > 1 and bool((used[:, 1:] & ~used[:, :-1]).any()):
            face = int(np.argmax((used[:, 1:] & ~used[:, :-1]).any(1)))
            raise ValueError(f"`polygons` must have -1 only at the end of a row, got {rows[face].tolist()}")
        highest = int(rows.max()) + 1 if rows.size else 0
        return cls(used.sum(1), rows[used], highest if n_vertices is None else n_vertices)

    @property
    def face_counts(self) -> npt.NDArray[np.int32]:
        """Corners of each face, (N,) int32."""
        return self._face_counts

    @property
    def face_indices(self) -> npt.NDArray[np.int32]:
        """Vertices of the faces' corners, (C,) int32."""
        return self._face_indices

    @property
    def n_vertices(self) -> int:
        """How many vertices there are."""
        return self._n_vertices

    @property
    def n_faces(self) -> int:
        """How many faces there are."""
        return len(self._face_counts)

    @property
    def uvs(self) -> npt.NDArray[np.float32] | None:
        """Texture coordinates, (U, 2) float32, or None."""
        return self._uvs

    @property
    def uv_indices(self) -> npt.NDArray[np.int32] | None:
        """Texture coordinate of each face corner, (C,) int32, or None."""
        return self._uv_indices

    @functools.cached_property
    def triangles(self) -> npt.NDArray[np.int32]:
        """Faces as fans of triangles around their first corner, (T, 3) int32, in face order."""
        return _frozen(self._face_indices[self.triangle_corners])

    @functools.cached_property
    def triangle_corners(self) -> npt.NDArray[np.int64]:
        """For each corner of `triangles` its place in `face_indices`, (T, 3) int64; what carries UVs along."""
        counts = self._face_counts.astype(np.int64)
        per_face = counts - 2
        first = np.repeat(np.cumsum(counts) - counts, per_face)
        step = np.arange(int(per_face.sum())) - np.repeat(np.cumsum(per_face) - per_face, per_face)
        return _frozen(np.stack([first, first + step + 1, first + step + 2], axis=1))

    @functools.cached_property
    def edges(self) -> npt.NDArray[np.int32]:
        """Every edge of a polygon once, smaller vertex first, sorted, (E, 2) int32."""
        counts = self._face_counts.astype(np.int64)
        following = np.arange(1, len(self._face_indices) + 1)
        last = np.cumsum(counts) - 1
        following[last] = last - counts + 1
        pairs = np.sort(np.stack([self._face_indices, self._face_indices[following]], axis=1), axis=1)
        return _frozen(np.unique(pairs, axis=0) if len(pairs) else pairs)

    @functools.cached_property
    def hash(self) -> str:
        """A short text that two topologies share only when they are equal."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (np.int64(self._n_vertices), self._face_counts, self._face_indices):
            digest.update(np.ascontiguousarray(part).astype(part.dtype.newbyteorder("<")).tobytes())
            digest.update(b"|")
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topology):
            return NotImplemented
        return self is other or self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"Topology({self.n_vertices} vertices, {self.n_faces} faces)"
