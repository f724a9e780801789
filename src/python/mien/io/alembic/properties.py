"""Properties: their headers, and where the samples of one lie in the file.

A compound is a group with one entry for each of its properties and their headers as its last entry. Repeated samples
are stored once at the beginning and once at the end of a property: sample i is stored sample 0 before the first
change, and the last one after the last change.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.io.alembic.ogawa import KEY_SIZE, OgawaReader

__all__ = [
    "BYTES_PER_BYTE",
    "FREE_BYTES",
    "INLINE",
    "LONGEST_NAME",
    "PODS",
    "Property",
    "array_blocks",
    "array_values",
    "compound",
    "first_change",
    "pack_header",
    "parse_metadata",
    "scalar_values",
    "stored_index",
]

Int64 = npt.NDArray[np.int64]

# Plain old data types in the order of their numbers; strings follow and have no dtype.
PODS = ("?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")
KINDS = ("compound", "scalar", "array", "array")
INLINE = 255  # metadata index that says "the text follows"
LONGEST_NAME = 1024
# Samples a property may claim beside the file's size: an honest constant one stores a single sample for a whole shot.
FREE_SAMPLES = 100_000
# Values may take more room than their file, because equal samples share a block, but not without bounds.
FREE_BYTES = 64 << 20
BYTES_PER_BYTE = 1024


class Property(NamedTuple):
    """One property: its header, and the reference to the group that holds its samples or its own properties."""

    owner: str
    name: str
    kind: str
    pod: int
    extent: int
    n_samples: int
    first: int
    last: int
    sampling: int
    metadata: str
    reference: int

    @property
    def place(self) -> str:
        """Where the property is, for messages."""
        return f"{self.owner}, {self.name}"

    @property
    def n_stored(self) -> int:
        """How many samples the file holds."""
        if self.n_samples == 0:
            return 0
        return 1 if self.last == 0 else self.last - self.first + 2


def parse_metadata(text: str) -> dict[str, str]:
    """Return the entries of a ``key=value;key=value`` text."""
    pairs = (entry.partition("=") for entry in text.split(";"))
    return {key: value for key, _, value in pairs if key}


class _Headers:
    """Take numbers and names one after the other out of the bytes of packed headers."""

    def __init__(self, file: OgawaReader, data: memoryview, metadata: Sequence[str], place: str) -> None:
        self.file, self.data, self.metadata, self.place = file, data, metadata, place
        self.at = 0

    def number(self, width: int) -> int:
        if self.at + width > len(self.data):
            raise self.file.error(
                f"{self.place}, property headers", f"a number at byte {self.at}", f"{len(self.data)} bytes"
            )
        value = int.from_bytes(self.data[self.at : self.at + width], "little")
        self.at += width
        return value

    def text(self, size: int, longest: int) -> str:
        if size > longest or self.at + size > len(self.data):
            raise self.file.error(
                f"{self.place}, property headers",
                f"a text of at most {min(longest, len(self.data) - self.at)} bytes at byte {self.at}",
                f"{size} bytes",
            )
        value = bytes(self.data[self.at : self.at + size]).decode("utf-8", "backslashreplace")
        self.at += size
        return value

    def next(self, reference: int) -> Property:
        info = self.number(4)
        kind = KINDS[info & 3]
        width = (1, 2, 4, 4)[info >> 2 & 3]
        n_samples = first = last = sampling = 0
        if kind != "compound":
            n_samples = self.number(width)
            if info & 0x200:
                first, last = self.number(width), self.number(width)
            elif not info & 0x800:
                first, last = 1, n_samples - 1
            if info & 0x100:
                sampling = self.number(width)
        name = self.text(self.number(width), LONGEST_NAME)
        index = info >> 20 & 0xFF
        if index == INLINE:
            metadata = self.text(self.number(width), len(self.data))
        elif index < len(self.metadata):
            metadata = self.metadata[index]
        else:
            raise self.file.error(
                f"{self.place}, property {name!r}", f"metadata below {len(self.metadata)}", index
            )
        most = FREE_SAMPLES + self.file.size
        if n_samples > most:
            raise self.file.error(
                f"{self.place}, {name}", f"at most {most} samples in a file of this size", n_samples
            )
        if n_samples == 1:
            first = last = 0
        if n_samples and not (0 == first == last or 0 < first <= last < n_samples):
            place = f"{self.place}, {name}"
            raise self.file.error(
                place, f"changes between samples 1 and {n_samples - 1}", f"{first} and {last}"
            )
        pod, extent = info >> 4 & 0xF, info >> 12 & 0xFF
        return Property(
            self.place, name, kind, pod, extent, n_samples, first, last, sampling, metadata, reference
        )


def compound(file: OgawaReader, reference: int, metadata: Sequence[str], place: str) -> dict[str, Property]:
    """Return the properties of a compound by name."""
    entries = file.group(reference, place)
    if not len(entries):
        return {}
    headers = _Headers(file, file.data(int(entries[-1]), f"{place}, property headers"), metadata, place)
    out = {}
    for entry in entries[:-1]:
        header = headers.next(int(entry))
        out[header.name] = header
    return out


def stored_index(header: Property, samples: Int64) -> Int64:
    """Return for samples their numbers among the stored ones."""
    if header.last == 0:
        return np.zeros_like(samples)
    return np.where(samples < header.first, 0, np.minimum(samples, header.last) - header.first + 1)


def _dtype(file: OgawaReader, header: Property) -> np.dtype[Any]:
    if header.pod >= len(PODS) or not header.extent:
        raise file.error(
            header.place, "numbers", f"values of type {header.pod} with {header.extent} components"
        )
    return np.dtype(PODS[header.pod])


def _require(file: OgawaReader, header: Property, kind: str) -> None:
    if header.kind != kind:
        raise file.error(
            header.place, f"{'an array' if kind == 'array' else 'a ' + kind} property", header.kind
        )
    if not header.n_samples:
        raise file.error(header.place, "at least one sample", "none")


def array_blocks(
    file: OgawaReader, header: Property, start: int = 0, stop: int | None = None
) -> tuple[Int64, Int64]:
    """Find the values of some stored samples of an array property.

    Returns
    -------
    positions : (N,) int64
        Where in the file the values of stored samples ``start`` to ``stop`` begin.
    counts : (N,) int64
        How many elements of ``extent`` numbers each has.
    """
    _require(file, header, "array")
    element = _dtype(file, header).itemsize * header.extent
    entries = file.group(header.reference, header.place)
    if len(entries) < 2 * header.n_stored:
        raise file.error(
            header.place, f"{header.n_stored} stored samples with their dimensions", f"{len(entries)} blocks"
        )
    stop = header.n_stored if stop is None else stop
    positions, sizes = file.blocks(entries[2 * start : 2 * stop : 2], header.place)
    values = np.where(sizes == 0, 0, sizes - KEY_SIZE)
    wrong = (values < 0) | (values % element != 0)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise file.error(
            f"{header.place}, stored sample {start + i}, byte {positions[i]}",
            f"a key of {KEY_SIZE} bytes and a multiple of {element} bytes",
            f"{sizes[i]} bytes",
        )
    counts = values // element
    _check_dimensions(file, header, entries[2 * start + 1 : 2 * stop : 2], counts)
    return np.where(sizes == 0, 0, positions + KEY_SIZE), counts


def _check_dimensions(
    file: OgawaReader, header: Property, references: npt.NDArray[np.uint64], counts: Int64
) -> None:
    """Raise unless written dimensions agree with the size of the data; one-dimensional arrays need not write them."""
    for i in np.flatnonzero(references != np.uint64(1 << 63)):
        place = f"{header.place}, dimensions {i}"
        data = file.data(int(references[i]), place)
        if len(data) not in (4, 8):
            raise file.error(place, "one dimension", f"{len(data)} bytes")
        length = int.from_bytes(data, "little")
        if length != counts[i]:
            raise file.error(place, f"{counts[i]} elements, which is the size of the data", length)


def array_values(file: OgawaReader, header: Property, stored: int = 0) -> npt.NDArray[Any]:
    """Return one stored sample of an array property, (n, extent), as a copy in native byte order."""
    positions, counts = array_blocks(file, header, stored, stored + 1)
    dtype = _dtype(file, header)
    start, size = int(positions[0]), int(counts[0]) * header.extent * dtype.itemsize
    raw = file.bytes[start : start + size].copy().view(dtype)
    return raw.astype(dtype.newbyteorder("="), copy=False).reshape(-1, header.extent)


def scalar_values(file: OgawaReader, header: Property) -> npt.NDArray[Any]:
    """Return all stored samples of a scalar property (or of an array of constant length), (n, extent)."""
    if header.kind == "array":
        positions, counts = array_blocks(file, header)
        length = int(counts[0]) * header.extent
        if (counts != counts[0]).any():
            raise file.error(header.place, f"{counts[0]} values in every sample", f"{counts.max()}")
    else:
        _require(file, header, "scalar")
        length = header.extent
        entries = file.group(header.reference, header.place)
        if len(entries) < header.n_stored:
            raise file.error(header.place, f"{header.n_stored} stored samples", f"{len(entries)} blocks")
        positions, sizes = file.blocks(entries[: header.n_stored], header.place)
        wanted = KEY_SIZE + length * _dtype(file, header).itemsize
        if (sizes != wanted).any():
            i = int(np.argmax(sizes != wanted))
            raise file.error(f"{header.place}, stored sample {i}", f"{wanted} bytes", f"{sizes[i]}")
        positions = positions + KEY_SIZE
    dtype = _dtype(file, header)
    size = length * dtype.itemsize
    blocks, of_sample = np.unique(positions, return_inverse=True)
    most = FREE_BYTES + BYTES_PER_BYTE * file.size
    if len(blocks) * size > file.size or len(positions) * size > most:
        raise file.error(header.place, "samples that do not overlap", "overlapping samples")
    raw = file.bytes[blocks[:, None] + np.arange(size)]
    typed: npt.NDArray[Any] = raw.astype(bool) if dtype.kind == "b" or not length else raw.view(dtype)
    return typed.astype(typed.dtype.newbyteorder("="), copy=False)[of_sample.reshape(-1)]


def first_change(file: OgawaReader, header: Property) -> int | None:
    """Return the first sample of an array property that differs from sample 0, or None where all are equal."""
    positions, counts = array_blocks(file, header)
    sizes = counts * header.extent * _dtype(file, header).itemsize
    differs = sizes != sizes[0]
    others = np.flatnonzero((positions != positions[0]) & ~differs)
    if len(np.unique(positions[others])) * int(sizes[0]) > file.size:
        raise file.error(header.place, "samples that do not overlap", "overlapping samples")
    size = int(sizes[0])
    data = memoryview(file.map)
    reference = data[int(positions[0]) : int(positions[0]) + size]
    for i in others:
        start = int(positions[i])
        differs[i] = data[start : start + size] != reference
    if not differs.any():
        return None
    stored = int(np.argmax(differs))
    return stored + header.first - 1


def pack_header(
    name: str,
    *,
    kind: str,
    pod: int = 0,
    extent: int = 1,
    n_samples: int = 0,
    constant: bool = False,
    sampling: int = 0,
    metadata: int = 0,
) -> bytes:
    """Return the header of a property whose samples are all stored, or are all the same."""
    text = name.encode()
    width = next(i for i, most in enumerate((0xFF, 0xFFFF, 0xFFFFFFFF)) if max(len(text), n_samples) <= most)
    info = ("compound", "scalar", "array").index(kind) | width << 2 | metadata << 20
    out = b""
    number = "<" + "BHI"[width]
    if kind != "compound":
        constant = constant or n_samples == 1
        info |= pod << 4 | (sampling > 0) << 8 | 1 << 10 | constant << 11 | extent << 12
        out = struct.pack(number, n_samples)
        if sampling:
            out += struct.pack(number, sampling)
    return struct.pack("<I", info) + out + struct.pack(number, len(text)) + text
