"""A .glb or .gltf file as checked JSON and arrays; nothing in it is believed before it is compared with the bytes."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import math
import struct
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.errors import FormatError

__all__ = ["Document", "open_document"]

Json = dict[str, Any]
Array = npt.NDArray[Any]

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942

# Extensions that a file may require and that change nothing about positions, or that are understood here.
_HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "KHR_xmp", "VRM")
_UNDERSTOOD = ("KHR_mesh_quantization",)

# Memory that arrays of one file may take: what was really in the file, unpacked, with room to spare. Accessors can
# stand for zeros or share bytes, so a small file could ask for any amount.
_FREE_BYTES = 64 << 20
_EXPANSION = 64


class Document:
    """The JSON of a file, with its buffers; see `open_document`."""

    def __init__(self, path: Path, root: Json, binary: memoryview | None, size: int) -> None:
        self.path, self.root = path, root
        self._binary, self._size = binary, size
        self._budget = _FREE_BYTES + _EXPANSION * size
        self._buffers: dict[int, memoryview] = {}
        self._lists: dict[str, list[Json]] = {}  # those at the root, checked once

    def wrong(self, place: str, expected: str, found: object) -> FormatError:
        """Return the error for something in the file."""
        text = str(found)
        return FormatError(f"{self.path}: {place}: expected {expected}; found {text[:200]}")

    def claim(self, place: str, n_bytes: int) -> None:
        """Note that memory is about to be allocated; refuse what no honest file of this size needs."""
        self._budget -= n_bytes
        if self._budget < 0:
            raise self.wrong(place, f"arrays that fit a file of {self._size} bytes", f"{n_bytes} bytes more")

    def items(self, key: str, holder: Json | None = None, place: str = "") -> list[Json]:
        """Return a list of objects, empty where there is none."""
        if holder is None and key in self._lists:
            return self._lists[key]
        found = (self.root if holder is None else holder).get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.wrong(f"{place}{key}", "a list of objects", type(found).__name__)
        if holder is None:
            self._lists[key] = found
        return found

    def item(self, key: str, index: Any, place: str) -> Json:
        """Return one object of a list at the root."""
        items = self.items(key)
        return items[self.integer(index, place, below=len(items))]

    def integer(self, value: Any, place: str, *, below: int | None = None) -> int:
        """Return a whole number that is not negative."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        limit = 2**53 if below is None else below
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
            raise self.wrong(place, f"a whole number below {limit}", repr(value))
        return value

    def numbers(self, value: Any, count: int, place: str) -> npt.NDArray[np.float64]:
        """Return a list of finite numbers of a given length."""
        good = isinstance(value, list) and len(value) == count
        if not good or not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in value):
            raise self.wrong(place, f"{count} numbers", repr(value))
        try:
            out = np.array([float(x) for x in value])
        except OverflowError:
            raise self.wrong(place, "finite numbers", repr(value)) from None
        if not np.isfinite(out).all():
            raise self.wrong(place, "finite numbers", repr(value))
        return out

    def mapping(self, value: Any, place: str) -> Json:
        """Return a JSON object."""
        if not isinstance(value, dict):
            raise self.wrong(place, "an object", repr(value))
        return value

    def name(self, holder: Json, fallback: str) -> str:
        """Return an object's name."""
        found = holder.get("name")
        return found if isinstance(found, str) and found else fallback

    @functools.cached_property
    def quantized(self) -> bool:
        """Whether positions may be stored as integers."""
        used = self.root.get("extensionsUsed", [])
        return isinstance(used, list) and "KHR_mesh_quantization" in used

    def _buffer(self, index: int) -> memoryview:
        if index in self._buffers:
            return self._buffers[index]
        place = f"buffers[{index}]"
        buffer = self.item("buffers", index, place)
        length = self.integer(buffer.get("byteLength"), f"{place}.byteLength")
        uri = buffer.get("uri")
        if uri is None:
            if index != 0 or self._binary is None:
                raise self.wrong(place, "a uri or the binary chunk of the file", "neither")
            data = self._binary
        elif isinstance(uri, str):
            embedded = uri[:5].lower() == "data:"
            data = memoryview(self._embedded(uri, place) if embedded else self._beside(uri, place))
        else:
            raise self.wrong(f"{place}.uri", "text", repr(uri))
        if len(data) < length:
            raise self.wrong(place, f"{length} bytes", f"{len(data)}")
        self._buffers[index] = data[:length]
        return self._buffers[index]

    def _embedded(self, uri: str, place: str) -> bytes:
        head, comma, body = uri.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise self.wrong(f"{place}.uri", "base64 data", repr(uri[:40]))
        try:
            return base64.b64decode(urllib.parse.unquote_to_bytes(body), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.wrong(f"{place}.uri", "base64 data", error) from error

    def _beside(self, uri: str, place: str) -> bytes:
        """Read a file that lies in the folder of this one or below; nothing else is opened."""
        parts = urllib.parse.urlsplit(uri)
        relative = urllib.parse.unquote(parts.path)
        folder = self.path.parent.resolve()
        try:
            target = (folder / relative).resolve()
            inside = target.is_relative_to(folder) and not relative.startswith(("/", "\\"))
            plain = not (parts.scheme or parts.netloc or parts.query)
            if not (plain and inside and relative):
                raise self.wrong(f"{place}.uri", "a file in the folder of this one", repr(uri))
            if not target.is_file():
                raise self.wrong(f"{place}.uri", "a file that exists", repr(uri))
            data = target.read_bytes()
        except (OSError, ValueError) as error:
            if isinstance(error, FormatError):
                raise
            raise self.wrong(f"{place}.uri", "a file that can be read", error) from error
        self._budget += _EXPANSION * len(data)
        self._size += len(data)
        return data

    def _view(self, index: Any, place: str) -> tuple[memoryview, int]:
        """Return the bytes of a buffer view, and its stride or 0."""
        view = self.item("bufferViews", index, place)
        for extension in self.mapping(view.get("extensions", {}), f"{place}.extensions"):
            if extension.endswith("_meshopt_compression"):
                raise self.wrong(place, "plain bytes", f"the extension {extension}, which is not supported")
        n_buffers = len(self.items("buffers"))
        data = self._buffer(self.integer(view.get("buffer"), f"{place}.buffer", below=n_buffers))
        start = self.integer(view.get("byteOffset", 0), f"{place}.byteOffset")
        length = self.integer(view.get("byteLength"), f"{place}.byteLength")
        stride = self.integer(view.get("byteStride", 0), f"{place}.byteStride", below=253)
        if start + length > len(data):
            raise self.wrong(
                place, f"bytes inside the {len(data)} of its buffer", f"{start} to {start + length}"
            )
        return data[start : start + length], stride

    def _rows(self, holder: Json, dtype: np.dtype[Any], count: int, width: int, place: str) -> Array:
        """Return `count` rows of `width` components that a buffer view holds, without a copy."""
        data, stride = self._view(holder.get("bufferView"), f"{place}.bufferView")
        offset = self.integer(holder.get("byteOffset", 0), f"{place}.byteOffset")
        row = dtype.itemsize * width
        step = stride or row
        end = offset + step * (count - 1) + row
        if step < row or end > len(data):
            raise self.wrong(place, f"{count} rows of {row} bytes within {len(data)}", f"an end at {end}")
        return np.ndarray((count, width), dtype, data, offset, (step, dtype.itemsize))

    def array(
        self, index: Any, place: str, kind: str, *, allow: str, count: int | None = None, zeros: bool = False
    ) -> Array:
        """Return an accessor as an array, (count, width) or (count,) for scalars.

        Parameters
        ----------
        index : int
            Which accessor.
        place : str
            Where it was named, for the message.
        kind : str
            Its type: "SCALAR", "VEC3", ...
        allow : str
            Component types as NumPy kinds and sizes, such as "f4 u1n"; an "n" asks that integers are normalised.
        count : int, optional
            How many elements there must be.
        zeros : bool
            Whether there may be no buffer view, which stands for zeros.

        Returns
        -------
        Array of float32 for floats and normalised integers, or of the integers.
        """
        accessor = self.item("accessors", index, place)
        n = self.integer(accessor.get("count"), f"{place}.count")
        if n < 1 or (count is not None and n != count):
            raise self.wrong(place, f"{count or 'at least 1'} elements", n)
        if accessor.get("type") != kind:
            raise self.wrong(place, f"the type {kind}", repr(accessor.get("type")))
        component = accessor.get("componentType")
        dtype = np.dtype(_COMPONENTS.get(component, "V1")) if isinstance(component, int) else np.dtype("V1")
        normalized = accessor.get("normalized", False) is True and dtype.kind in "iu"
        spelled = dtype.str[1:] + ("n" if normalized else "")
        if spelled not in allow.split():
            raise self.wrong(place, f"components of type {allow}", f"{component} ({spelled})")
        width = _WIDTHS[kind]
        sparse = accessor.get("sparse")
        if "bufferView" in accessor:
            stored = self._rows(accessor, dtype, n, width, place)
            self.claim(place, 8 * n * width)
            out = stored.copy()
        elif zeros or sparse is not None:
            self.claim(place, 8 * n * width)
            out = np.zeros((n, width), dtype)
        else:
            raise self.wrong(place, "a buffer view", "none")
        if sparse is not None:
            self._overwrite(out, self.mapping(sparse, f"{place}.sparse"), f"{place}.sparse")
        if normalized:
            out = np.maximum(out.astype(np.float32) / np.float32(np.iinfo(dtype).max), np.float32(-1))
        native = np.ascontiguousarray(out, out.dtype.newbyteorder("="))
        if native.dtype.kind == "f" and not np.isfinite(native).all():
            row = int(np.argmin(np.isfinite(native).all(axis=1)))
            raise self.wrong(place, "finite numbers", f"{native[row].tolist()} at element {row}")
        return native[:, 0] if kind == "SCALAR" else native

    def _overwrite(self, out: Array, sparse: Json, place: str) -> None:
        count = self.integer(sparse.get("count"), f"{place}.count", below=len(out) + 1)
        if count == 0:
            return
        where = self.mapping(sparse.get("indices"), f"{place}.indices")
        component = where.get("componentType")
        if component not in (5121, 5123, 5125):
            raise self.wrong(f"{place}.indices", "unsigned integers", component)
        rows = self._rows(where, np.dtype(_COMPONENTS[component]), count, 1, f"{place}.indices")[:, 0]
        if (rows >= len(out)).any() or (rows[1:] <= rows[:-1]).any():
            raise self.wrong(f"{place}.indices", f"ascending indices below {len(out)}", "others")
        values = self.mapping(sparse.get("values"), f"{place}.values")
        out[rows] = self._rows(values, out.dtype, count, out.shape[1], f"{place}.values")


def _refuse_constant(text: str) -> float:
    raise ValueError(f"the number {text}")


def _parsed(path: Path, data: bytes) -> Json:
    try:
        root = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: expected glTF's JSON; found {str(error)[:200]}") from error
    if not isinstance(root, dict):
        raise FormatError(f"{path}: expected glTF's JSON object; found a {type(root).__name__}")
    return root


def _chunks(path: Path, data: bytes) -> tuple[bytes, memoryview | None]:
    """Return the JSON and binary chunks of a .glb file."""
    if len(data) < 12:
        raise FormatError(f"{path}: expected a header of 12 bytes; found {len(data)} bytes")
    magic, version, length = struct.unpack_from("<4sII", data)
    if magic != b"glTF" or version != 2:
        raise FormatError(f"{path}: expected b'glTF', version 2; found {magic!r}, version {version}")
    if length > len(data):
        raise FormatError(f"{path}: expected {length} bytes, as the header says; found {len(data)}")
    found: list[tuple[int, memoryview]] = []
    offset = 12
    while offset + 8 <= length and len(found) < 64:
        size, kind = struct.unpack_from("<II", data, offset)
        if offset + 8 + size > length:
            raise FormatError(
                f"{path}: byte {offset}: expected a chunk of {size} bytes; found {length - offset - 8}"
            )
        found.append((kind, memoryview(data)[offset + 8 : offset + 8 + size]))
        offset += 8 + math.ceil(size / 4) * 4
    if not found or found[0][0] != _JSON_CHUNK:
        raise FormatError(f"{path}: byte 12: expected a JSON chunk; found {'another' if found else 'none'}")
    binary = found[1][1] if len(found) > 1 and found[1][0] == _BINARY_CHUNK else None
    return bytes(found[0][1]), binary


def open_document(path: Path) -> Document:
    """Read a file and check what it asks of a reader.

    Raises
    ------
    FormatError
        The file is not glTF 2, is cut off, or requires an extension that is not supported (it is named).
    """
    data = path.read_bytes()
    text, binary = (data, None) if path.suffix.lower() == ".gltf" else _chunks(path, data)
    document = Document(path, _parsed(path, text), binary, len(data))
    version = document.mapping(document.root.get("asset", {}), "asset").get("version")
    if not isinstance(version, str) or not version.startswith("2."):
        raise document.wrong("asset.version", "2.0", repr(version))
    required = document.root.get("extensionsRequired", [])
    if not isinstance(required, list):
        raise document.wrong("extensionsRequired", "a list", repr(required))
    for extension in required:
        if not str(extension).startswith((*_HARMLESS, *_UNDERSTOOD)):
            raise document.wrong(
                "extensionsRequired", "extensions that are supported", f"{extension}, which is not"
            )
    return document
