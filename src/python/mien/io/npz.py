"""NPZ: everything about a take in one NumPy archive, stored uncompressed so that positions can be memory-mapped.

Keys of our own layout: ``positions`` (F, V, 3), ``face_counts`` (N,), ``face_indices`` (C,), ``fps``, ``start_frame``,
``name``, and where the take has them ``uvs`` (U, 2), ``uv_indices`` (C,), ``metres_per_unit`` and ``up_axis``. Archives
of others are read when they have ``vertices`` (F, V, 3) and ``polygons`` or ``triangles`` (rows of indices, -1 pads),
with ``fps`` and ``units`` ("mm", "cm", "m", ...).
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.errors import FormatError
from mien.io._input import Progress, blocks, checked_topology, frame_window, map_array, only_node, wrong
from mien.io.npy import array_header, positions_shape, write_array
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT"]

UNITS = {"mm": 0.001, "cm": 0.01, "dm": 0.1, "m": 1.0, "km": 1000.0, "in": 0.0254, "ft": 0.3048}

# A deflated byte stands for at most 1032 bytes; an archive that promises more lies.
_DEFLATE_LIMIT = 1032
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ALIGNMENT = 64
_PADDING_ID = 0xD935  # the extra field that zip alignment tools use


class _Entry(NamedTuple):
    """One array in the archive, known by its header."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    member: zipfile.ZipInfo
    header_bytes: int


class _Archive:
    """An .npz file whose headers are checked before anything is allocated."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.path, self._file = path, file
        self._bytes = path.stat().st_size
        self.keys = {name.removesuffix(".npy") for name in file.namelist() if name.endswith(".npy")}

    def entry(self, key: str) -> _Entry:
        member = self._file.getinfo(key + ".npy")
        place = f"array {key!r}"
        limit = member.compress_size * (1 if member.compress_type == zipfile.ZIP_STORED else _DEFLATE_LIMIT)
        if member.compress_size > self._bytes or member.file_size > limit:
            raise wrong(
                self.path, place, f"at most {min(limit, self._bytes)} bytes", f"a claim of {member.file_size}"
            )
        with self._file.open(member) as stream:
            shape, fortran, dtype = array_header(self.path, place, stream)
            header = stream.tell()
        needed, present = math.prod(shape) * dtype.itemsize, member.file_size - header
        if needed > present:
            raise wrong(self.path, place, f"{needed} bytes for shape {shape} of {dtype}", f"{present} bytes")
        return _Entry(shape, fortran, dtype, member, header)

    def array(self, key: str) -> npt.NDArray[Any]:
        entry = self.entry(key)
        with self._file.open(entry.member) as stream:
            stream.read(entry.header_bytes)
            data = stream.read(math.prod(entry.shape) * entry.dtype.itemsize)
        order = "F" if entry.fortran else "C"
        return np.frombuffer(data, entry.dtype).reshape(entry.shape, order=order)  # type: ignore[call-overload, no-any-return]

    def frames(self, key: str, frames: tuple[int, int] | None, progress: Progress | None) -> npt.NDArray[Any]:
        """Return a range of frames: mapped where the bytes lie in the file as they are, else read in pieces."""
        entry = self.entry(key)
        shape = positions_shape(self.path, f"array {key!r}", entry.shape, entry.dtype)
        start, stop = frame_window(frames, shape[0])
        plain = entry.dtype.isnative and not entry.fortran
        if plain and entry.member.compress_type == zipfile.ZIP_STORED:
            mapped = map_array(self.path, entry.dtype, self._data_offset(key, entry), shape)[start:stop]
            if progress is not None:
                progress(stop - start, stop - start)
            return mapped
        if entry.fortran:
            return np.ascontiguousarray(
                self.array(key).reshape(shape)[start:stop], entry.dtype.newbyteorder("=")
            )
        return self._stream(entry, shape, (start, stop), progress)

    def _stream(
        self, entry: _Entry, shape: tuple[int, int, int], window: tuple[int, int], progress: Progress | None
    ) -> npt.NDArray[Any]:
        start, stop = window
        frame_bytes = math.prod(shape[1:]) * entry.dtype.itemsize
        pieces = []  # joined at the end: memory follows what the archive really holds, not what it claims
        with self._file.open(entry.member) as stream:
            stream.seek(entry.header_bytes + start * frame_bytes)
            for first, last in blocks(stop - start, frame_bytes, progress):
                data = stream.read((last - first) * frame_bytes)
                if len(data) != (last - first) * frame_bytes:
                    raise wrong(
                        self.path, f"frame {start + first}", f"{frame_bytes} bytes a frame", "the end"
                    )
                piece = np.frombuffer(data, entry.dtype).reshape(last - first, *shape[1:])
                pieces.append(piece.astype(entry.dtype.newbyteorder("="), copy=False))
        return np.concatenate(pieces) if pieces else np.empty((0, *shape[1:]), entry.dtype)

    def _data_offset(self, key: str, entry: _Entry) -> int:
        """Find where a stored array's numbers begin in the file."""
        with open(self.path, "rb") as file:
            file.seek(entry.member.header_offset)
            signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        offset: int = entry.member.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
        offset += entry.header_bytes
        end = offset + math.prod(entry.shape) * entry.dtype.itemsize
        if signature != b"PK\x03\x04" or end > self._bytes:
            raise wrong(
                self.path, f"array {key!r}", f"its data inside {self._bytes} bytes", f"an end at {end}"
            )
        return offset

    def number(self, key: str) -> float | None:
        """Return a single number, None where the archive has no such key."""
        if key not in self.keys:
            return None
        entry = self.entry(key)
        if math.prod(entry.shape) != 1 or entry.dtype.kind not in "fiu":
            raise wrong(
                self.path, f"array {key!r}", "a single number", f"{entry.dtype} of shape {entry.shape}"
            )
        return float(self.array(key).reshape(())[()])

    def text(self, key: str) -> str | None:
        """Return a single word, None where the archive has no such key."""
        if key not in self.keys:
            return None
        entry = self.entry(key)
        if math.prod(entry.shape) != 1 or entry.dtype.kind not in "US":
            raise wrong(self.path, f"array {key!r}", "a single text", f"{entry.dtype} of shape {entry.shape}")
        value = self.array(key).reshape(())[()]
        return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def _opened(path: Path) -> Iterator[_Archive]:
    try:
        with zipfile.ZipFile(path) as file:
            yield _Archive(path, file)
    except FormatError:
        raise
    except (
        EOFError,
        KeyError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        UnicodeDecodeError,
        struct.error,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise FormatError(f"{path}: expected an intact .npz archive; found that {error}") from error


def _positions_key(archive: _Archive) -> str:
    for key in ("positions", "vertices"):
        if key in archive.keys:
            return key
    found = ", ".join(sorted(archive.keys)) or "none"
    raise FormatError(f"{archive.path}: arrays: expected positions or vertices; found {found}")


def _topology(archive: _Archive, n_vertices: int) -> Topology:
    rows = next((key for key in ("polygons", "triangles") if key in archive.keys), None)
    if "face_counts" in archive.keys and "face_indices" in archive.keys:
        uvs = {key: archive.array(key) for key in ("uvs", "uv_indices") if key in archive.keys}
        counts, indices = archive.array("face_counts"), archive.array("face_indices")
        return checked_topology(archive.path, lambda: Topology(counts, indices, n_vertices, **uvs))
    if rows is not None:
        polygons = archive.array(rows)
        return checked_topology(archive.path, lambda: Topology.from_polygons(polygons, n_vertices))
    return Topology([], [], n_vertices)


def _stated(archive: _Archive) -> dict[str, Any]:
    """Return rate, first frame, unit, axis and name as far as the archive states them."""
    path, stated = archive.path, dict[str, Any]()
    for key, fits in (
        ("fps", lambda x: x > 0),
        ("start_frame", lambda x: True),
        ("metres_per_unit", lambda x: x > 0),
    ):
        number = archive.number(key)
        if number is None:
            continue
        if not (math.isfinite(number) and fits(number)):
            raise wrong(path, f"array {key!r}", "a finite number that makes sense", number)
        stated[key] = int(number) if key == "start_frame" else number
    units, axis, name = archive.text("units"), archive.text("up_axis"), archive.text("name")
    if units is not None and "metres_per_unit" not in stated:
        if units not in UNITS:
            raise wrong(path, "array 'units'", f"one of {', '.join(UNITS)}", repr(units))
        stated["metres_per_unit"] = UNITS[units]
    if axis is not None:
        if axis.lower() not in ("y", "z"):
            raise wrong(path, "array 'up_axis'", "'y' or 'z'", repr(axis))
        stated["up_axis"] = axis.lower()
    if name is not None:
        stated["name"] = name
    return stated


def read(
    path: Path, *, frames: tuple[int, int] | None, node: str | None, progress: Progress | None
) -> MeshSequence:
    """Read or map an archive; see `mien.read`."""
    with _opened(path) as archive:
        stated = _stated(archive)
        only_node(path, node, stated.get("name", "take"))
        positions = archive.frames(_positions_key(archive), frames, progress)
        topology = _topology(archive, positions.shape[1])
    stated["start_frame"] = stated.get("start_frame", 0) + (frames[0] if frames else 0)
    return MeshSequence(topology, positions, **stated)


def _aligned_member(file: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Return a stored member whose data begins at a multiple of 64 bytes, for which NPY headers are padded too."""
    member = zipfile.ZipInfo(name)
    zip64 = 20  # what zipfile adds for members that may exceed 4 GiB
    assert file.fp is not None
    before = file.fp.tell() + 30 + len(name) + 4 + zip64
    member.extra = struct.pack("<HH", _PADDING_ID, -before % _ALIGNMENT) + bytes(-before % _ALIGNMENT)
    return member


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Write an uncompressed archive; see `mien.write`."""
    topology = take.topology
    arrays: dict[str, Any] = {
        "kind": np.array("mien.MeshSequence"),
        "fps": np.float64(take.fps),
        "start_frame": np.int64(take.start_frame),
        "name": np.array(take.name),
        "metres_per_unit": take.metres_per_unit,
        "up_axis": take.up_axis,
        "face_counts": topology.face_counts,
        "face_indices": topology.face_indices,
        "uvs": topology.uvs,
        "uv_indices": topology.uv_indices,
        "positions": take.positions,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for key, value in arrays.items():
            if value is None:
                continue
            with archive.open(_aligned_member(archive, key + ".npy"), "w", force_zip64=True) as file:
                write_array(file, np.asarray(value), progress if key == "positions" else None)
    return ()


def _face_count(archive: _Archive) -> int:
    for key in ("face_counts", "polygons", "triangles"):
        if key in archive.keys:
            return (*archive.entry(key).shape, 0)[0]
    return 0


def info(path: Path) -> FileInfo:
    """Read the headers and the small arrays; see `mien.file_info`."""
    with _opened(path) as archive:
        key = _positions_key(archive)
        entry = archive.entry(key)
        shape = positions_shape(path, f"array {key!r}", entry.shape, entry.dtype)
        stated = _stated(archive)
        n_faces, has_uvs = _face_count(archive), "uvs" in archive.keys
    unit, axis = stated.get("metres_per_unit"), stated.get("up_axis")
    name = (stated.get("name", "take"),)
    return FileInfo(
        shape[0],
        shape[1],
        n_faces,
        stated.get("fps"),
        stated.get("start_frame", 0),
        unit,
        axis,
        name,
        has_uvs,
    )


FORMAT = Format(
    name="npz",
    suffixes=(".npz",),
    holds=frozenset(
        {"polygons", "uvs", "fps", "start_frame", "metres_per_unit", "up_axis", "name", "float64"}
    ),
    read=read,
    write=write,
    info=info,
    magic=(b"PK\x03\x04", b"PK\x05\x06"),
)
