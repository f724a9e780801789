"""Writing a rig as a .glb file: one mesh, its targets, and curves of their weights."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.values.rig import Rig
from mien.values.shapes import SparseDelta
from mien.values.topology import Topology

__all__ = ["corner_uvs", "write_glb"]

Json = dict[str, Any]
Array = npt.NDArray[Any]

_FLOAT, _UNSIGNED = 5126, 5125
_VERTICES, _INDICES = 34962, 34963


class _Parts:
    """Accessors and buffer views as they grow, and the bytes that they are views of."""

    def __init__(self) -> None:
        self.accessors: list[Json] = []
        self.views: list[Json] = []
        self.data: list[bytes] = []
        self.length = 0

    def view(self, values: Array, target: int | None = None) -> int:
        """Append an array; every component here has four bytes, so all offsets are multiples of four."""
        data = np.ascontiguousarray(values).tobytes()
        view: Json = {"buffer": 0, "byteOffset": self.length, "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        self.views.append(view)
        self.data.append(data)
        self.length += len(data)
        return len(self.views) - 1

    def accessor(self, kind: str, component: int, count: int, **more: Any) -> int:
        self.accessors.append({"componentType": component, "type": kind, "count": count, **more})
        return len(self.accessors) - 1

    def dense(self, values: Array, kind: str, *, target: int | None = None, bounds: bool = False) -> int:
        """Append float32 values as an accessor, with minimum and maximum where the format asks for them."""
        more: Json = {"bufferView": self.view(values.astype("<f4"), target)}
        if bounds:
            rows = values.astype(np.float32).reshape(len(values), -1)
            more |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        return self.accessor(kind, _FLOAT, len(values), **more)

    def shape(self, delta: SparseDelta, n_vertices: int) -> int:
        """Append a target: sparse where that is smaller. One entry at least, since none is not allowed."""
        vertices, offsets = delta.vertices, delta.offsets.astype(np.float32)
        if len(vertices) == 0:
            vertices, offsets = np.zeros(1, np.int32), np.zeros((1, 3), np.float32)
        low, high = offsets.min(axis=0), offsets.max(axis=0)
        if len(vertices) < n_vertices:
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        more: Json = {"min": low.tolist(), "max": high.tolist()}
        if 16 * len(vertices) < 12 * n_vertices:
            more["sparse"] = {
                "count": len(vertices),
                "indices": {"bufferView": self.view(vertices.astype("<u4")), "componentType": _UNSIGNED},
                "values": {"bufferView": self.view(offsets.astype("<f4"))},
            }
        else:
            full = np.zeros((n_vertices, 3), "<f4")
            full[vertices] = offsets
            more["bufferView"] = self.view(full, _VERTICES)
        return self.accessor("VEC3", _FLOAT, n_vertices, **more)


def corner_uvs(topology: Topology) -> Array | None:
    """Return one texture coordinate for each vertex, (V, 2), or None where vertices lie on seams or have none."""
    if topology.uvs is None or topology.uv_indices is None or topology.n_faces == 0:
        return None
    out = np.zeros((topology.n_vertices, 2), np.float32)
    corners = topology.uvs[topology.uv_indices]
    out[topology.face_indices] = corners
    return out if (out[topology.face_indices] == corners).all() else None


def _mesh(parts: _Parts, rig: Rig) -> Json:
    topology = rig.topology
    attributes = {
        "POSITION": parts.dense(rig.neutral, "VEC3", target=_VERTICES, bounds=True),
    }
    uvs = corner_uvs(topology)
    if uvs is not None:
        # glTF counts v from the top of the picture.
        attributes["TEXCOORD_0"] = parts.dense(
            np.stack([uvs[:, 0], 1 - uvs[:, 1]], axis=1), "VEC2", target=_VERTICES
        )
    primitive: Json = {"attributes": attributes, "mode": 4 if topology.n_faces else 0}
    if topology.n_faces:
        corners = topology.triangles.reshape(-1).astype("<u4")
        view = parts.view(corners, _INDICES)
        primitive["indices"] = parts.accessor("SCALAR", _UNSIGNED, len(corners), bufferView=view)
    shapes = [rig.sparse(k) for k in range(rig.n_shapes)] + [c.sparse for c in rig.correctives]
    mesh: Json = {"name": rig.name, "primitives": [primitive]}
    if shapes:
        primitive["targets"] = [{"POSITION": parts.shape(shape, rig.n_vertices)} for shape in shapes]
        mesh["weights"] = [0.0] * len(shapes)
        extras: Json = {"targetNames": [*rig.names, *(c.name for c in rig.correctives)]}
        if rig.correctives:
            noted = [{"name": c.name, "drivers": list(c.drivers)} for c in rig.correctives]
            extras["mien"] = {"correctives": noted}
        mesh["extras"] = extras
    return mesh


def write_glb(
    path: Path, rig: Rig, weights: Array | None, fps: float, start_frame: int, node: Json, noted: Json
) -> None:
    """Write a rig to `path`, which is a temporary file.

    Parameters
    ----------
    path : path
        Where to.
    rig : Rig
        Its correctives become targets like the others; their drivers are noted in the extras of the mesh.
    weights : (F, K) floats, or None
        Of all targets, correctives included.
    fps, start_frame : float, int
        When the weights apply.
    node : dict
        Transform of the node.
    noted : dict
        What `mien.read_rig` is to find again.
    """
    parts = _Parts()
    mesh = _mesh(parts, rig)
    animations: list[Json] = []
    if weights is not None:
        first = max(start_frame, 0)
        times = (first + np.arange(len(weights))) / fps
        sampler = {
            "input": parts.dense(times, "SCALAR", bounds=True),
            "output": parts.dense(weights.reshape(-1), "SCALAR"),
            "interpolation": "LINEAR",
        }
        target = {"node": 0, "path": "weights"}
        animations = [{"name": "take", "samplers": [sampler], "channels": [{"sampler": 0, "target": target}]}]
    root: Json = {
        "asset": {"version": "2.0", "generator": "mien"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": rig.name, "mesh": 0, **node, "extras": {"mien": noted}}],
        "meshes": [mesh],
        "accessors": parts.accessors,
        "bufferViews": parts.views,
        "buffers": [{"byteLength": parts.length}],
    }
    if animations:
        root["animations"] = animations
    text = json.dumps(root, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    with open(path, "wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + parts.length))
        file.write(struct.pack("<I4s", len(text), b"JSON"))
        file.write(text)
        file.write(struct.pack("<I4s", parts.length, b"BIN\0"))
        for data in parts.data:
            file.write(data)
