"""Wavefront OBJ: text, a file a frame; parsed and formatted by the core."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien import _core
from mien.errors import FormatError
from mien.io._frame_files import atomic_files, find_frames, frame_names, stale_frames
from mien.io._input import Progress, checked_topology, frame_window, only_node
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT"]

_SUFFIXES = (".obj",)
# Frames in memory as text at a time; they are parsed and formatted in parallel.
_BATCH = 16


def _parse_first(path: Path) -> _core.ObjFrame:
    try:
        return _core.parse_obj(path.read_bytes())
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _topology(path: Path, frame: _core.ObjFrame) -> Topology:
    uvs = {"uvs": frame.uvs, "uv_indices": frame.uv_indices} if len(frame.uv_indices) else {}
    n_vertices = len(frame.positions)
    return checked_topology(path, lambda: Topology(frame.face_counts, frame.face_indices, n_vertices, **uvs))


def _name(frame: _core.ObjFrame) -> str:
    """Return the object's name; several objects are one mesh, and so are their names."""
    return "+".join(name.decode(errors="replace") for name in frame.names) or "take"


def _read_positions(
    paths: Sequence[Path], first: _core.ObjFrame, progress: Progress | None
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    positions = np.empty((len(paths), *first.positions.shape), np.float32)
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        texts = [path.read_bytes() for path in batch]
        problem = _core.parse_obj_frames(texts, first, positions[start : start + len(batch)])
        if problem is not None:
            raise FormatError(f"{batch[problem[0]]}: {problem[1]}")
        if progress is not None:
            progress(start + len(batch), len(paths))
    return positions


def read(
    path: Path, *, frames: tuple[int, int] | None, node: str | None, progress: Progress | None
) -> MeshSequence:
    """Parse a sequence; see `mien.read`."""
    files = find_frames(path, _SUFFIXES)
    start, stop = frame_window(frames, len(files.paths))
    first = _parse_first(files.paths[start])
    name = _name(first)
    only_node(path, node, name)
    topology = _topology(files.paths[start], first)
    positions = _read_positions(files.paths[start:stop], first, progress)
    return MeshSequence(topology, positions, start_frame=(files.start or 0) + start, name=name)


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Format a sequence; see `mien.write`."""
    topology = take.topology
    name = " ".join(take.name.split()) or "take"
    header = f"# written by mien {_core.version}\no {name}\n".encode()
    faces = _core.format_obj_faces(
        topology.face_counts, topology.face_indices, topology.uvs, topology.uv_indices
    )
    targets = frame_names(path, take.start_frame, len(take))
    with atomic_files(targets) as folder:
        for start in range(0, len(take), _BATCH):
            batch = targets[start : start + _BATCH]
            texts = _core.format_obj_frames(take.positions[start : start + len(batch)])
            for target, text in zip(batch, texts, strict=True):
                with open(folder / target.name, "wb") as file:
                    file.writelines((header, text, faces))
            if progress is not None:
                progress(start + len(batch), len(take))
    return stale_frames(path, take.start_frame, len(take))


def info(path: Path) -> FileInfo:
    """Parse the first frame and count the others; see `mien.file_info`."""
    files = find_frames(path, _SUFFIXES)
    first = _parse_first(files.paths[0])
    return FileInfo(
        len(files.paths),
        len(first.positions),
        len(first.face_counts),
        None,
        files.start or 0,
        None,
        None,
        (_name(first),),
        len(first.uv_indices) > 0,
    )


FORMAT = Format(
    name="obj",
    suffixes=_SUFFIXES,
    holds=frozenset({"polygons", "uvs", "start_frame", "name"}),
    read=read,
    write=write,
    info=info,
    multiple_files=True,
)
