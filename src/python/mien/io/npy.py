"""NPY: positions alone, as NumPy saves an array; read as a memory map."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from mien.io._input import Progress, blocks, frame_window, map_array, only_node, wrong
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT", "array_header", "positions_shape", "write_array"]

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # characters; as long as NumPy itself accepts from files it does not trust


def array_header(path: Path, place: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether the order is Fortran's, and dtype; `file` is left at the array's first byte."""
    start = file.read(len(_MAGIC) + 2)
    version = start[len(_MAGIC) :]
    if not start.startswith(_MAGIC) or version not in (b"\1\0", b"\2\0", b"\3\0"):
        raise wrong(path, place, "a NumPy array of format 1 to 3", repr(start))
    width = 2 if version == b"\1\0" else 4
    length = int.from_bytes(file.read(width), "little")
    text = file.read(length) if length <= _LONGEST_HEADER else b""
    try:
        if len(text) != length:
            raise ValueError(f"a header of {length} bytes")
        stated = ast.literal_eval(text.decode("latin-1").strip())
        shape, fortran, descr = stated["shape"], stated["fortran_order"], stated["descr"]
        if not isinstance(descr, str):
            raise TypeError(f"the type {descr!r}")
        dtype = np.dtype(descr)
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError) as error:
        raise wrong(path, place, "the header of a NumPy array", str(error).splitlines()[:1]) from error
    sizes_fit = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**62 for size in shape)
    if dtype.hasobject or not sizes_fit:
        raise wrong(path, place, "a NumPy array of numbers", f"{dtype} of shape {shape}")
    return shape, bool(fortran), dtype


def positions_shape(
    path: Path, place: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[int, int, int]:
    """Return (F, V, 3) for positions; one frame may come as (V, 3)."""
    if len(shape) == 2:
        shape = (1, *shape)
    if len(shape) != 3 or shape[2] != 3 or dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise wrong(path, place, "float32 or float64 positions (F, V, 3)", f"{dtype} of shape {shape}")
    return shape[0], shape[1], 3


def write_array(file: IO[bytes], array: npt.NDArray[Any], progress: Progress | None = None) -> None:
    """Write an array as NPY, a piece at a time."""
    header = np.lib.format.header_data_from_array_1_0(np.empty(0, array.dtype))
    np.lib.format.write_array_header_1_0(file, {**header, "shape": array.shape, "fortran_order": False})
    if array.ndim == 0:
        file.write(array.tobytes())
        return
    for start, stop in blocks(len(array), array.nbytes // max(len(array), 1), progress):
        file.write(np.ascontiguousarray(array[start:stop]).data)


def _header(path: Path) -> tuple[tuple[int, int, int], bool, np.dtype[Any], int]:
    with open(path, "rb") as file:
        shape, fortran, dtype = array_header(path, "header", file)
        offset = file.tell()
    full = positions_shape(path, "header", shape, dtype)
    needed, present = math.prod(full) * dtype.itemsize, path.stat().st_size - offset
    if needed > present:
        raise wrong(path, f"byte {offset}", f"{needed} bytes of positions {full}", f"{present} bytes")
    return full, fortran, dtype, offset


def read(
    path: Path, *, frames: tuple[int, int] | None, node: str | None, progress: Progress | None
) -> MeshSequence:
    """Map the positions; see `mien.read`."""
    only_node(path, node, "take")
    shape, fortran, dtype, offset = _header(path)
    start, stop = frame_window(frames, shape[0])
    stored = map_array(path, dtype, offset, shape[::-1] if fortran else shape)
    positions = (stored.transpose() if fortran else stored)[start:stop]
    if fortran or not dtype.isnative:
        positions = np.ascontiguousarray(positions, dtype=dtype.newbyteorder("="))
    if progress is not None:
        progress(stop - start, stop - start)
    return MeshSequence(Topology([], [], shape[1]), positions, start_frame=start)


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Write the positions; see `mien.write`."""
    with open(path, "wb") as file:
        write_array(file, take.positions, progress)
    return ()


def info(path: Path) -> FileInfo:
    """Read the header; see `mien.file_info`."""
    shape, *_ = _header(path)
    return FileInfo(shape[0], shape[1], 0, None, 0, None, None, ("take",), False)


FORMAT = Format(
    name="npy",
    suffixes=(".npy",),
    holds=frozenset({"float64"}),
    read=read,
    write=write,
    info=info,
    magic=(_MAGIC,),
)
