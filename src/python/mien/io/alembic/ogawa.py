"""The Ogawa container: groups of references and blocks of bytes, nothing about what they mean.

A file is "Ogawa", a byte that says whether it was closed, a version and the position of the root group. A reference
is an unsigned 64-bit position whose top bit tells data from groups. A group is a count and that many references; data
is a size and that many bytes. Everything is little-endian.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mien.errors import FormatError

__all__ = ["EMPTY_DATA", "EMPTY_GROUP", "KEY_SIZE", "OgawaReader", "OgawaWriter", "sample_key"]

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

DATA_BIT = 1 << 63
EMPTY_GROUP = 0
EMPTY_DATA = DATA_BIT
KEY_SIZE = 16  # bytes of the digest that precedes the values of a sample
HEADER_SIZE = 16
HDF5_MAGIC = b"\x89HDF"
FREE_BYTES = 1 << 20
LONGEST_TEXT = 400  # letters of a part of a message; names come from the file


class OgawaReader:
    """A mapped Ogawa file in which no position, count or size is believed before it is checked.

    Parameters
    ----------
    path : Path
        The file. It stays mapped for as long as an array that came from it lives.

    Raises
    ------
    FormatError
        The file is no finished Ogawa file.

    Notes
    -----
    Groups and headers of an honest file do not overlap, so all of them together are not larger than the file. Holding
    the reader to that sum is what keeps crafted files, whose groups share bytes, from costing more time than honest
    files of the same size.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            start = file.read(HEADER_SIZE)
            self._check_start(start)
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self.map)
        self.bytes: npt.NDArray[np.uint8] = np.frombuffer(self.map, np.uint8)
        self.root: int = struct.unpack("<Q", start[8:])[0]
        self._groups: dict[int, UInt64] = {}
        self._references_left = self.size // 8
        self._bytes_left = 4 * self.size + FREE_BYTES  # some are read more than once

    def _check_start(self, start: bytes) -> None:
        if start.startswith(HDF5_MAGIC):
            raise self.error(
                "byte 0",
                "an Ogawa archive",
                "an HDF5 archive, Alembic's older kind: convert it with `abcconvert -toOgawa old.abc new.abc`",
            )
        if not start.startswith(b"Ogawa"):
            raise self.error("byte 0", "the letters Ogawa", repr(start[:5]) if start else "an empty file")
        if len(start) < HEADER_SIZE:
            raise self.error("byte 5", f"a header of {HEADER_SIZE} bytes", f"{len(start)} bytes")
        if start[5] != 0xFF:
            raise self.error(
                "byte 5", "0xff", f"{start[5]:#04x}: the program that wrote this file did not finish"
            )
        if start[6:8] != b"\x00\x01":
            raise self.error("byte 6", "Ogawa version 1 (0x00 0x01)", f"{start[6]:#04x} {start[7]:#04x}")

    def error(self, where: object, expected: str, found: object) -> FormatError:
        """Return the error that says where the file is not what it should be."""
        return FormatError(
            f"{self.path}: {_short(where)}: expected {_short(expected)}; found {_short(found)}"
        )

    def group(self, reference: int, where: object) -> UInt64:
        """Return the references that a group holds."""
        if reference & DATA_BIT:
            raise self.error(where, "a group", f"a reference to data ({reference:#x})")
        if reference == EMPTY_GROUP:
            return np.empty(0, np.uint64)
        known = self._groups.get(reference)
        if known is not None:
            return known
        if not HEADER_SIZE <= reference <= self.size - 8:
            raise self.error(
                where, f"a group inside the file's {self.size} bytes", f"one at byte {reference}"
            )
        count: int = struct.unpack_from("<Q", self.map, reference)[0]
        room = (self.size - reference - 8) // 8
        if count > room:
            raise self.error(
                f"{where}, byte {reference}",
                f"a group of at most {room} entries, for which the file has room",
                count,
            )
        if count > self._references_left:
            raise self.error(f"{where}, byte {reference}", "groups that do not overlap", "overlapping groups")
        self._references_left -= count
        references = self.bytes[reference + 8 : reference + 8 + 8 * count].copy().view("<u8")
        out: UInt64 = references.astype(np.uint64, copy=False)
        self._groups[reference] = out
        return out

    def blocks(self, references: UInt64, where: object) -> tuple[Int64, Int64]:
        """Return position and size of the bytes of many blocks of data; an empty block has position and size 0."""
        positions = (references & np.uint64(DATA_BIT - 1)).astype(np.int64)
        empty = positions == 0
        wrong = (references < DATA_BIT) | (~empty & ((positions < HEADER_SIZE) | (positions > self.size - 8)))
        if wrong.any():
            i = int(np.argmax(wrong))
            kind = "data" if references[i] >= DATA_BIT else "a group"
            raise self.error(
                f"{where}, block {i}",
                f"data inside the file's {self.size} bytes",
                f"{kind} at byte {positions[i]}",
            )
        at = np.where(empty, 0, positions)
        sizes = self.bytes[at[:, None] + np.arange(8)].view("<u8")[:, 0].astype(np.uint64)
        sizes[empty] = 0
        room = np.where(empty, 0, self.size - 8 - positions).astype(np.uint64)
        if (sizes > room).any():
            i = int(np.argmax(sizes > room))
            raise self.error(
                f"{where}, block {i}, byte {positions[i]}",
                f"at most {room[i]} bytes of data, which is what follows in the file",
                f"{sizes[i]} bytes",
            )
        return np.where(empty, 0, positions + 8), sizes.astype(np.int64)

    def data(self, reference: int, where: object) -> memoryview:
        """Return the bytes of one block of data, without a copy."""
        positions, sizes = self.blocks(np.array([reference], np.uint64), where)
        start, size = int(positions[0]), int(sizes[0])
        if size > self._bytes_left:
            raise self.error(f"{where}, byte {start}", "headers that do not overlap", "overlapping headers")
        self._bytes_left -= size
        return memoryview(self.map)[start : start + size]


def _short(text: object) -> str:
    out = str(text)
    return out if len(out) <= LONGEST_TEXT else f"{out[: LONGEST_TEXT // 2]}...{out[-LONGEST_TEXT // 2 :]}"


class OgawaWriter:
    """Write blocks and groups one after the other, and close the file with its root group.

    Parameters
    ----------
    file : binary file
        Opened for writing at its start. Says that it is unfinished until `close` is called.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = HEADER_SIZE
        file.write(b"Ogawa\x00\x00\x01" + bytes(8))

    def data(self, *parts: bytes | npt.NDArray[Any]) -> int:
        """Write a block of data made of parts, and return the reference to it."""
        views = [_bytes(part) for part in parts]
        size = sum(len(view) for view in views)
        if size == 0:
            return EMPTY_DATA
        at = self._at
        self._file.write(struct.pack("<Q", size))
        for view in views:
            self._file.write(view)
        self._at += 8 + size
        return at | DATA_BIT

    def sample(self, values: npt.NDArray[Any], digest: bytes | None = None) -> int:
        """Write the values of one sample behind their key, and return the reference to it."""
        return self.data(digest or sample_key(values), values)

    def group(self, references: Sequence[int]) -> int:
        """Write a group and return the reference to it; nothing is written for an empty one."""
        if not references:
            return EMPTY_GROUP
        at = self._at
        self._file.write(struct.pack(f"<{len(references) + 1}Q", len(references), *references))
        self._at += 8 + 8 * len(references)
        return at

    def align(self, size: int) -> None:
        """Skip bytes so that the values of the next sample start on a multiple of `size`."""
        gap = -(self._at + 8 + KEY_SIZE) % size
        self._file.write(bytes(gap))
        self._at += gap

    def close(self, root: int) -> None:
        """Enter the root group and say that the file is finished."""
        self._file.seek(8)
        self._file.write(struct.pack("<Q", root))
        self._file.seek(5)
        self._file.write(b"\xff")


def sample_key(values: npt.NDArray[Any]) -> bytes:
    """Return 128 bits that samples share only when their bytes are equal; readers compare keys, never check them."""
    return hashlib.blake2b(_bytes(values), digest_size=KEY_SIZE).digest()


def _bytes(part: bytes | npt.NDArray[Any]) -> memoryview:
    """Return the bytes of a C-contiguous array without a copy."""
    if isinstance(part, bytes):
        return memoryview(part)
    return memoryview(part.reshape(-1).view(np.uint8).data)
