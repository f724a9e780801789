"""PC2 point caches: positions alone, float32, read as a memory map."""

from __future__ import annotations

import math
import struct
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien.io._input import Progress, blocks, frame_window, map_array, only_node, wrong
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT"]

_MAGIC = b"POINTCACHE2\0"
# Magic, version, vertices, first frame, frames a sample, samples.
_HEADER = struct.Struct("<12siiffi")


class _Header(NamedTuple):
    n_vertices: int
    start: float
    step: float
    n_frames: int

    @property
    def start_frame(self) -> int:
        """Number of the first sample, counted in samples."""
        return round(self.start / self.step)


def _header(path: Path) -> _Header:
    size = path.stat().st_size
    with open(path, "rb") as file:
        data = file.read(_HEADER.size)
    if len(data) < _HEADER.size:
        raise wrong(path, "header", f"{_HEADER.size} bytes", f"{len(data)}")
    magic, version, n_vertices, start, step, n_frames = _HEADER.unpack(data)
    if magic != _MAGIC or version != 1:
        raise wrong(path, "header", f"{_MAGIC!r} of version 1", f"{magic!r} of version {version}")
    if n_vertices < 0 or n_frames < 0:
        raise wrong(path, "header", "counts of at least 0", f"{n_vertices} vertices, {n_frames} frames")
    if not (math.isfinite(start) and abs(start) < 2**31 and 1e-6 < step < 1e6):
        raise wrong(path, "header", "a first frame and a step above 0", f"{start:g} and {step:g}")
    needed = _HEADER.size + 12 * n_vertices * n_frames
    if needed > size:
        raise wrong(path, "size", f"{needed} bytes for {n_frames} frames of {n_vertices} vertices", f"{size}")
    return _Header(n_vertices, start, step, n_frames)


def read(
    path: Path,
    *,
    frames: tuple[int, int] | None,
    node: str | None,
    progress: Progress | None,
    fps: float | None = None,
) -> MeshSequence:
    """Map the positions; see `mien.read`."""
    only_node(path, node, "take")
    header = _header(path)
    if header.step != 1 and fps is None:
        raise wrong(
            path,
            "header",
            "a sample every frame",
            f"one every {header.step:g} frames; fps= says how many samples a second has",
        )
    start, stop = frame_window(frames, header.n_frames)
    positions = map_array(path, "<f4", _HEADER.size, (header.n_frames, header.n_vertices, 3))[start:stop]
    if sys.byteorder != "little":
        positions = positions.astype(np.float32)
    if progress is not None:
        progress(stop - start, stop - start)
    return MeshSequence(
        Topology([], [], header.n_vertices), positions, start_frame=header.start_frame + start
    )


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Write the positions; see `mien.write`."""
    with open(path, "wb") as file:
        file.write(_HEADER.pack(_MAGIC, 1, take.n_vertices, take.start_frame, 1.0, len(take)))
        for start, stop in blocks(len(take), 12 * take.n_vertices, progress):
            file.write(np.ascontiguousarray(take.positions[start:stop], "<f4").data)
    kept = int(np.float32(take.start_frame))
    if kept != take.start_frame:
        return (f"start_frame: pc2 holds it as float32; {take.start_frame} becomes {kept}",)
    return ()


def info(path: Path) -> FileInfo:
    """Read the header; see `mien.file_info`."""
    header = _header(path)
    return FileInfo(
        header.n_frames, header.n_vertices, 0, None, header.start_frame, None, None, ("take",), False
    )


FORMAT = Format(
    name="pc2",
    suffixes=(".pc2",),
    holds=frozenset({"start_frame"}),
    read=read,
    write=write,
    info=info,
    magic=(_MAGIC,),
    uneven_times=True,
)
