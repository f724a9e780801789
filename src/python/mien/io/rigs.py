"""Rigs in files: glTF with morph targets, and NumPy archives, the package's own and those of others."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien._archive import load_npz
from mien._atomic import atomic_path
from mien.errors import FormatError
from mien.io import glb
from mien.io.gltf.motion import find_timing
from mien.io.gltf.writing import corner_uvs, write_glb
from mien.io.registry import WriteReport
from mien.values.rig import Rig
from mien.values.shapes import Corrective, SparseDelta
from mien.values.topology import Topology

__all__ = ["RigCurves", "read_curves", "read_rig", "write_rig"]

Array = npt.NDArray[Any]

_GLTF = (".glb", ".gltf")
_QUARTER_TURN = 0.5**0.5

# Keys that archives of others use: neutral, names, deltas, faces, texture coordinates and their indices.
_NEUTRAL = ("neutral", "vertices")
_NAMES = ("expression_names", "target_names", "names")
_DELTAS = ("expression_deltas", "target_deltas", "deltas")
_FACES = ("polygons", "triangles")


class RigCurves(NamedTuple):
    """Weights that a file holds for its rig.

    Attributes
    ----------
    names : tuple of str
        Names of the K shapes.
    weights : (F, K) float64
        One row a frame.
    fps : float
        Frames per second.
    start_frame : int
        Number of the first frame in the shot.
    """

    names: tuple[str, ...]
    weights: npt.NDArray[np.float64]
    fps: float
    start_frame: int


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (*_GLTF, ".npz"):
        raise ValueError(f"{path}: expected a rig ending in .glb, .gltf or .npz; got the suffix {suffix!r}")
    return suffix


def read_rig(path: str | PathLike[str], *, node: str | None = None) -> Rig:
    """Read a rig.

    Parameters
    ----------
    path : path
        A .glb or .gltf file with morph targets, an .npz file of `write_rig`, or an .npz file of others with
        ``neutral`` or ``vertices`` (V, 3), ``expression_names`` or ``target_names`` (K,), ``expression_deltas`` or
        ``target_deltas`` (K, V, 3), ``polygons`` or ``triangles`` (-1 pads), and perhaps ``uv`` and ``polygon_uv``.
    node : str, optional
        Which mesh, for glTF files with several; by default the only one with targets.

    Returns
    -------
    Rig
        From glTF: in metres, y up, with the transforms of all nodes above the mesh, and its skin, applied as they
        stand at rest, to the shapes as well; animation is left out (see `read_curves`). Vertices are those of the
        file, one primitive after the other; primitives that share their vertices share them here. Targets without
        names are called "target0" and so on. A rig written by `write_rig` comes back in its own unit and axis, with
        its correctives.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FormatError
        The file is not what it says, or needs an extension that is not supported (Draco, meshopt).
    ValueError
        The suffix or the node is unknown, or the node does not decide between several meshes.
    """
    where = Path(path)
    suffix = _suffix(where)
    if suffix == ".npz":
        if node is not None:
            raise ValueError(f"`node` must be left out for {where}, which holds one rig, got {node!r}")
        return _read_archive(where)
    placed = glb.load(where, node, animated=False)
    neutral, shapes = glb.placed_rig(placed)
    mesh = glb.upright(placed)
    shapes, names, correctives = _split_correctives(placed, shapes)
    try:
        return Rig(
            mesh.topology,
            neutral,
            names,
            shapes,
            correctives,
            metres_per_unit=placed.metres_per_unit,
            up_axis=placed.up_axis,
            name=placed.where.name,
        )
    except ValueError as error:  # what overflows when it is transformed
        raise FormatError(f"{where}: expected a rig; found that {error}") from error


def _split_correctives(
    placed: glb.Placed, shapes: list[SparseDelta]
) -> tuple[list[SparseDelta], tuple[str, ...], list[Corrective]]:
    """Tell shapes from correctives, which our writer put behind them and noted."""
    mesh = placed.mesh
    noted = mesh.extras.get("mien")
    listed = noted.get("correctives") if isinstance(noted, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= len(shapes):
        return shapes, mesh.names, []
    n_plain = len(shapes) - len(listed)
    names, correctives = mesh.names[:n_plain], []
    for note, shape in zip(listed, shapes[n_plain:], strict=True):
        drivers = note.get("drivers") if isinstance(note, dict) else None
        name = note.get("name") if isinstance(note, dict) else None
        known = isinstance(drivers, list) and drivers and all(driver in names for driver in drivers)
        if not known or not isinstance(drivers, list) or not isinstance(name, str):
            raise placed.document.wrong(
                "extras of the mesh", "correctives with a name and drivers of the mesh", repr(note)
            )
        correctives.append(Corrective(name, drivers, shape))
    return shapes[:n_plain], names, correctives


def read_curves(path: str | PathLike[str], *, node: str | None = None, fps: float | None = None) -> RigCurves:
    """Read the weights that a glTF file animates its morph targets with.

    Parameters
    ----------
    path : path
        A .glb or .gltf file.
    node : str, optional
        Which mesh; "mesh@clip" or "@clip" picks one of several animations.
    fps : float, optional
        The rate to sample at; needed when the keys lie at uneven times.

    Returns
    -------
    RigCurves
        One frame of resting weights where nothing is animated. Correctives of `write_rig` are left out.

    Raises
    ------
    ValueError
        The path ends otherwise, there is no such node or clip, or `fps` is needed.
    FormatError
        The file is not glTF.
    """
    where = Path(path)
    if _suffix(where) == ".npz":
        raise ValueError(f"{where}: expected a .glb or .gltf file, since .npz rigs hold no curves")
    rate = None if fps is None else _validate.number("fps", fps, above=0)
    placed = glb.load(where, node)
    timing = find_timing(placed.document, placed.where, placed.clip, rate)
    weights = glb.sampled_weights(placed, timing.times(0, timing.n_frames), timing.fps)
    _, names, _ = _split_correctives(placed, list(placed.mesh.shapes))
    return RigCurves(names, np.ascontiguousarray(weights[:, : len(names)]), timing.fps, timing.start_frame)


def _first(parts: dict[str, Array], keys: tuple[str, ...], path: Path) -> Array:
    for key in keys:
        if key in parts:
            return parts[key]
    found = ", ".join(sorted(parts)) or "none"
    raise FormatError(f"{path}: arrays: expected {' or '.join(keys)}; found {found}")


def _read_archive(path: Path) -> Rig:
    parts = load_npz(path, "a rig", ())
    if "kind" in parts:
        return Rig.load(path)
    neutral, names = _first(parts, _NEUTRAL, path), _first(parts, _NAMES, path)
    deltas, polygons = _first(parts, _DELTAS, path), _first(parts, _FACES, path)
    try:
        topology = Topology.from_polygons(polygons, len(neutral))
        if "uv" in parts:
            indices = parts.get("polygon_uv")
            corners = topology.face_indices if indices is None else indices[indices >= 0]
            topology = Topology(
                topology.face_counts, topology.face_indices, len(neutral), uvs=parts["uv"], uv_indices=corners
            )
        return Rig(topology, neutral, [str(name) for name in names], deltas, name=path.stem)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{path}: expected a rig; found that {error}") from error


def write_rig(
    path: str | PathLike[str],
    rig: Rig,
    weights: npt.ArrayLike | None = None,
    *,
    fps: float = 24.0,
    start_frame: int = 0,
) -> WriteReport:
    """Write a rig, for glTF with a take of it; the file appears whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .glb or .npz.
    rig : Rig
        What to write.
    weights : (F, K) floats, or a mapping of names to curves, optional
        Curves that animate the rig; .glb only.
    fps, start_frame : float, int
        When the weights apply.

    Returns
    -------
    WriteReport
        ``.not_kept`` says in sentences what the format cannot hold.

    Raises
    ------
    TypeError, ValueError
        The path ends otherwise, `rig` is none or has no vertex, or `weights` do not fit it.

    Notes
    -----
    glTF knows metres with y up. Points are written bit for bit in the rig's own unit and axis, and the node carries
    the scale and turn, so that other programs show the right size and `read_rig` gives the rig back.
    """
    where = Path(path)
    _validate.instance("rig", rig, Rig, "a Rig")
    suffix = _suffix(where)
    if suffix == ".gltf":
        raise ValueError(f"{where}: expected a rig ending in .glb or .npz; .gltf is read but not written")
    if suffix == ".npz":
        if weights is not None:
            raise ValueError(f"`weights` must be left out for {where}: .npz rigs hold no curves")
        rig.save(where)
        return WriteReport(where, 0, ())
    if rig.n_vertices == 0:
        raise ValueError("`rig` must have at least one vertex for glTF, got none")
    rate = _validate.number("fps", fps, above=0)
    first = _validate.index("start_frame", start_frame)
    table = None if weights is None else rig.driven_weights(weights)
    if table is not None and (len(table) == 0 or table.shape[1] == 0):
        raise ValueError(f"`weights` must have at least one frame and one shape, got {table.shape}")
    noted: dict[str, Any] = {"metres_per_unit": rig.metres_per_unit or 1.0, "up_axis": rig.up_axis or "y"}
    node: dict[str, Any] = {}
    if rig.metres_per_unit not in (None, 1.0):
        node["scale"] = [rig.metres_per_unit] * 3
    if rig.up_axis == "z":
        node["rotation"] = [-_QUARTER_TURN, 0.0, 0.0, _QUARTER_TURN]
    if table is not None:
        noted |= {"fps": rate, "frame_offset": min(first, 0)}
    with atomic_path(where) as temporary:
        write_glb(temporary, rig, table, rate, first, node, noted)
    return WriteReport(where, 0 if table is None else len(table), tuple(_not_kept(rig)))


def _not_kept(rig: Rig) -> list[str]:
    topology, lost = rig.topology, []
    larger = int((topology.face_counts > 3).sum())
    if larger:
        lost.append(f"polygons: glTF holds triangles; {larger} faces with more corners are written as fans")
    if topology.uvs is not None and corner_uvs(topology) is None:
        lost.append(
            "uvs: glTF holds one texture coordinate a vertex; those of this topology have seams and are not kept"
        )
    if rig.neutral.dtype == np.float64:
        lost.append("float64: glTF holds float32; positions and shapes are rounded to it")
    if rig.correctives:
        lost.append(
            f"correctives: glTF drives no shape by others; {len(rig.correctives)} are written as targets that move in "
            "this file's animation, and act by themselves only when mien reads it"
        )
    for what, value, taken in (("unit", rig.metres_per_unit, "metres"), ("axis", rig.up_axis, "y up")):
        if value is None:
            lost.append(f"{what}: glTF always has one; {taken} is assumed, since the rig does not say")
    return lost
