"""The body of a PLY file: elements with numbers and lists, as text or in either byte order."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.errors import FormatError
from mien.io._input import wrong

__all__ = ["Element", "Header", "Rows", "parse_header", "read_elements"]

_TYPES = {
    **{"char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2"},
    **{"ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8"},
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 1 << 16


class Property(NamedTuple):
    """A number of each row, or with `length`, the type of its length, a list of them."""

    name: str
    kind: str
    length: str | None


class Element(NamedTuple):
    """What the header says about one kind of row."""

    name: str
    n_rows: int
    properties: tuple[Property, ...]


class Header(NamedTuple):
    """The header: byte order ("" for text), elements, and where the body begins."""

    order: str
    elements: tuple[Element, ...]
    body: int


# A property by name: (N,) numbers, or for lists the length of each and all values one after the other.
Rows = dict[str, Any]


def parse_header(path: Path, data: bytes) -> Header:
    """Parse what comes before `end_header`."""
    if not data.startswith(b"ply"):
        raise wrong(path, "header", "the word ply", repr(data[:8]))
    end = data.find(b"end_header", 0, _LONGEST_HEADER)
    body = data.find(b"\n", end) + 1
    if end < 0 or body == 0:
        raise wrong(path, "header", f"end_header in the first {_LONGEST_HEADER} bytes", "none")
    order: str | None = None
    elements: list[Element] = []
    for number, line in enumerate(data[:end].decode("latin-1").splitlines(), 1):
        words = line.split()
        try:
            if words[:1] == ["format"]:
                order = _ORDERS[words[1]]
            elif words[:1] == ["element"]:
                elements.append(Element(words[1], int(words[2]), ()))
                if elements[-1].n_rows < 0:
                    raise ValueError
            elif words[:1] == ["property"]:
                is_list = words[1] == "list"
                kind, name = words[3:5] if is_list else words[1:3]
                added = Property(name, _TYPES[kind], _TYPES[words[2]] if is_list else None)
                elements[-1] = elements[-1]._replace(properties=(*elements[-1].properties, added))
        except (IndexError, KeyError, ValueError):
            raise wrong(path, f"line {number}", "a format, element or property", repr(line[:60])) from None
    if order is None:
        raise wrong(path, "header", "a line that says the format", "none")
    return Header(order, tuple(elements), body)


def read_elements(path: Path, header: Header, data: bytes, wanted: tuple[str, ...]) -> dict[str, Rows]:
    """Read rows of the elements named `wanted`; others are passed over."""
    if header.order == "":
        source: _TextBody | _BinaryBody = _TextBody(path, data, header.body)
    else:
        source = _BinaryBody(path, data, header.body, header.order)
    found: dict[str, Rows] = {}
    left = set(wanted)
    for element in header.elements:
        if not left:
            break
        rows = source.rows(element)
        if element.name in left:
            left.remove(element.name)
            found[element.name] = rows
    return found


def _split(element: Element, values: npt.NDArray[Any], width: int) -> Rows:
    table = values.reshape(element.n_rows, width)
    return {prop.name: table[:, i] for i, prop in enumerate(element.properties)}


class _TextBody:
    """Numbers in words; all are read at once as float64, which holds every PLY type exactly."""

    def __init__(self, path: Path, data: bytes, body: int) -> None:
        self._path = path
        text = memoryview(data)[body:]
        numbers = np.empty(len(text) // 2 + 1)
        try:
            count, _ = _core.parse_numbers(text, numbers)
        except FormatError as error:
            raise FormatError(f"{path}: body: {error}") from error
        self._numbers, self._next = numbers[:count], 0

    def _take(self, element: Element, count: int) -> npt.NDArray[np.float64]:
        if count > len(self._numbers) - self._next:
            raise wrong(
                self._path,
                f"element {element.name!r}",
                f"at least {count} numbers more",
                len(self._numbers) - self._next,
            )
        self._next += count
        return self._numbers[self._next - count : self._next]

    def rows(self, element: Element) -> Rows:
        width = len(element.properties)
        if not any(prop.length for prop in element.properties):
            return _split(element, self._take(element, width * element.n_rows), width)
        self._take(element, width * element.n_rows)  # every property has a number at least
        self._next -= width * element.n_rows
        gathered: dict[str, list[Any]] = {prop.name: [] for prop in element.properties}
        lengths: dict[str, list[int]] = {prop.name: [] for prop in element.properties if prop.length}
        for _ in range(element.n_rows):
            for prop in element.properties:
                if prop.length is None:
                    gathered[prop.name].append(self._take(element, 1))
                    continue
                length = float(self._take(element, 1)[0])
                if not (0 <= length <= len(self._numbers) and length == int(length)):
                    raise wrong(self._path, f"element {element.name!r}", "the length of a list", length)
                lengths[prop.name].append(int(length))
                gathered[prop.name].append(self._take(element, int(length)))
        joined = {name: np.concatenate(parts) if parts else np.empty(0) for name, parts in gathered.items()}
        return {
            name: (np.array(lengths[name], np.int64), values) if name in lengths else values
            for name, values in joined.items()
        }


class _BinaryBody:
    """Numbers side by side in one byte order."""

    def __init__(self, path: Path, data: bytes, body: int, order: str) -> None:
        self._path, self._data, self._next, self._order = path, data, body, order

    def _require(self, element: Element, n_bytes: int) -> None:
        if n_bytes > len(self._data) - self._next:
            raise wrong(
                self._path,
                f"element {element.name!r}",
                f"at least {n_bytes} bytes more for {element.n_rows} rows",
                len(self._data) - self._next,
            )

    def _dtype(self, element: Element, lengths: dict[int, int]) -> np.dtype[Any]:
        """Return the layout of a row whose lists have the given lengths."""
        fields: list[tuple[Any, ...]] = []
        for i, prop in enumerate(element.properties):
            if prop.length:
                fields.append((f"n{i}", self._order + prop.length))
                fields.append((f"p{i}", self._order + prop.kind, (lengths[i],)))
            else:
                fields.append((f"p{i}", self._order + prop.kind))
        return np.dtype(fields)

    def rows(self, element: Element) -> Rows:
        if not element.properties or element.n_rows == 0:
            return {
                prop.name: (np.empty(0, np.int64), np.empty(0)) if prop.length else np.empty(0)
                for prop in element.properties
            }
        shortest = self._dtype(element, dict.fromkeys(range(len(element.properties)), 0))
        self._require(element, element.n_rows * shortest.itemsize)
        start = self._next
        first = self._row(element)
        self._next = start
        dtype = self._dtype(element, first)
        if element.n_rows * dtype.itemsize <= len(self._data) - start:
            table = np.frombuffer(self._data, dtype, element.n_rows, start)
            if all((table[f"n{i}"] == length).all() for i, length in first.items()):
                self._next = start + table.nbytes
                return {
                    prop.name: (np.full(element.n_rows, first[i], np.int64), table[f"p{i}"].ravel())
                    if prop.length
                    else table[f"p{i}"]
                    for i, prop in enumerate(element.properties)
                }
        return self._uneven_rows(element)

    def _row(self, element: Element) -> dict[int, int]:
        """Pass over one row and return the lengths of its lists."""
        lengths = {}
        for i, prop in enumerate(element.properties):
            length = 1
            if prop.length:
                width = int(prop.length[1])
                self._require(element, width)
                counts = np.frombuffer(self._data, self._order + prop.length, 1, self._next)
                length = int(counts[0]) if prop.length[0] != "f" else -1
                if length < 0:
                    raise wrong(self._path, f"element {element.name!r}", "the length of a list", counts[0])
                lengths[i] = length
                self._next += width
            self._require(element, length * int(prop.kind[1]))
            self._next += length * int(prop.kind[1])
        return lengths

    def _uneven_rows(self, element: Element) -> Rows:
        """Read rows whose lists differ in length: find where each begins, then gather."""
        starts: list[list[int]] = [[] for _ in element.properties]
        lengths: list[list[int]] = [[] for _ in element.properties]
        plain = [
            (
                struct.Struct(
                    self._order + {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"}[p.length]
                )
            )
            if p.length
            else None
            for p in element.properties
        ]
        data, place, end = self._data, self._next, len(self._data)
        for _ in range(element.n_rows):
            for i, (prop, counter) in enumerate(zip(element.properties, plain, strict=True)):
                length = 1
                if counter is not None:
                    if place + counter.size > end:
                        self._next = place
                        self._require(element, counter.size)
                    length = counter.unpack_from(data, place)[0]
                    place += counter.size
                starts[i].append(place)
                lengths[i].append(length)
                place += length * int(prop.kind[1])
                if length < 0 or place > end:
                    raise wrong(self._path, f"element {element.name!r}", "lists inside the file", length)
        self._next = place
        rows: Rows = {}
        for i, prop in enumerate(element.properties):
            sizes = np.array(lengths[i], np.int64)
            values = self._gather(np.array(starts[i], np.int64), sizes, prop)
            rows[prop.name] = (sizes, values) if prop.length else values
        return rows

    def _gather(
        self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], prop: Property
    ) -> npt.NDArray[Any]:
        width = int(prop.kind[1])
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(starts, lengths) + width * within
        raw = np.frombuffer(self._data, np.uint8)[places[:, None] + np.arange(width)]
        gathered: npt.NDArray[Any] = raw.view(self._order + prop.kind).ravel()
        return gathered
