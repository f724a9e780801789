"""Reading the package's own small .npz files: every way of being wrong is one FormatError."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import FormatError

__all__ = ["load_npz"]


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
            with np.load(file, allow_pickle=False) as data:
                arrays = {key: data[key] for key in data.files}
        except (
            AttributeError,  # a plain .npy array instead of an archive
            EOFError,
            KeyError,
            MemoryError,
            NotImplementedError,
            OSError,
            RuntimeError,
            TypeError,
            ValueError,
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
