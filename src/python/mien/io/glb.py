"""glTF 2.0 (.glb, .gltf) as a take: a mesh under its curves, in the world, as every viewer shows it.

Morph targets, transforms of all nodes above the mesh and skins are applied, at rest and animated. Lengths are metres
and y is up, as glTF says, unless `mien.write_rig` noted another unit. glTF has triangles only, and splits vertices at
the seams of textures; vertices are kept as the file has them. Takes are not written: use `mien.write_rig` with weights.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.errors import FormatError
from mien.io.gltf.document import Document, open_document
from mien.io.gltf.motion import (
    Clip,
    Timing,
    clips,
    find_timing,
    mesh_matrices,
    sample,
    settings,
    vertex_matrices,
)
from mien.io.gltf.scene import Mesh, Place, local_matrix, parents, places, read_mesh
from mien.io.registry import FileInfo, Format, Progress
from mien.values.rig import Rig
from mien.values.sequence import MeshSequence
from mien.values.shapes import SparseDelta

__all__ = ["FORMAT", "UP_Z", "Placed", "load", "placed_rig", "sampled_weights"]

Float64 = npt.NDArray[np.float64]

# What turns z up, as a rig or take has it, into glTF's y up; a quarter turn about x.
UP_Z = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
_BLOCK_BYTES = 32 << 20
_MOST_FRAMES = 10_000_000

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _quiet(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let numbers in a file overflow without warnings; what comes of that is refused as not finite."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(*args, **kwargs)

    return run


class Placed(NamedTuple):
    """A mesh that was picked from a file, the clip that moves it, and the unit and axis its points are in."""

    document: Document
    where: Place
    mesh: Mesh
    clip: Clip | None
    metres_per_unit: float
    up_axis: str
    noted: bool


def _pick(document: Document, node: str | None) -> Place:
    """Return the mesh that `node` names; by default the only one with targets, or the only one."""
    found = places(document)
    if node is not None:
        chosen = [place for place in found if place.name == node]
    else:
        chosen = [place for place in found if place.n_targets] or found
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(repr(place.name) for place in (chosen if chosen else found))
    if node is None:
        raise ValueError(f"`node` must pick one of the meshes of {document.path}: {names}")
    problem = "several meshes are called" if chosen else "got"
    raise ValueError(f"`node` must name one mesh of {document.path}: {names}; {problem} {node!r}")


def _pick_clip(document: Document, found: list[Clip], wanted: str | None, mesh: str) -> Clip | None:
    if wanted is None and len(found) <= 1:
        return found[0] if found else None
    chosen = [clip for clip in found if clip.name == wanted]
    if len(chosen) != 1:
        names = ", ".join(repr(f"{mesh}@{clip.name}") for clip in found) or "none"
        raise ValueError(f"`node` must pick one of the animations of {document.path}: {names}")
    return chosen[0]


@_quiet
def load(path: Path, node: str | None, *, animated: bool = True) -> Placed:
    """Open a file and pick a mesh by its node's name, and, if `animated`, a clip by "mesh@clip" or "@clip".

    Raises
    ------
    FormatError
        The file is not what it says.
    ValueError
        `node` names nothing, or does not decide between several.
    """
    document = open_document(path)
    mesh_name, clip_name = node, None
    if node is not None and "@" in node and all(place.name != node for place in places(document)):
        mesh_name, _, clip_name = node.rpartition("@")
    where = _pick(document, mesh_name or None)
    mesh = read_mesh(document, where)
    found = clips(document, where, mesh) if animated else []
    return _placed(document, where, mesh, _pick_clip(document, found, clip_name, where.name))


def _placed(document: Document, where: Place, mesh: Mesh, clip: Clip | None) -> Placed:
    unit, axis, noted = _noted_unit(document, where, mesh)
    return Placed(document, where, mesh, clip, unit, axis, noted)


def node_matrix(metres_per_unit: float | None, up_axis: str | None) -> Float64:
    """Return what takes points in some unit and axis to glTF's metres and y up, (4, 4)."""
    scale = np.diag([*(3 * [metres_per_unit or 1.0]), 1.0])
    return UP_Z @ scale if up_axis == "z" else scale


def _noted_unit(document: Document, where: Place, mesh: Mesh) -> tuple[float, str, bool]:
    """Return unit and axis of the points: those that our writer noted, where the node still does just that.

    The node's transform is then the unit and axis, and is not applied to the points, which stay bit for bit.
    """
    noted = settings(document, where)
    unit, axis = noted.get("metres_per_unit", 1.0), noted.get("up_axis", "y")
    good = isinstance(unit, (int, float)) and not isinstance(unit, bool) and 0 < unit < 1e9
    if where.node is None or not noted or not good or axis not in ("y", "z") or mesh.skin is not None:
        return 1.0, "y", False
    alone = where.node not in parents(document)
    same = np.allclose(local_matrix(document, where.node) / unit, node_matrix(unit, axis) / unit, atol=1e-6)
    return (float(unit), str(axis), True) if alone and same else (1.0, "y", False)


def _transformed(positions: npt.NDArray[Any], matrices: Float64) -> npt.NDArray[Any]:
    """Return positions (F, V, 3) or (1, V, 3) under affine matrices (F, 4, 4); untouched where nothing changes."""
    if (matrices == np.eye(4)).all():
        return positions
    out = np.empty((max(len(positions), len(matrices)), *positions.shape[1:]), positions.dtype)
    linear = np.ascontiguousarray(np.broadcast_to(matrices[:, :3, :3], (len(out), 3, 3)))
    offset = np.ascontiguousarray(np.broadcast_to(matrices[:, :3, 3], (len(out), 3)))
    _core.apply_rigid(positions, linear, offset, out)
    return out


def _skinned(placed: Placed, positions: npt.NDArray[Any], joints: Float64) -> npt.NDArray[Any]:
    out = np.empty((max(len(positions), len(joints)), *positions.shape[1:]))
    for f in range(len(out)):
        matrices = vertex_matrices(placed.mesh, joints[f % len(joints)])
        points = positions[f % len(positions)]
        out[f] = np.einsum("vij,vj->vi", matrices[:, :3, :3], points) + matrices[:, :3, 3]
    return out


def _in_place(placed: Placed, positions: npt.NDArray[Any], times: Float64, fps: float) -> npt.NDArray[Any]:
    """Return positions (F, V, 3) where the file's nodes put them at some times."""
    document, where, mesh, clip = placed.document, placed.where, placed.mesh, placed.clip
    if placed.noted and not (clip and any(path != "weights" for _, path in clip.channels)):
        return positions
    matrices = mesh_matrices(document, where, mesh, clip, times, fps)
    if placed.noted:
        matrices = np.linalg.inv(node_matrix(placed.metres_per_unit, placed.up_axis)) @ matrices
    if mesh.skin is not None:
        return _skinned(placed, positions, matrices)
    return _transformed(positions, matrices)


def _rest_weights(placed: Placed) -> Float64:
    """Return the weights that a file gives a mesh without animation, (K,)."""
    document, where = placed.document, placed.where
    node = {} if where.node is None else document.items("nodes")[where.node]
    for holder, place in ((node, f"nodes[{where.node}]"), (document.items("meshes")[where.mesh], "meshes")):
        if "weights" in holder:
            return document.numbers(holder["weights"], where.n_targets, f"{place}.weights")
    return np.zeros(where.n_targets)


@_quiet
def sampled_weights(placed: Placed, times: Float64, fps: float) -> Float64:
    """Return the weights of all targets at some times, (F, K)."""
    channels = {} if placed.clip is None else placed.clip.channels
    node = placed.where.node
    if node is not None and (node, "weights") in channels:
        weights = sample(channels[node, "weights"], times, fps)
        if not np.isfinite(weights).all():
            raise placed.document.wrong("animation of weights", "finite weights", "others")
        return weights
    return np.tile(_rest_weights(placed), (len(times), 1))


def _local_rig(placed: Placed, dtype: npt.DTypeLike) -> Rig:
    mesh = placed.mesh
    return Rig(mesh.topology, mesh.positions.astype(dtype), mesh.names, mesh.shapes, name=placed.where.name)


@_quiet
def placed_rig(placed: Placed) -> tuple[npt.NDArray[np.float32], list[SparseDelta]]:
    """Return neutral and shapes where the file's nodes put them at rest; shapes turn and scale with the points."""
    mesh = placed.mesh
    still = placed._replace(clip=None)
    points = mesh.positions.astype(np.float64)
    neutral = _in_place(still, points[None], np.zeros(1), 1.0)[0].astype(np.float32)
    if placed.noted:
        return mesh.positions, list(mesh.shapes)
    matrices = mesh_matrices(placed.document, placed.where, mesh, None, np.zeros(1), 1.0)
    if mesh.skin is None:
        linear = np.broadcast_to(matrices[0, :3, :3], (len(points), 3, 3))
        if (matrices == np.eye(4)).all():
            return mesh.positions, list(mesh.shapes)
    else:
        linear = vertex_matrices(mesh, matrices[0])[:, :3, :3]
    shapes = [
        SparseDelta(
            shape.vertices, np.einsum("vij,vj->vi", linear[shape.vertices], shape.offsets).astype(np.float32)
        )
        for shape in mesh.shapes
    ]
    return neutral, shapes


@_quiet
def upright(placed: Placed) -> Mesh:
    """Return the mesh with its faces turned over where the nodes mirror it, as glTF says."""
    mesh = placed.mesh
    if placed.noted or placed.where.node is None or mesh.skin is not None:
        return mesh
    still = mesh_matrices(placed.document, placed.where, mesh, None, np.zeros(1), 1.0)
    if np.linalg.det(still[0, :3, :3]) >= 0:
        return mesh
    topology = mesh.topology
    flipped = topology.face_indices.reshape(-1, 3)[:, ::-1].reshape(-1)
    uv_indices = None if topology.uvs is None else flipped
    turned = type(topology)(
        topology.face_counts, flipped, topology.n_vertices, uvs=topology.uvs, uv_indices=uv_indices
    )
    return dataclasses.replace(mesh, topology=turned)


def _blocks(first: int, last: int, frame_bytes: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_BYTES // max(frame_bytes, 1))
    return ((at, min(at + step, last)) for at in range(first, last, step))


@_quiet
def read(
    path: Path,
    *,
    frames: tuple[int, int] | None,
    node: str | None,
    progress: Progress | None,
    fps: float | None = None,
) -> MeshSequence:
    """Read a take; see `mien.read`. `node` is a mesh, "mesh@clip", or "@clip"."""
    placed = load(path, node)
    timing = find_timing(placed.document, placed.where, placed.clip, fps)
    if timing.n_frames > _MOST_FRAMES:
        raise placed.document.wrong("animations", f"at most {_MOST_FRAMES} frames", timing.n_frames)
    first, last = (
        (0, timing.n_frames) if frames is None else _validate.frame_range("frames", frames, timing.n_frames)
    )
    mesh = upright(placed)
    frame_bytes = mesh.positions.nbytes
    placed.document.claim(
        f"{last - first} frames of {len(mesh.positions)} vertices", (last - first) * frame_bytes // 64
    )
    rig = _local_rig(placed, np.float64)
    out = np.empty((last - first, *mesh.positions.shape), np.float32)
    for begin, end in _blocks(first, last, 2 * frame_bytes):
        times = timing.times(begin, end)
        local = rig.evaluate(sampled_weights(placed, times, timing.fps)).positions
        out[begin - first : end - first] = _in_place(placed, local, times, timing.fps)
        if progress is not None:
            progress(end - first, last - first)
    return MeshSequence(
        mesh.topology,
        out,
        fps=timing.fps,
        start_frame=timing.start_frame + first,
        metres_per_unit=placed.metres_per_unit,
        up_axis=placed.up_axis,
        name=placed.where.name,
    )


@_quiet
def info(path: Path) -> FileInfo:
    """Read the structure; see `mien.file_info`. Of several meshes and clips the first counts."""
    document = open_document(path)
    found = places(document)
    where = next((place for place in found if place.n_targets), found[0])
    mesh = read_mesh(document, where, with_shapes=False)
    placed = _placed(document, where, mesh, next(iter(clips(document, where, mesh)), None))
    timing: Timing | None = None
    try:
        timing = find_timing(placed.document, placed.where, placed.clip, None)
    except FormatError:  # uneven times: the rate is the reader's to choose
        keys = max(len(channel.times) for channel in placed.clip.channels.values()) if placed.clip else 1
    return FileInfo(
        keys if timing is None else timing.n_frames,
        len(mesh.positions),
        mesh.topology.n_faces,
        None if timing is None or placed.clip is None else timing.fps,
        0 if timing is None else timing.start_frame,
        placed.metres_per_unit,
        placed.up_axis,
        tuple(place.name for place in found),
        mesh.topology.uvs is not None,
    )


FORMAT = Format(
    name="gltf",
    suffixes=(".glb", ".gltf"),
    holds=frozenset({"uvs", "fps", "start_frame", "metres_per_unit", "up_axis", "name"}),
    read=read,
    write=None,
    info=info,
    magic=(b"glTF",),
    uneven_times=True,
    write_instead="mien.write_rig, with a rig and its weights",
)
