"""Meshes of a glTF file with their morph targets, and the nodes that place them."""

from __future__ import annotations

import dataclasses
from collections.abc import Container
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.io.gltf.document import Document, Json
from mien.values.shapes import SparseDelta
from mien.values.topology import Topology

__all__ = [
    "Mesh",
    "Place",
    "Skin",
    "ancestry",
    "composed",
    "local_matrix",
    "node_parts",
    "parents",
    "places",
    "read_mesh",
]

Array = npt.NDArray[Any]

_FLOATS = "f4"
_QUANTIZED = "f4 i1n u1n i2n u2n i1 u1 i2 u2"
_TEXTURE = "f4 u1n u2n"


@dataclasses.dataclass(frozen=True)
class Place:
    """A node with a mesh: `node` is None for a mesh that no node places."""

    name: str
    node: int | None
    mesh: int
    n_targets: int


class Skin(NamedTuple):
    """What binds vertices to joints: joint nodes, inverse bind matrices (J, 4, 4), joints and weights (V, S)."""

    joints: tuple[int, ...]
    inverse_bind: npt.NDArray[np.float64]
    indices: Array
    weights: npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Mesh:
    """One mesh in its own space, all primitives one after the other."""

    topology: Topology
    positions: npt.NDArray[np.float32]
    names: tuple[str, ...]
    shapes: tuple[SparseDelta, ...]
    skin: Skin | None
    extras: Json


def places(document: Document) -> list[Place]:
    """Return the nodes that have a mesh, in the file's order; the meshes themselves where there are no such nodes."""
    meshes = document.items("meshes")
    found = []
    for index, node in enumerate(document.items("nodes")):
        if "mesh" not in node:
            continue
        mesh = document.integer(node["mesh"], f"nodes[{index}].mesh", below=len(meshes))
        name = document.name(node, document.name(meshes[mesh], f"node{index}"))
        found.append(Place(name, index, mesh, _n_targets(document, mesh)))
    if not found:
        found = [
            Place(document.name(mesh, f"mesh{m}"), None, m, _n_targets(document, m))
            for m, mesh in enumerate(meshes)
        ]
    if not found:
        raise document.wrong("meshes", "at least one mesh", "none")
    return found


def _n_targets(document: Document, mesh: int) -> int:
    place = f"meshes[{mesh}]."
    primitives = document.items("primitives", document.items("meshes")[mesh], place)
    counts = {
        len(document.items("targets", primitive, f"{place}primitives[{p}]."))
        for p, primitive in enumerate(primitives)
    }
    if len(counts) != 1:
        raise document.wrong(
            f"{place}primitives", "at least one, all with as many targets", sorted(counts) or "none"
        )
    return counts.pop()


def target_names(document: Document, mesh: Json, n_targets: int) -> tuple[str, ...]:
    """Return the names of a mesh's targets; what has no name, or one that came before, gets a number."""
    extras = mesh.get("extras")
    given = extras.get("targetNames") if isinstance(extras, dict) else None
    if given is None:  # some exporters put them one level lower
        first = document.items("primitives", mesh)[0].get("extras")
        given = first.get("targetNames") if isinstance(first, dict) else None
    labels = given if isinstance(given, list) and len(given) == n_targets else [None] * n_targets
    names: dict[str, None] = {}
    for k, label in enumerate(labels):
        name = base = label if isinstance(label, str) and label else f"target{k}"
        number = 2
        while name in names:
            name, number = f"{base}#{number}", number + 1
        names[name] = None
    return tuple(names)


@dataclasses.dataclass
class _Block:
    """The vertices of one primitive, or of several that share them."""

    first: int
    positions: npt.NDArray[np.float32]
    uvs: npt.NDArray[np.float32] | None
    shapes: list[SparseDelta]
    joints: Array | None
    weights: npt.NDArray[np.float64] | None


def read_mesh(document: Document, where: Place, *, with_shapes: bool = True) -> Mesh:
    """Read a mesh with its targets; vertices keep the order and number they have in the file."""
    mesh = document.items("meshes")[where.mesh]
    place = f"meshes[{where.mesh}]."
    blocks: dict[str, _Block] = {}
    faces: list[Array] = []
    for p, primitive in enumerate(document.items("primitives", mesh, place)):
        inside = f"{place}primitives[{p}]"
        attributes = document.mapping(primitive.get("attributes"), f"{inside}.attributes")
        for extension in document.mapping(primitive.get("extensions", {}), f"{inside}.extensions"):
            if extension.startswith("KHR_draco"):
                raise document.wrong(
                    inside, "plain vertices", f"the extension {extension}, which is not supported"
                )
        targets = document.items("targets", primitive, f"{inside}.") if with_shapes else []
        key = repr((sorted(attributes.items(), key=str), targets))
        if key not in blocks:
            first = sum(len(block.positions) for block in blocks.values())
            blocks[key] = _read_block(document, attributes, targets, inside, first)
        faces.append(_triangles(document, primitive, blocks[key], inside))
    parts = list(blocks.values())
    shapes = tuple(
        SparseDelta(
            np.concatenate([part.shapes[k].vertices + np.int32(part.first) for part in parts]),
            np.concatenate([part.shapes[k].offsets for part in parts]),
        )
        for k in range(where.n_targets if with_shapes else 0)
    )
    positions = np.concatenate([part.positions for part in parts])
    extras = mesh.get("extras")
    return Mesh(
        _topology(document, place, np.concatenate(faces), parts, len(positions)),
        positions,
        target_names(document, mesh, where.n_targets),
        shapes,
        _skin(document, where, parts),
        extras if isinstance(extras, dict) else {},
    )


def _read_block(document: Document, attributes: Json, targets: list[Json], place: str, first: int) -> _Block:
    allow = _QUANTIZED if document.quantized else _FLOATS
    inside = f"{place}.attributes"
    if "POSITION" not in attributes:
        raise document.wrong(inside, "POSITION", ", ".join(attributes) or "nothing")
    points = document.array(attributes["POSITION"], f"{inside}.POSITION", "VEC3", allow=allow)
    n = len(points)
    uvs = None
    if "TEXCOORD_0" in attributes:
        texture = _QUANTIZED if document.quantized else _TEXTURE
        uvs = document.array(attributes["TEXCOORD_0"], f"{inside}.TEXCOORD_0", "VEC2", allow=texture, count=n)
        # glTF counts v from the top of the picture; OBJ, USD, Alembic and this library from the bottom.
        uvs = np.stack([uvs[:, 0], 1 - uvs[:, 1].astype(np.float32)], axis=1)
    joints, weights = _read_binding(document, attributes, inside, n)
    shapes = []
    for k, target in enumerate(targets):
        if "POSITION" not in target:
            shapes.append(SparseDelta(np.empty(0, np.int32), np.empty((0, 3), np.float32)))
            continue
        there = f"{place}.targets[{k}].POSITION"
        delta = document.array(target["POSITION"], there, "VEC3", allow=allow, count=n, zeros=True)
        moved = np.flatnonzero((delta != 0).any(axis=1)).astype(np.int32)
        shapes.append(SparseDelta(moved, delta[moved].astype(np.float32)))
    return _Block(first, points.astype(np.float32), uvs, shapes, joints, weights)


def _read_binding(
    document: Document, attributes: Json, place: str, n: int
) -> tuple[Array | None, npt.NDArray[np.float64] | None]:
    """Return joints and weights (V, 4 per set), or None where the vertices are not bound."""
    joints: list[Array] = []
    weights: list[Array] = []
    for number in range(8):
        names = f"JOINTS_{number}", f"WEIGHTS_{number}"
        if names[0] not in attributes and names[1] not in attributes:
            break
        for name, allow, found in ((names[0], "u1 u2", joints), (names[1], "f4 u1n u2n", weights)):
            if name not in attributes:
                raise document.wrong(place, " and ".join(names), "only one of them")
            found.append(document.array(attributes[name], f"{place}.{name}", "VEC4", allow=allow, count=n))
    if not joints:
        return None, None
    total = np.concatenate(weights, axis=1).astype(np.float64)
    sums = total.sum(axis=1, keepdims=True)
    if (sums <= 0).any():
        raise document.wrong(
            f"{place}.WEIGHTS_0", "weights that add up to more than 0", f"{sums.min()} at {sums.argmin()}"
        )
    return np.concatenate(joints, axis=1).astype(np.int64), total / sums


def _triangles(document: Document, primitive: Json, block: _Block, place: str) -> Array:
    """Return a primitive's triangles (T, 3), in the numbering of the whole mesh; points and lines have none."""
    mode = document.integer(primitive.get("mode", 4), f"{place}.mode", below=7)
    n = len(block.positions)
    if "indices" in primitive:
        corners = document.array(primitive["indices"], f"{place}.indices", "SCALAR", allow="u1 u2 u4").astype(
            np.int64
        )
        if corners.max() >= n:
            raise document.wrong(f"{place}.indices", f"vertices below {n}", corners.max())
    else:
        corners = np.arange(n)
    if mode < 4:
        return np.empty((0, 3), np.int64)
    if mode == 4:
        if len(corners) % 3:
            raise document.wrong(f"{place}.indices", "three corners a triangle", f"{len(corners)} corners")
        rows = corners.reshape(-1, 3)
    else:
        i = np.arange(max(len(corners) - 2, 0))
        fan = [i + 1, i + 2, np.zeros_like(i)]
        rows = corners[np.stack(fan if mode == 6 else [i, i + 1 + i % 2, i + 2 - i % 2], axis=1)]
    return rows + block.first


def _topology(document: Document, place: str, faces: Array, parts: list[_Block], n_vertices: int) -> Topology:
    flat = faces.reshape(-1)
    uvs = [part.uvs for part in parts if part.uvs is not None]
    coordinates = np.concatenate(uvs) if len(uvs) == len(parts) else None
    try:
        return Topology(
            np.full(len(faces), 3, np.int32),
            flat,
            n_vertices,
            uvs=coordinates,
            uv_indices=None if coordinates is None else flat,
        )
    except ValueError as error:
        raise document.wrong(f"{place}primitives", "faces that fit the vertices", error) from error


def _skin(document: Document, where: Place, parts: list[_Block]) -> Skin | None:
    nodes = document.items("nodes")
    if where.node is None or "skin" not in nodes[where.node]:
        return None
    index = nodes[where.node]["skin"]
    place = f"skins[{index}]"
    skin = document.item("skins", index, f"nodes[{where.node}].skin")
    listed = skin.get("joints")
    if not isinstance(listed, list) or not listed:
        raise document.wrong(f"{place}.joints", "a list of nodes", repr(listed))
    joints = tuple(document.integer(j, f"{place}.joints", below=len(nodes)) for j in listed)
    inverse = np.tile(np.eye(4), (len(joints), 1, 1))
    if "inverseBindMatrices" in skin:
        there = f"{place}.inverseBindMatrices"
        stored = document.array(skin["inverseBindMatrices"], there, "MAT4", allow="f4", count=len(joints))
        inverse = stored.reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)
    indices, weights = [], []
    width = max(0 if part.joints is None else part.joints.shape[1] for part in parts)
    for part in parts:
        if part.joints is None or part.weights is None:
            raise document.wrong(
                f"meshes[{where.mesh}]", "JOINTS_0 and WEIGHTS_0 under a skin", "vertices without"
            )
        if part.joints.max() >= len(joints):
            raise document.wrong(
                f"meshes[{where.mesh}].JOINTS_0", f"joints below {len(joints)}", part.joints.max()
            )
        padding = ((0, 0), (0, width - part.joints.shape[1]))
        indices.append(np.pad(part.joints, padding))
        weights.append(np.pad(part.weights, padding))
    return Skin(joints, inverse, np.concatenate(indices), np.concatenate(weights))


def local_matrix(document: Document, node: int) -> npt.NDArray[np.float64]:
    """Return a node's transform to its parent's space, (4, 4), acting on columns."""
    holder, place = document.items("nodes")[node], f"nodes[{node}]"
    if "matrix" in holder:
        if any(key in holder for key in ("translation", "rotation", "scale")):
            raise document.wrong(place, "a matrix or translation, rotation and scale", "both")
        matrix = document.numbers(holder["matrix"], 16, f"{place}.matrix").reshape(4, 4).T
        if (matrix[3] != (0, 0, 0, 1)).any():
            raise document.wrong(f"{place}.matrix", "0, 0, 0, 1 in its last row", matrix[3].tolist())
        return matrix
    if not any(key in holder for key in ("translation", "rotation", "scale")):
        return np.eye(4)
    parts = node_parts(document, node)
    return composed(parts["translation"], parts["rotation"], parts["scale"])


def node_parts(document: Document, node: int) -> dict[str, npt.NDArray[np.float64]]:
    """Return a node's translation (3,), rotation (4,), scalar last, and scale (3,)."""
    holder, place = document.items("nodes")[node], f"nodes[{node}]"
    parts = {
        "translation": document.numbers(holder.get("translation", [0, 0, 0]), 3, f"{place}.translation"),
        "rotation": document.numbers(holder.get("rotation", [0, 0, 0, 1]), 4, f"{place}.rotation"),
        "scale": document.numbers(holder.get("scale", [1, 1, 1]), 3, f"{place}.scale"),
    }
    length = float(np.linalg.norm(parts["rotation"]))
    if not 0.5 < length < 2:
        raise document.wrong(f"{place}.rotation", "a unit quaternion", parts["rotation"].tolist())
    return parts


def composed(translation: Array, rotation: Array, scale: Array) -> npt.NDArray[np.float64]:
    """Return translation · rotation · scale as matrices (..., 4, 4); quaternions have any length but zero."""
    x, y, z, w = np.moveaxis(rotation / np.linalg.norm(rotation, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    out = np.zeros((*np.shape(x), 4, 4))
    for i in range(3):
        for j in range(3):
            out[..., i, j] = rows[i][j] * scale[..., j]
        out[..., i, 3] = translation[..., i]
    out[..., 3, 3] = 1
    return out


def parents(document: Document) -> dict[int, int]:
    """Return each node's parent; a node with two, or above itself, is refused."""
    nodes = document.items("nodes")
    above: dict[int, int] = {}
    for index, node in enumerate(nodes):
        children = node.get("children", [])
        if not isinstance(children, list):
            raise document.wrong(f"nodes[{index}].children", "a list of nodes", repr(children))
        for child in children:
            c = document.integer(child, f"nodes[{index}].children", below=len(nodes))
            if c in above:
                raise document.wrong(f"nodes[{c}]", "one parent", f"nodes {above[c]} and {index}")
            above[c] = index
    return above


def ancestry(document: Document, node: int, above: dict[int, int], known: Container[int] = ()) -> list[int]:
    """Return a node and its ancestors, itself first, up to those that are known already."""
    chain: list[int] = []
    at: int | None = node
    while at is not None and at not in known:
        chain.append(at)
        if len(chain) > len(above) + 1:
            raise document.wrong(f"nodes[{node}]", "a tree of nodes", "a cycle")
        at = above.get(at)
    return chain
