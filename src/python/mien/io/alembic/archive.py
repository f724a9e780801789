"""The tree of objects in an archive."""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path

from mien.io.alembic.ogawa import OgawaReader
from mien.io.alembic.properties import INLINE, LONGEST_NAME, Property, compound, parse_metadata
from mien.io.alembic.times import TimeSampling, parse_samplings

__all__ = ["Archive", "Node"]

SCHEMA = re.compile(r"(?:^|;)schema=([^;]*)")
MESH_SCHEMAS = ("AbcGeom_PolyMesh_v1", "AbcGeom_SubD_v1")
XFORM_PREFIX = "AbcGeom_Xform_v"
DEEPEST = 128
FREE_LETTERS = 1 << 20  # paths of all meshes together may be longer than the file by this much
OLDEST = 9999  # archive versions below are refused by the reference library too


class Node:
    """One object: its name, its schema and where its properties are."""

    __slots__ = ("compound", "name", "parent", "schema")

    def __init__(self, name: str, schema: str, parent: Node | None, compound: int = 0) -> None:
        self.name, self.schema, self.parent, self.compound = name, schema, parent, compound

    @property
    def is_mesh(self) -> bool:
        """Whether the object is a polygon mesh or the cage of a subdivision surface."""
        return self.schema in MESH_SCHEMAS

    @property
    def is_xform(self) -> bool:
        """Whether the object is a transform."""
        return self.schema.startswith(XFORM_PREFIX)

    @property
    def take_name(self) -> str:
        """What hosts call the mesh: the name of the transform above it, where there is one."""
        return self.parent.name if self.parent is not None and self.parent.is_xform else self.name

    def ancestors(self) -> list[Node]:
        """Return the objects above this one, the nearest first."""
        out = []
        node = self.parent
        while node is not None:
            out.append(node)
            node = node.parent
        return out

    def __str__(self) -> str:
        names = [self.name] + [node.name for node in self.ancestors()]
        return "/".join(reversed(names)) or "/"


class Archive:
    """An Alembic archive: its metadata, its time samplings and its meshes.

    Parameters
    ----------
    path : Path
        An Ogawa file.
    """

    def __init__(self, path: Path) -> None:
        self.file = file = OgawaReader(path)
        entries = file.group(file.root, "the root group")
        if len(entries) < 6:
            raise file.error("the root group", "6 entries", len(entries))
        version = file.data(int(entries[1]), "the archive's version")
        if len(version) != 4 or int.from_bytes(version, "little") < OLDEST:
            raise file.error(
                "the archive's version", f"4 bytes and at least {OLDEST}", f"{bytes(version[:8]).hex(' ')}"
            )
        text = bytes(file.data(int(entries[3]), "the archive's metadata")[: 1 << 20])
        self.metadata = parse_metadata(text.decode("utf-8", "backslashreplace"))
        self.samplings = parse_samplings(file, file.data(int(entries[4]), "the time samplings"))
        self._indexed = [
            "",
            *self._texts(file.data(int(entries[5]), "the indexed metadata")),
        ]
        self.meshes: list[Node] = []
        self.others: set[str] = set()
        self._walk(int(entries[2]))

    def _texts(self, data: memoryview) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(data):
            size = data[at]
            if at + 1 + size > len(data):
                raise self.file.error(
                    f"the indexed metadata {len(out) + 1}", f"{size} bytes", len(data) - at - 1
                )
            out.append(bytes(data[at + 1 : at + 1 + size]).decode("utf-8", "backslashreplace"))
            at += 1 + size
            if len(out) >= INLINE:
                raise self.file.error("the indexed metadata", f"fewer than {INLINE} texts", "more")
        return out

    def _walk(self, root: int) -> None:
        file = self.file
        stack = [(Node("", "", None), root, 0, 0)]
        seen = set()
        letters_left = file.size + FREE_LETTERS
        while stack:
            node, reference, depth, length = stack.pop()
            entries = file.group(reference, node)
            if not len(entries):
                continue
            if reference in seen:
                raise file.error(node, "an object of its own", f"the one at byte {reference} again (a cycle)")
            if depth > DEEPEST:
                raise file.error(node, f"objects nested at most {DEEPEST} deep", "deeper ones")
            seen.add(reference)
            node.compound = int(entries[0])
            headers = self._headers(node, int(entries[-1]), len(entries) - 2)
            children = []
            for (name, schema), entry in zip(headers, entries[1:-1], strict=True):
                child = Node(name, schema, node)
                child_length = length + 1 + len(name)
                if child.is_mesh:
                    self.meshes.append(child)
                    letters_left -= child_length
                elif schema and len(self.others) < 100:
                    self.others.add(schema)
                children.append((child, int(entry), depth + 1, child_length))
            if letters_left < 0:
                raise file.error(node, "names that fit the file", "paths of meshes longer than the file")
            stack += reversed(children)

    def _headers(self, node: Node, reference: int, n_children: int) -> list[tuple[str, str]]:
        """Return name and schema of an object's children."""
        out: list[tuple[str, str]] = []
        if n_children < 1:
            return out
        data = self.file.data(reference, node)
        at = 0

        def take(size: int, longest: int) -> bytes:
            nonlocal at
            if size > longest or at + size > len(data):
                raise self.file.error(
                    f"{node}, headers of its objects",
                    f"at most {min(longest, len(data) - at)} bytes at byte {at}",
                    f"{size} bytes",
                )
            at += size
            return bytes(data[at - size : at])

        for _ in range(n_children):
            size: int = struct.unpack("<I", take(4, 4))[0]
            name = take(size, LONGEST_NAME).decode("utf-8", "backslashreplace")
            index = take(1, 1)[0]
            if index == INLINE:
                text = take(struct.unpack("<I", take(4, 4))[0], len(data)).decode("utf-8", "backslashreplace")
            elif index < len(self._indexed):
                text = self._indexed[index]
            else:
                raise self.file.error(f"{node}/{name}", f"metadata below {len(self._indexed)}", index)
            schema = SCHEMA.search(text)
            out.append((name, schema.group(1) if schema else ""))
        return out

    def properties(self, node: Node) -> dict[str, Property]:
        """Return the properties of an object by name."""
        return compound(self.file, node.compound, self._indexed, str(node))

    def inside(self, header: Property) -> dict[str, Property]:
        """Return the properties of a compound property by name."""
        if header.kind != "compound":
            raise self.file.error(header.place, "a compound property", header.kind)
        return compound(self.file, header.reference, self._indexed, header.place)

    def sampling(self, header: Property) -> TimeSampling:
        """Return when the samples of a property are."""
        if header.sampling >= len(self.samplings):
            raise self.file.error(
                header.place, f"a time sampling below {len(self.samplings)}", header.sampling
            )
        return self.samplings[header.sampling]

    @property
    def named_fps(self) -> float | None:
        """The rate that the archive's metadata names, frames per second."""
        try:
            fps = float(self.metadata.get("FramesPerTimeUnit", ""))
        except ValueError:
            return None
        return fps if math.isfinite(fps) and 1e-6 < fps < 1e6 else None

    def find(self, wanted: str | None) -> Node:
        """Return the mesh of that path or name; the only one where none is named."""
        names = ", ".join(str(mesh) for mesh in self.meshes[:20]) + (", ..." if len(self.meshes) > 20 else "")
        if not self.meshes:
            others = (
                f"only {', '.join(sorted(self.others)[:8])}" if self.others else "no objects with geometry"
            )
            raise self.file.error("its objects", "a polygon mesh", others)
        if wanted is None:
            if len(self.meshes) > 1:
                raise self.file.error("its objects", "one mesh, or node= to pick one", f"several: {names}")
            return self.meshes[0]
        fits = [mesh for mesh in self.meshes if str(mesh) == wanted]
        fits = fits or [
            m
            for m in self.meshes
            if wanted == m.name or any(wanted in (a.name, str(a)) for a in m.ancestors())
        ]
        if len(fits) != 1:
            raise self.file.error(
                "its objects", f"one mesh of the path or name {wanted!r}", f"these: {names}"
            )
        return fits[0]
