"""PLY: a file a frame; read as text and in both byte orders, written as little-endian binary."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.io._frame_files import atomic_files, find_frames, frame_names, stale_frames
from mien.io._input import Progress, checked_topology, frame_window, only_node, wrong
from mien.io._ply_elements import Header, Rows, parse_header, read_elements
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT"]

_SUFFIXES = (".ply",)
_INDICES = ("vertex_indices", "vertex_index")
_VERTEX_UVS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))


class _File(NamedTuple):
    path: Path
    data: bytes
    header: Header

    @property
    def signature(self) -> tuple[str, tuple[Any, ...]]:
        """What two frames with the same layout share."""
        return self.header.order, self.header.elements


def _load(path: Path) -> _File:
    data = path.read_bytes()
    header = parse_header(path, data)
    names = {
        element.name: {p.name for p in element.properties if not p.length} for element in header.elements
    }
    if not {"x", "y", "z"} <= names.get("vertex", set()):
        raise wrong(path, "header", "an element vertex with x, y and z", ", ".join(names) or "no element")
    return _File(path, data, header)


def _positions(vertices: Rows) -> npt.NDArray[Any]:
    columns = [vertices[axis] for axis in "xyz"]
    kind = np.result_type(*columns)
    dtype = np.float32 if kind.kind == "f" and kind.itemsize == 4 else np.float64
    return np.stack(columns, axis=1).astype(dtype)


def _is_float32(file: _File) -> bool:
    """Return whether positions are float32 in the file; text is read as float64 first."""
    vertex = next(element for element in file.header.elements if element.name == "vertex")
    return all(prop.kind == "f4" for prop in vertex.properties if prop.name in "xyz")


def _integers(path: Path, name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    whole = values.astype(np.int64) if values.dtype.kind != "f" or np.isfinite(values).all() else None
    if whole is None or (values.dtype.kind == "f" and (whole != values).any()):
        raise wrong(path, f"property {name!r}", "whole numbers", "others")
    return whole


def _face_lists(path: Path, faces: Rows) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    name = next((name for name in _INDICES if isinstance(faces.get(name), tuple)), None)
    if name is None:
        if not faces:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        raise wrong(path, "element 'face'", f"a list called {' or '.join(_INDICES)}", ", ".join(faces))
    counts, indices = faces[name]
    return counts, _integers(path, name, indices)


def _topology(path: Path, rows: dict[str, Rows], n_vertices: int) -> Topology:
    faces, vertices = rows.get("face", {}), rows["vertex"]
    counts, indices = _face_lists(path, faces)
    uvs: dict[str, npt.NDArray[Any]] = {}
    pair = next((pair for pair in _VERTEX_UVS if pair[0] in vertices and pair[1] in vertices), None)
    corner_uvs = faces.get("texcoord")
    if isinstance(corner_uvs, tuple) and np.array_equal(corner_uvs[0], 2 * counts):
        uvs = {"uvs": corner_uvs[1].reshape(-1, 2), "uv_indices": np.arange(len(indices))}
    elif pair is not None and len(counts):
        uvs = {"uvs": np.stack([vertices[name] for name in pair], axis=1), "uv_indices": indices}
    if uvs:
        uvs["uvs"] = uvs["uvs"].astype(np.float32)
    return checked_topology(path, lambda: Topology(counts, indices, n_vertices, **uvs))


def _parse(file: _File) -> tuple[npt.NDArray[Any], Topology]:
    rows = read_elements(file.path, file.header, file.data, ("vertex", "face"))
    positions = _positions(rows["vertex"])
    if _is_float32(file):
        positions = positions.astype(np.float32, copy=False)
    if len(positions) == 0:
        raise wrong(file.path, "header", "at least one vertex", "none")
    return positions, _topology(file.path, rows, len(positions))


def _vertex_bytes(file: _File) -> slice | None:
    """Return where the vertices of a binary file lie, if they come first."""
    vertex = file.header.elements[0]
    if file.header.order == "" or vertex.name != "vertex" or any(p.length for p in vertex.properties):
        return None
    width = sum(int(prop.kind[1]) for prop in vertex.properties)
    return slice(file.header.body, file.header.body + width * vertex.n_rows)


def _same_layout(file: _File, first: _File) -> bool:
    """Return whether all but the vertices is the same, byte for byte."""
    place, known = _vertex_bytes(file), _vertex_bytes(first)
    if place is None or known is None or file.signature != first.signature:
        return False
    return file.data[place.stop :] == first.data[known.stop :]


def read(
    path: Path, *, frames: tuple[int, int] | None, node: str | None, progress: Progress | None
) -> MeshSequence:
    """Read a sequence; see `mien.read`."""
    only_node(path, node, "take")
    files = find_frames(path, _SUFFIXES)
    start, stop = frame_window(frames, len(files.paths))
    first = _load(files.paths[start])
    shape, topology = _parse(first)
    positions = np.empty((stop - start, *shape.shape), shape.dtype)
    for f, name in enumerate(files.paths[start:stop]):
        file = first if f == 0 else _load(name)
        if f == 0:
            points = shape
        elif _same_layout(file, first):
            points = _positions(read_elements(name, file.header, file.data, ("vertex",))["vertex"])
        else:
            points, own = _parse(file)
            if own != topology:
                raise wrong(name, "topology", f"{topology!r} as in {first.path.name}", f"another {own!r}")
        if points.dtype != positions.dtype:
            raise wrong(name, "header", f"{positions.dtype} positions as in {first.path.name}", points.dtype)
        positions[f] = points
        if progress is not None:
            progress(f + 1, stop - start)
    return MeshSequence(topology, positions, start_frame=(files.start or 0) + start)


def _vertex_uvs(topology: Topology) -> npt.NDArray[np.float32] | None:
    """Return a texture coordinate for every vertex, if no vertex has two."""
    if topology.uvs is None or topology.uv_indices is None:
        return None
    corner_uvs = topology.uvs[topology.uv_indices]
    vertex_uvs = np.zeros((topology.n_vertices, 2), np.float32)
    vertex_uvs[topology.face_indices] = corner_uvs
    return vertex_uvs if np.array_equal(vertex_uvs[topology.face_indices], corner_uvs) else None


def _list_bytes(counts: npt.NDArray[Any], per_corner: int, kind: str) -> npt.NDArray[Any]:
    """Return where a face's list of `per_corner` numbers a corner ends, relative to its begin."""
    return np.dtype(kind).itemsize + 4 * per_corner * counts.astype(np.int64)


def _face_body(topology: Topology, kind: str, corner_uvs: npt.NDArray[np.float32] | None) -> bytes:
    counts = topology.face_counts
    lists = [(1, topology.face_indices.astype("<i4"))]
    if corner_uvs is not None:
        lists.append((2, corner_uvs.astype("<f4").ravel()))
    sizes = [_list_bytes(counts, per_corner, kind) for per_corner, _ in lists]
    row_bytes = np.sum(sizes, axis=0) if len(counts) else np.empty(0, np.int64)
    begins = np.cumsum(row_bytes) - row_bytes
    body = np.zeros(int(row_bytes.sum()), np.uint8)
    width = np.dtype(kind).itemsize
    for (per_corner, values), size in zip(lists, sizes, strict=True):
        lengths = per_corner * counts.astype(np.int64)
        body[begins[:, None] + np.arange(width)] = lengths.astype("<" + kind)[:, None].view(np.uint8)
        within = np.arange(len(values)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(begins + width, lengths) + 4 * within
        body[places[:, None] + np.arange(4)] = values[:, None].view(np.uint8)
        begins = begins + size
    return body.tobytes()


def _header_text(take: MeshSequence, has_vertex_uvs: bool, kind: str, has_corner_uvs: bool) -> bytes:
    real = "double" if take.positions.dtype == np.float64 else "float"
    count = {"u1": "uchar", "i4": "int"}[kind]
    lines = ["ply", "format binary_little_endian 1.0", f"comment written by mien {_core.version}"]
    lines += [f"element vertex {take.n_vertices}", *(f"property {real} {axis}" for axis in "xyz")]
    lines += ["property float s", "property float t"] if has_vertex_uvs else []
    lines += [f"element face {take.topology.n_faces}", f"property list {count} int vertex_indices"]
    lines += [f"property list {count} float texcoord"] if has_corner_uvs else []
    return ("\n".join([*lines, "end_header"]) + "\n").encode()


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Write a sequence; see `mien.write`."""
    topology = take.topology
    vertex_uvs = _vertex_uvs(topology)
    corner_uvs = None
    if topology.uvs is not None and topology.uv_indices is not None and vertex_uvs is None:
        corner_uvs = topology.uvs[topology.uv_indices]
    longest = int(topology.face_counts.max(initial=0)) * (1 if corner_uvs is None else 2)
    kind = "u1" if longest < 256 else "i4"
    header = _header_text(take, vertex_uvs is not None, kind, corner_uvs is not None)
    faces = _face_body(topology, kind, corner_uvs)
    real = "<f8" if take.positions.dtype == np.float64 else "<f4"
    fields = [("position", real, (3,))] + ([("uv", "<f4", (2,))] if vertex_uvs is not None else [])
    vertices = np.zeros(take.n_vertices, np.dtype(fields))
    if vertex_uvs is not None:
        vertices["uv"] = vertex_uvs
    targets = frame_names(path, take.start_frame, len(take))
    with atomic_files(targets) as folder:
        for f, target in enumerate(targets):
            vertices["position"] = take.positions[f]
            with open(folder / target.name, "wb") as file:
                file.writelines((header, vertices.data, faces))
            if progress is not None:
                progress(f + 1, len(take))
    return stale_frames(path, take.start_frame, len(take))


def info(path: Path) -> FileInfo:
    """Read the header of the first frame and count the others; see `mien.file_info`."""
    files = find_frames(path, _SUFFIXES)
    header = _load(files.paths[0]).header
    sizes = {element.name: element.n_rows for element in header.elements}
    names = {element.name: {p.name for p in element.properties} for element in header.elements}
    has_uvs = "texcoord" in names.get("face", ()) or any(set(pair) <= names["vertex"] for pair in _VERTEX_UVS)
    counts = (len(files.paths), sizes["vertex"], sizes.get("face", 0))
    return FileInfo(*counts, None, files.start or 0, None, None, ("take",), has_uvs)


FORMAT = Format(
    name="ply",
    suffixes=_SUFFIXES,
    holds=frozenset({"polygons", "uvs", "start_frame", "float64"}),
    read=read,
    write=write,
    info=info,
    multiple_files=True,
    magic=(b"ply\n", b"ply\r\n"),
)
