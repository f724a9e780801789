"""Alembic archives of any shape, written without the package's own writer."""

from __future__ import annotations

import dataclasses
import pathlib
import struct

import numpy as np

POLY = (
    "schema=AbcGeom_PolyMesh_v1;schemaBaseType=AbcGeom_GeomBase_v1;schemaObjTitle=AbcGeom_PolyMesh_v1:.geom"
)
SUBD = POLY.replace("PolyMesh", "SubD")
XFORM = "schema=AbcGeom_Xform_v3;schemaObjTitle=AbcGeom_Xform_v3:.xform"
POINT = "geoScope=vtx;interpretation=point"
PODS = ["?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]
ACYCLIC = np.finfo(np.float64).max / 32


@dataclasses.dataclass
class Samples:
    """An array or scalar property; `stored` are the samples in the file."""

    stored: list
    dtype: str = "<f4"
    extent: int = 1
    kind: str = "array"
    sampling: int = 1
    n_samples: int | None = None
    changes: tuple[int, int] | None = None  # first and last changed sample
    metadata: str = ""
    dimensions: bool = False


@dataclasses.dataclass
class Compound:
    """Properties by name."""

    parts: dict
    metadata: str = ""


@dataclasses.dataclass
class Node:
    """An object."""

    name: str
    metadata: str = ""
    parts: dict = dataclasses.field(default_factory=dict)
    children: list = dataclasses.field(default_factory=list)


class Builder:
    """Write an archive; positions of interest are kept for damaging it."""

    def __init__(self, *, shift: int = 0) -> None:
        self.bytes = bytearray(b"Ogawa\xff\x00\x01" + bytes(8))
        self.shift = shift  # bytes by which every block misses a multiple of 8
        self.at: dict[str, int] = {}
        self.most = 1  # samples of any property

    def data(self, content: bytes) -> int:
        if not content:
            return 1 << 63
        self.bytes += bytes(-len(self.bytes) % 8 + self.shift)
        at = len(self.bytes)
        self.bytes += struct.pack("<Q", len(content)) + content
        return at | 1 << 63

    def group(self, references: list[int]) -> int:
        if not references:
            return 0
        at = len(self.bytes)
        self.bytes += struct.pack(f"<{len(references) + 1}Q", len(references), *references)
        return at

    def samples(self, samples: Samples, place: str) -> int:
        references = []
        for i, values in enumerate(samples.stored):
            values = np.ascontiguousarray(values, samples.dtype)
            reference = self.data(bytes(16) + values.tobytes())
            self.at[f"{place}[{i}]"] = reference & ~(1 << 63)
            references.append(reference)
            if samples.kind == "array":
                length = values.size // samples.extent
                references.append(self.data(struct.pack("<I", length)) if samples.dimensions else 1 << 63)
        reference = self.group(references)
        self.at[place] = reference
        return reference

    def compound(self, parts: dict, place: str) -> int:
        references, headers = [], b""
        for name, part in parts.items():
            inner = f"{place}/{name}"
            if isinstance(part, Compound):
                references.append(self.compound(part.parts, inner))
                self.at[inner] = references[-1]
                fields = b""
                info = 0
            else:
                references.append(self.samples(part, inner))
                n = part.n_samples or len(part.stored)
                self.most = max(self.most, n)
                pod = next(i for i, text in enumerate(PODS) if np.dtype(text) == np.dtype(part.dtype))
                info = ("", "scalar", "array").index(part.kind) | pod << 4 | 1 << 8 | part.extent << 12
                info |= (len(part.stored) == 1) << 11
                fields = struct.pack("<I", n)
                if part.changes is not None:
                    info |= 1 << 9
                    fields += struct.pack("<II", *part.changes)
                fields += struct.pack("<I", part.sampling)
            # Metadata follows in line and counts take four bytes, unlike in what the package writes.
            info |= 2 << 2 | 255 << 20
            text = part.metadata.encode()
            self.at[f"{inner} header"] = len(headers)
            headers += struct.pack("<I", info) + fields + struct.pack("<I", len(name)) + name.encode()
            headers += struct.pack("<I", len(text)) + text
        if not parts:
            return 0
        reference = self.data(headers)
        self.at[f"{place} headers"] = reference & ~(1 << 63)
        return self.group([*references, reference])

    def node(self, node: Node, place: str) -> int:
        properties = self.compound(node.parts, place)
        references, headers = [], b""
        for child in node.children:
            references.append(self.node(child, f"{place}/{child.name}"))
            name, text = child.name.encode(), child.metadata.encode()
            headers += struct.pack("<I", len(name)) + name + b"\xff" + struct.pack("<I", len(text)) + text
        reference = self.group([properties, *references, self.data(headers + bytes(32))])
        self.at[place or "/"] = reference
        return reference

    def finish(self, children: list[Node], samplings: list[tuple], metadata: str = "") -> bytes:
        root = self.node(Node("", children=children), "")
        times = struct.pack("<IdId", 1, 1.0, 1, 0.0)
        for cycle, stored in samplings:
            times += struct.pack(f"<IdI{len(stored)}d", self.most, cycle, len(stored), *stored)
        parts = [self.data(bytes(4)), self.data((10703).to_bytes(4, "little")), root]
        parts += [self.data(metadata.encode()), self.data(times), self.data(b"")]
        top = self.group(parts)
        self.bytes[8:16] = struct.pack("<Q", top)
        self.at["top"] = top
        return bytes(self.bytes)


def mesh(
    name: str,
    points: np.ndarray,
    faces: list[list[int]],
    *,
    uv: object = None,
    schema: str = POLY,
    **options: object,
) -> Node:
    """A mesh object whose faces are given counter-clockwise; `options` change its property P."""
    walked = [corner for face in faces for corner in reversed(face)]
    parts = {
        "P": Samples(list(points), **{"dtype": "<f4", "extent": 3, "metadata": POINT, **options}),
        ".selfBnds": Samples([[-99] * 3 + [99] * 3], "<f8", 6, "scalar", metadata="interpretation=box"),
        ".faceIndices": Samples([walked], "<i4"),
        ".faceCounts": Samples([[len(face) for face in faces]], "<i4"),
    }
    if uv is not None:
        parts["uv"] = uv
    return Node(name, schema, {".geom": Compound(parts, schema.partition(";schemaObjTitle")[0])})


def xform(name: str, ops: list[int], values: list, children: list, **options: object) -> Node:
    """A transform object; `values` holds one row of channels for each stored sample."""
    parts = {
        ".inherits": Samples([[options.pop("inherits", True)]], "?", kind="scalar"),
        ".ops": Samples([[op << 4 for op in ops]], "u1", len(ops), "scalar"),
        ".vals": Samples(list(values), "<f8", len(values[0]), "scalar", **options),
        "isNotConstantIdentity": Samples([[True]], "?", kind="scalar"),
    }
    return Node(name, XFORM, {".xform": Compound(parts, XFORM.partition(";")[0])}, children)


def archive(
    path: pathlib.Path, children: list[Node], *samplings: tuple, shift: int = 0, metadata: str = ""
) -> Builder:
    """Write an archive; without samplings, index 1 is 24 fps from frame 1001."""
    builder = Builder(shift=shift)
    path.write_bytes(builder.finish(children, list(samplings) or [(1 / 24, [1001 / 24])], metadata))
    return builder
