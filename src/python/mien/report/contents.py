"""What the page holds: the meshes of each frame on a grid in head space, the head's poses, and where to look from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.report.facts import Length
from mien.report.packing import Grid, pack_frames, pack_integers
from mien.report.stillness import Strays
from mien.report.survey import BLOCK, Box, Survey, changed_vertices, mean_rotation, subject_axes
from mien.values.comparison import Comparison
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["Job", "Other", "camera_of", "first_stride", "pack_edit", "pack_expression", "poses"]


class Other(NamedTuple):
    """A second separation of the take, and how far its head is from the first one's."""

    perf: Performance
    gap: Comparison


def _blocks(frames: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(frames), BLOCK):
        yield frames[start : start + BLOCK]


class Job(NamedTuple):
    """What is being written."""

    perf: Performance
    result: MeshSequence | None
    found: Survey
    strays: Strays
    other: Other | None
    grid: Grid
    length: Length
    title: str
    facts: Mapping[str, str | float]
    colors: npt.NDArray[np.float64] | None

    def expression(
        self, frames: npt.NDArray[np.int64], vertices: npt.NDArray[np.int64] | slice = slice(None)
    ) -> npt.NDArray[np.int16]:
        """Count the take on the grid in head space, (frames, vertices, 3)."""
        return self._counts(self.perf.take, frames, vertices)

    def edited(self, frames: npt.NDArray[np.int64], vertices: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
        """Count the result on the grid in head space, (frames, vertices, 3)."""
        return self._counts(self.perf.take if self.result is None else self.result, frames, vertices)

    def _counts(
        self, sequence: MeshSequence, frames: npt.NDArray[np.int64], vertices: Any
    ) -> npt.NDArray[np.int16]:
        points = np.ascontiguousarray(sequence.positions[frames][:, vertices])
        return self.grid.counts(self.perf.head[frames].apply_inverse(points))


def first_stride(job: Job, max_frames: int | None, room: float) -> int:
    """Guess from a few frames which stride makes the meshes fit `room` bytes."""
    n = len(job.perf)
    stride = 1 if max_frames is None else -(-n // max_frames)
    edited = 0.0 if job.found.edit is None else float(np.mean(job.found.edit > 0) * np.mean(job.found.active))
    while stride < n:
        starts = np.unique(np.linspace(0, n - 1 - stride, 6).astype(np.int64))
        size = 0.0
        for f in starts:
            pair = job.expression(np.array([f, f + stride]))
            size += (len(pack_frames([pair[1] - pair[0]]))) / len(starts)
        needed = size * (1 + edited) * math.ceil(n / stride)
        if needed <= room:
            break
        stride = max(stride + 1, int(stride * needed / room))
    return min(stride, n)


def pack_expression(job: Job, frames: npt.NDArray[np.int64], progress: Callable[[int], None]) -> bytes:
    """Pack the neutral, then the expression of each frame kept."""

    def each() -> Iterator[npt.NDArray[np.int16]]:
        yield job.grid.counts(np.asarray(job.perf.neutral))
        for block in _blocks(frames):
            yield from job.expression(block)
            progress(int(block[-1]))

    return pack_frames(each())


def pack_edit(job: Job, frames: npt.NDArray[np.int64]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Pack of the edit what differs from the expression: vertices, frames, differences."""
    if job.result is None:
        return {"edited": None}, {}
    vertices = np.flatnonzero(job.found.active)
    places: list[int] = []
    for start, block in enumerate(_blocks(frames)):
        changed = changed_vertices(job.perf.take.positions[block], job.result.positions[block]).any(axis=1)
        places += (start * BLOCK + np.flatnonzero(changed)).tolist()

    def each() -> Iterator[npt.NDArray[np.int16]]:
        for block in _blocks(frames[np.array(places, dtype=np.int64)]):
            yield from job.edited(block, vertices) - job.expression(block, vertices)

    return {"edited": places}, {"vertices": pack_integers(vertices), "edited": pack_frames(each())}


def poses(head: RigidMotion) -> npt.NDArray[np.float64]:
    """Return 12 numbers a frame, (F, 12): a rotation row by row, and a translation."""
    return np.concatenate([head.rotation.reshape(-1, 9), head.translation], axis=1)


def camera_of(job: Job) -> dict[str, Any]:
    """Tell where the two spaces lie, and which way the head looks on average."""

    def space(box: Box) -> dict[str, list[float]]:
        low, high = (np.where(np.isfinite(corner), corner, 0.0) for corner in box)
        return {"centre": ((low + high) / 2).tolist(), "half": ((high - low) / 2).tolist()}

    up = job.perf.take.up_axis or "y"
    ahead = subject_axes(job.perf)[2]
    return {
        "up": up,
        "yaw": math.atan2(ahead[0], -ahead[1] if up == "z" else ahead[2]),
        "mean": mean_rotation(job.perf).ravel().tolist(),
        "still": space(job.found.still_box),
        "world": space(job.found.world_box),
    }
