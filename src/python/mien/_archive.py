"""Reading the package's own small .npz files: every way of being wrong is one FormatError."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import FormatError

__all__ = ["load_npz"]


# One byte of deflate makes at most 1032 bytes; a member that claims more does not hold what it says.
_MOST_EXPANSION = 1032
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Compare an array's declared size with the bytes that are there, before anything is allocated."""
    if member.file_size > _MOST_EXPANSION * member.compress_size + 64:
        raise ValueError(f"{member.filename} declares {member.file_size} bytes in {member.compress_size}")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} is of .npy version {version}")
        shape, _, dtype = _HEADERS[version](file)
    size = dtype.itemsize * math.prod(int(n) for n in shape)
    if dtype.hasobject or min(shape, default=0) < 0 or size > member.file_size:
        raise ValueError(f"{member.filename} declares {shape} values of {dtype} in {member.file_size} bytes")


def load_npz(path: str | PathLike[str], expected: str, keys: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return all arrays of an .npz file that must hold `keys`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FormatError
        The file is not an .npz file, is damaged, or lacks a key; the message says what was `expected`.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                for member in archive.infolist():
                    _check_member(archive, member)
            file.seek(0)
            with np.load(file, allow_pickle=False) as data:
                arrays = {key: data[key] for key in data.files}
        except (
            AttributeError,  # a plain .npy array instead of an archive
            EOFError,
            KeyError,
            MemoryError,
            NotImplementedError,
            OSError,
            RecursionError,
            RuntimeError,
            SyntaxError,
            TypeError,
            ValueError,
            struct.error,
            tokenize.TokenError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise FormatError(
                f"{path}: expected {expected}, got a file that cannot be read ({error})"
            ) from error
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise FormatError(f"{path}: expected {expected}, got an .npz file without {', '.join(missing)}")
    return arrays
