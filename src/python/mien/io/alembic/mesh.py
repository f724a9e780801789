"""Meshes: topology, texture coordinates and positions out of a mesh object's properties."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.io.alembic.archive import Archive, Node
from mien.io.alembic.properties import (
    BYTES_PER_BYTE,
    FREE_BYTES,
    PODS,
    Property,
    array_blocks,
    array_values,
    first_change,
    parse_metadata,
    stored_index,
)
from mien.io.registry import Progress
from mien.values.topology import Topology

__all__ = [
    "MeshProperties",
    "mesh_properties",
    "read_points",
    "read_topology",
    "reversed_corners",
]


Int64 = npt.NDArray[np.int64]


class MeshProperties(NamedTuple):
    """The properties of a mesh that make a take."""

    place: str
    points: Property
    face_counts: Property
    face_indices: Property
    uv: Property | None
    n_vertices: int


def mesh_properties(archive: Archive, node: Node) -> MeshProperties:
    """Find what makes a take among a mesh object's properties."""
    top = archive.properties(node)
    if ".geom" not in top:
        raise archive.file.error(node, "a property .geom", f"only {sorted(top)}")
    parts = archive.inside(top[".geom"])
    missing = [name for name in ("P", ".faceCounts", ".faceIndices") if name not in parts]
    if missing:
        raise archive.file.error(top[".geom"].place, f"a property {missing[0]}", f"only {sorted(parts)}")
    points = parts["P"]
    if points.extent != 3 or points.pod not in (9, 10, 11):
        found = f"type {points.pod} with {points.extent} components"
        raise archive.file.error(points.place, "three floats a point", found)
    _, counts = array_blocks(archive.file, points, 0, 1)
    return MeshProperties(
        str(node), points, parts[".faceCounts"], parts[".faceIndices"], parts.get("uv"), int(counts[0])
    )


def reversed_corners(face_counts: npt.NDArray[np.int32]) -> Int64:
    """Return for every face corner its place when each face is walked the other way round, (C,).

    Alembic's faces are clockwise seen from outside, a topology's counter-clockwise.
    """
    counts = face_counts.astype(np.int64)
    ends = np.cumsum(counts)
    return np.repeat(2 * ends - counts - 1, counts) - np.arange(int(ends[-1]) if len(ends) else 0)


def _unchanging(archive: Archive, header: Property) -> npt.NDArray[Any]:
    sample = first_change(archive.file, header)
    if sample is not None:
        raise archive.file.error(
            header.place, "the same values in every sample", f"a change at sample {sample}"
        )
    return array_values(archive.file, header)


def _integers(archive: Archive, header: Property) -> npt.NDArray[Any]:
    values = _unchanging(archive, header)
    if values.dtype.kind not in "iu" or values.shape[1] != 1:
        raise archive.file.error(
            header.place, "integers", f"{values.dtype} with {values.shape[1]} components"
        )
    return values[:, 0]


def read_topology(archive: Archive, mesh: MeshProperties, *, mirrored: bool = False) -> Topology:
    """Return the polygons and texture coordinates of a mesh, wound counter-clockwise.

    Parameters
    ----------
    mirrored : bool
        Whether the transforms above it turn the mesh inside out, so that its faces are counter-clockwise already.
    """
    file = archive.file
    counts = _integers(archive, mesh.face_counts)
    indices = _integers(archive, mesh.face_indices)
    if counts.size and (counts.min() < 3 or counts.max() > len(indices)):
        face = int(np.argmax((counts < 3) | (counts > len(indices))))
        raise file.error(mesh.face_counts.place, f"3 to {len(indices)} corners for face {face}", counts[face])
    corners = int(counts.sum(dtype=np.int64))
    if corners != len(indices):
        raise file.error(mesh.face_indices.place, f"{corners} corners, the sum of .faceCounts", len(indices))
    order = np.arange(corners) if mirrored else reversed_corners(counts.astype(np.int32))
    if indices.size and (indices.min() < 0 or indices.max() >= mesh.n_vertices):
        corner = int(np.argmax((indices < 0) | (indices >= mesh.n_vertices)))
        raise file.error(
            mesh.face_indices.place,
            f"vertices below {mesh.n_vertices}",
            f"{indices[corner]} at corner {corner}",
        )
    uvs, uv_indices = _read_uvs(archive, mesh, counts, indices)
    return Topology(
        counts.astype(np.int32),
        indices.astype(np.int32)[order],
        mesh.n_vertices,
        uvs=uvs,
        uv_indices=None if uv_indices is None else uv_indices[order],
    )


def _read_uvs(
    archive: Archive, mesh: MeshProperties, counts: npt.NDArray[Any], indices: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float32] | None, Int64 | None]:
    """Return texture coordinates and, for every corner in the file's order, which one it has."""
    header = mesh.uv
    if header is None:
        return None, None
    file = archive.file
    values_header, numbers = header, None
    if header.kind == "compound":
        parts = archive.inside(header)
        if ".vals" not in parts:
            raise file.error(header.place, "a property .vals", f"only {sorted(parts)}")
        values_header = parts[".vals"]
        if ".indices" in parts and parts[".indices"].n_samples:
            numbers = _integers(archive, parts[".indices"])
    if not values_header.n_samples:
        return None, None
    values = _unchanging(archive, values_header)
    if values.dtype.kind != "f" or values.shape[1] != 2:
        raise file.error(
            values_header.place, "two floats", f"{values.dtype} with {values.shape[1]} components"
        )
    if numbers is None:
        numbers = np.arange(len(values))
    elif numbers.size and (numbers.min() < 0 or numbers.max() >= len(values)):
        raise file.error(header.place, f"indices below {len(values)}", numbers.max())
    scope = parse_metadata(header.metadata).get("geoScope", "")
    sizes = {
        "fvr": len(indices),
        "vtx": mesh.n_vertices,
        "var": mesh.n_vertices,
        "uni": len(counts),
        "con": 1,
    }
    if scope not in sizes:  # not said: the number of values tells
        scope = next((key for key, size in sizes.items() if size == len(numbers)), scope)
    if sizes.get(scope) != len(numbers):
        expected = (
            f"{sizes[scope]} values for scope {scope}" if scope in sizes else "a value for every corner"
        )
        raise file.error(header.place, expected, len(numbers))
    of_corner = {
        "fvr": np.arange(len(indices)),
        "uni": np.repeat(np.arange(len(counts)), counts),
        "con": np.zeros(len(indices), np.int64),
    }.get(scope, indices)
    with np.errstate(over="ignore"):
        return values.astype(np.float32), numbers[of_corner].astype(np.int64)


def read_points(
    archive: Archive, mesh: MeshProperties, start: int, stop: int, progress: Progress | None
) -> npt.NDArray[Any]:
    """Return the points of frames ``start`` to ``stop``, (F, V, 3), before any transform.

    Where samples lie at regular, aligned distances in the file, as this package writes them, the result is a view of
    the mapped file; it is read when it is looked at. Elsewhere it is one copy. float16 becomes float32.
    """
    header, file = mesh.points, archive.file
    n, v = stop - start, mesh.n_vertices
    dtype = np.dtype(PODS[header.pod])
    frame_bytes = v * 3 * dtype.itemsize
    most = FREE_BYTES + BYTES_PER_BYTE * file.size
    if n * frame_bytes > most:
        raise file.error(
            header.place, f"at most {most} bytes of points in a file of this size", n * frame_bytes
        )
    if (
        header.n_stored == 1 and n > 1
    ):  # one frame seen n times; transforms may give it more frames than it has
        once = read_points(archive, mesh, 0, 1, None)
        return np.broadcast_to(once, (n, v, 3))
    stored = stored_index(header, np.arange(start, stop))
    low, high = int(stored[0]), int(stored[-1]) + 1
    positions, counts = array_blocks(file, header, low, high)
    if (counts != v).any():
        i = int(np.argmax(counts != v))
        sample = low + i + (header.first - 1 if low + i else 0)
        raise file.error(f"{header.place}, sample {sample}", f"{v} points as in sample 0", counts[i])
    at = positions[stored - low]
    steps = np.diff(at)
    step = int(steps[0]) if n > 1 else frame_bytes
    regular = bool((steps == step).all()) and step >= 0
    aligned = at[0] % dtype.itemsize == 0 and step % dtype.itemsize == 0
    if regular and v and dtype.itemsize > 2 and aligned and dtype.isnative:
        if progress is not None:
            progress(n, n)
        base = file.bytes[int(at[0]) : int(at[-1]) + frame_bytes]
        return np.ndarray((n, v, 3), dtype, base, 0, (step, 3 * dtype.itemsize, dtype.itemsize))
    out = np.empty((n, v, 3), np.float32 if dtype.itemsize == 2 else dtype.newbyteorder("="))
    for f in range(n):
        # Through bytes, because samples of other writers need not be aligned.
        raw = file.bytes[int(at[f]) : int(at[f]) + frame_bytes]
        if out.dtype == dtype:
            out[f].reshape(-1).view(np.uint8)[:] = raw
        else:
            out[f] = raw.copy().view(dtype).reshape(v, 3)
        if progress is not None:
            progress(f + 1, n)
    return out
