"""Builds .glb files from plain parts, the way other programs do; knows nothing of mien's own writer."""

from __future__ import annotations

import json
import struct

import numpy as np

COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class Builder:
    """Grows a glTF document; `root` may be changed by hand before it is packed."""

    def __init__(self) -> None:
        self.root: dict = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "buffers": [{}]}
        self.data = b""

    def view(self, data: bytes, **more) -> int:
        self.data += bytes(-len(self.data) % 4)
        self.root["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data), **more}
        )
        self.data += data
        return len(self.root["bufferViews"]) - 1

    def add(self, values, dtype="f4", *, stride=0, **more) -> int:
        array = np.asarray(values).astype("<" + dtype)
        rows = array.reshape(len(array), -1)
        raw = rows.tobytes()
        layout = {}
        if stride:
            raw = b"".join(row.tobytes().ljust(stride, b"\xee") for row in rows)
            layout = {"byteStride": stride}
        self.root["accessors"].append(
            {
                "bufferView": self.view(raw, **layout),
                "componentType": COMPONENTS[dtype],
                "count": len(array),
                "type": TYPES[rows.shape[1]],
                **more,
            }
        )
        return len(self.root["accessors"]) - 1

    def zeros(self, count, width=3, sparse=None, **more) -> int:
        accessor = {"componentType": 5126, "count": count, "type": TYPES[width], **more}
        if sparse is not None:
            rows, values = sparse
            accessor["sparse"] = {
                "count": len(rows),
                "indices": {
                    "bufferView": self.view(np.asarray(rows, "<u2").tobytes()),
                    "componentType": 5123,
                },
                "values": {"bufferView": self.view(np.asarray(values, "<f4").tobytes())},
            }
        self.root["accessors"].append(accessor)
        return len(self.root["accessors"]) - 1

    def pack(self, *, binary: bool = True) -> bytes:
        if "uri" not in self.root["buffers"][0]:
            self.root["buffers"] = [{"byteLength": len(self.data)}]
        return pack(self.root, self.data if binary else None)


def pack(root: dict, data: bytes | None) -> bytes:
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    if data is not None:
        data += bytes(-len(data) % 4)
        body += struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def unpack(blob: bytes) -> tuple[dict, bytes]:
    magic, version, length = struct.unpack_from("<4sII", blob)
    assert (magic, version, length) == (b"glTF", 2, len(blob))
    size, kind = struct.unpack_from("<I4s", blob, 12)
    assert kind == b"JSON"
    assert size % 4 == 0
    after = 20 + size
    binary_size, kind = struct.unpack_from("<I4s", blob, after)
    assert kind == b"BIN\0"
    assert after + 8 + binary_size == len(blob)
    assert binary_size % 4 == 0
    return json.loads(blob[20:after]), blob[after + 8 :]


def small(**node) -> Builder:
    """A square of four vertices with two targets, `a` and `b`, on one node called "face"."""
    b = Builder()
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.5]], np.float32)
    deltas = np.zeros((2, 4, 3), np.float32)
    deltas[0, 1] = (0.25, 0, 1)
    deltas[1, :, 1] = (1, 2, 3, 4)
    primitive = {
        "attributes": {"POSITION": b.add(points)},
        "indices": b.add([0, 1, 2, 0, 2, 3], "u2"),
        "targets": [{"POSITION": b.add(delta)} for delta in deltas],
    }
    b.root["meshes"] = [{"name": "square", "primitives": [primitive], "extras": {"targetNames": ["a", "b"]}}]
    b.root["nodes"] = [{"name": "face", "mesh": 0, **node}]
    b.points, b.deltas, b.primitive = points, deltas, primitive
    return b


def rotation_matrix(quaternion) -> np.ndarray:
    """Rotation by q v q*, written out with quaternion products."""

    def product(p, q):
        (a, b, c, d), (e, f, g, h) = p, q
        return np.array(
            [
                a * h + d * e + b * g - c * f,
                b * h + d * f + c * e - a * g,
                c * h + d * g + a * f - b * e,
                d * h - a * e - b * f - c * g,
            ]
        )

    q = np.asarray(quaternion, float) / np.linalg.norm(quaternion)
    conjugate = q * (-1, -1, -1, 1)
    columns = [product(product(q, np.append(axis, 0)), conjugate)[:3] for axis in np.eye(3)]
    return np.stack(columns, axis=1)


def matrix(translation=(0, 0, 0), rotation=(0, 0, 0, 1), scale=(1, 1, 1)) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3] = rotation_matrix(rotation) @ np.diag(scale)
    out[:3, 3] = translation
    return out
