"""What every reader does with a file it does not trust."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.errors import FormatError
from mien.values.topology import Topology

__all__ = ["blocks", "checked_topology", "frame_window", "map_array", "only_node", "wrong"]

Progress = Callable[[int, int], None]

# Frames are handed to the disk in pieces of about this size, so that progress shows and memory stays bounded.
_BLOCK_BYTES = 32 << 20


def wrong(path: Path, place: str, expected: str, found: object) -> FormatError:
    """Return the error for a file that is not what it says."""
    return FormatError(f"{path}: {place}: expected {expected}; found {found}")


def frame_window(frames: tuple[int, int] | None, n_frames: int) -> tuple[int, int]:
    """Return the frames to read, checked against how many there are."""
    return (0, n_frames) if frames is None else _validate.frame_range("frames", frames, n_frames)


def only_node(path: Path, node: str | None, name: str) -> None:
    """Refuse a `node` in a file whose only mesh is called otherwise."""
    if node is not None and node != name:
        raise ValueError(f"`node` must be {name!r}, the only mesh in {path}, got {node!r}")


def checked_topology(path: Path, build: Callable[[], Topology]) -> Topology:
    """Build a topology; what is wrong with its faces is an error of the file."""
    try:
        return build()
    except (TypeError, ValueError) as error:
        raise FormatError(f"{path}: expected faces that fit the vertices; found that {error}") from error


def map_array(path: Path, dtype: npt.DTypeLike, offset: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Memory-map an array in a file; the caller has checked that it lies inside."""
    if 0 in shape:
        return np.empty(shape, dtype)
    mapped: npt.NDArray[Any] = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
    if not mapped.flags.aligned:
        mapped = mapped.copy()  # kernels take aligned numbers only
    return mapped


def blocks(n_frames: int, frame_bytes: int, progress: Progress | None) -> Iterator[tuple[int, int]]:
    """Give ranges of frames that are small enough to copy, and report each when it is done."""
    step = max(1, _BLOCK_BYTES // max(frame_bytes, 1))
    for start in range(0, n_frames, step):
        stop = min(start + step, n_frames)
        yield start, stop
        if progress is not None:
            progress(stop, n_frames)
