"""MDD point caches: positions and times, big-endian float32."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.io._input import Progress, blocks, frame_window, map_array, only_node, wrong
from mien.io._times import even_rate
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT"]

_HEADER = struct.Struct(">ii")
_PRECISION = 2.0**-24


class _Header(NamedTuple):
    n_frames: int
    n_vertices: int
    times: npt.NDArray[Any]

    @property
    def offset(self) -> int:
        return _HEADER.size + 4 * self.n_frames


def _header(path: Path) -> _Header:
    size = path.stat().st_size
    with open(path, "rb") as file:
        data = file.read(_HEADER.size)
        if len(data) < _HEADER.size:
            raise wrong(path, "header", f"{_HEADER.size} bytes", f"{len(data)}")
        n_frames, n_vertices = _HEADER.unpack(data)
        needed = _HEADER.size + 4 * n_frames + 12 * n_frames * n_vertices
        if n_frames < 0 or n_vertices < 0 or needed != size:
            # The format has no magic: the size is what tells an MDD file from others.
            raise wrong(
                path, "header", f"counts that come to {size} bytes", f"{n_frames} frames of {n_vertices}"
            )
        times = np.frombuffer(file.read(4 * n_frames), ">f4").astype(np.float64)
    if not np.isfinite(times).all():
        raise wrong(path, f"time of frame {int(np.argmin(np.isfinite(times)))}", "a finite number", "none")
    return _Header(n_frames, n_vertices, times)


def _timing(times: npt.NDArray[Any]) -> tuple[float | None, int] | None:
    """Return rate, None for a single frame, and the first frame; or None for uneven times."""
    if len(times) >= 2:
        return even_rate(times, _PRECISION)
    return None, round(float(times[0]) * 24) if len(times) else 0


def read(
    path: Path,
    *,
    frames: tuple[int, int] | None,
    node: str | None,
    progress: Progress | None,
    fps: float | None = None,
) -> MeshSequence:
    """Read the positions, turned to native byte order; see `mien.read`."""
    only_node(path, node, "take")
    header = _header(path)
    timing = _timing(header.times)
    if fps is not None:
        start_frame = round(float(header.times[0]) * fps) if header.n_frames else 0
    elif timing is None:
        raise wrong(path, "times", "evenly spaced samples", "uneven ones; fps= says what rate they stand for")
    else:
        fps, start_frame = timing
    start, stop = frame_window(frames, header.n_frames)
    shape = (header.n_frames, header.n_vertices, 3)
    stored = map_array(path, ">f4", header.offset, shape)[start:stop]
    positions = np.empty(stored.shape, np.float32)
    for first, last in blocks(len(stored), 12 * header.n_vertices, progress):
        positions[first:last] = stored[first:last]
    topology = Topology([], [], header.n_vertices)
    return MeshSequence(topology, positions, fps=fps or 24.0, start_frame=start_frame + start)


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Write times and positions; see `mien.write`."""
    times = ((take.start_frame + np.arange(len(take))) / take.fps).astype(">f4")
    with open(path, "wb") as file:
        file.write(_HEADER.pack(len(take), take.n_vertices))
        file.write(times.tobytes())
        for start, stop in blocks(len(take), 12 * take.n_vertices, progress):
            file.write(np.ascontiguousarray(take.positions[start:stop], ">f4").data)
    fps, start_frame = _timing(times.astype(np.float64)) or (None, 0)
    lost = []
    if (fps or 24.0) != take.fps:
        back = "none" if fps is None else f"{fps:.12g}"
        lost.append(f"fps: mdd holds times as float32; {take.fps:.12g} reads back as {back}")
    if start_frame != take.start_frame:
        lost.append(
            f"start_frame: mdd holds times as float32; {take.start_frame} reads back as {start_frame}"
        )
    return tuple(lost)


def info(path: Path) -> FileInfo:
    """Read the header; see `mien.file_info`."""
    header = _header(path)
    fps, start_frame = _timing(header.times) or (None, 0)
    return FileInfo(header.n_frames, header.n_vertices, 0, fps, start_frame, None, None, ("take",), False)


FORMAT = Format(
    name="mdd",
    suffixes=(".mdd",),
    holds=frozenset({"fps", "start_frame"}),
    read=read,
    write=write,
    info=info,
    uneven_times=True,
)
