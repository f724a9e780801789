"""Which formats there are, and the doors to all of them: `read`, `write` and `file_info`.

A format is one module with a constant ``FORMAT``. Third parties add one through the entry-point group
``mien.formats``; the entry point's name is the suffix without its dot (docs/formats.md shows how).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien import _core, _validate
from mien._atomic import atomic_path
from mien.errors import FormatError
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FileInfo", "Format", "Progress", "WriteReport", "file_info", "formats", "read", "write"]

Progress = Callable[[int, int], None]

ENTRY_POINT_GROUP = "mien.formats"

# Suffix -> module with the constant FORMAT. Built-in formats win over plug-ins with the same suffix.
_BUILT_IN: dict[str, str] = {
    ".abc": "mien.io.alembic",
    ".npz": "mien.io.npz",
    ".npy": "mien.io.npy",
    ".obj": "mien.io.obj",
    ".ply": "mien.io.ply",
    ".pc2": "mien.io.pc2",
    ".mdd": "mien.io.mdd",
    ".usd": "mien.io.usd",
    ".usdc": "mien.io.usd",
    ".usda": "mien.io.usd",
    ".glb": "mien.io.glb",
    ".gltf": "mien.io.glb",
}


class FileInfo(NamedTuple):
    """What a file says about itself, found without reading positions.

    Attributes
    ----------
    n_frames, n_vertices, n_faces : int
        Sizes; zero faces where the format holds no polygons.
    fps : float or None
        Frames per second; None when the file does not say.
    start_frame : int
        Number of the first frame in the shot.
    metres_per_unit : float or None
        Length of a scene unit; None when the file does not say.
    up_axis : {"y", "z"} or None
        Which way is up; None when the file does not say.
    nodes : tuple of str
        Names or paths of the meshes in the file, those that ``read(path, node=...)`` takes.
    has_uvs : bool
        Whether there are texture coordinates.
    format : str
        The format's name; filled in by `file_info`.
    """

    n_frames: int
    n_vertices: int
    n_faces: int
    fps: float | None
    start_frame: int
    metres_per_unit: float | None
    up_axis: str | None
    nodes: tuple[str, ...]
    has_uvs: bool
    format: str = ""


class WriteReport(NamedTuple):
    """What was written, and one sentence for everything about the take that the file does not hold."""

    path: Path
    n_frames: int
    not_kept: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Format:
    """How one file format is read and written.

    Attributes
    ----------
    name : str
        Such as "alembic".
    suffixes : tuple of str
        Lower case, with the dot; the first one is the usual one.
    holds : frozenset of str
        Which of "polygons", "uvs", "fps", "start_frame", "metres_per_unit", "up_axis", "name" and "float64" survive
        writing and reading. `write` reports the others.
    read : callable or None
        ``read(path, *, frames, node, progress) -> MeshSequence``. `frames` is a half-open, zero-based pair or None,
        still to be checked against the file; `node` picks one of several meshes by name. A format without polygons
        gives a topology without faces.
    write : callable or None
        ``write(path, take, *, progress) -> tuple of str``: further sentences about what was not kept. `path` is a
        temporary file with the right suffix that is renamed afterwards.
    info : callable or None
        ``info(path) -> FileInfo``, without reading positions.
    multiple_files : bool
        A frame a file: `path` is a pattern or folder, and `write` itself makes all files appear or none.
    magic : tuple of bytes
        What files start with, where there is such a thing; finds out files with the wrong suffix.
    uneven_times : bool
        `read` takes ``fps=`` as well, for files whose samples are not evenly spaced in time.
    write_instead : str
        What to use where there is no `write`, for the message.
    """

    name: str
    suffixes: tuple[str, ...]
    holds: frozenset[str]
    read: Callable[..., MeshSequence] | None = None
    write: Callable[..., tuple[str, ...]] | None = None
    info: Callable[[Path], FileInfo] | None = None
    multiple_files: bool = False
    magic: tuple[bytes, ...] = ()
    uneven_times: bool = False
    write_instead: str = ""


@functools.cache
def _built_in(module: str) -> Format:
    found: Format = importlib.import_module(module).FORMAT
    return found


def _plug_ins() -> dict[str, importlib.metadata.EntryPoint]:
    """Return the entry points of third parties by suffix; nothing of theirs is imported."""
    found = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    return {"." + point.name.lower().removeprefix("."): point for point in found}


def _load(point: importlib.metadata.EntryPoint) -> Format:
    origin = f"the plug-in for .{point.name} ({point.value}, entry point of {ENTRY_POINT_GROUP})"
    try:
        loaded = point.load()
    except Exception as error:  # foreign code may fail in any way; the user must learn whose it is
        raise ImportError(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(loaded, Format):
        raise TypeError(f"{origin} must be a mien.io.registry.Format, got {type(loaded).__name__}")
    return loaded


def formats() -> tuple[Format, ...]:
    """Return every format: the built-in ones, then those of plug-ins that can be loaded."""
    found = [_built_in(module) for module in dict.fromkeys(_BUILT_IN.values())]
    for suffix, point in _plug_ins().items():
        if suffix in _BUILT_IN:
            continue
        try:
            loaded = _load(point)
        except (ImportError, TypeError):
            continue  # said when its suffix is asked for
        if loaded not in found:
            found.append(loaded)
    return tuple(found)


def _format_of(path: Path) -> Format:
    suffix = path.suffix.lower()
    if suffix in _BUILT_IN:
        return _built_in(_BUILT_IN[suffix])
    plug_ins = _plug_ins()
    if suffix in plug_ins:
        return _load(plug_ins[suffix])
    known = ", ".join(sorted({*_BUILT_IN, *plug_ins}))
    ending = f"the suffix {path.suffix!r}" if suffix else "no suffix"
    raise ValueError(f"{path}: expected a file ending in one of {known}; got {ending}")


def _format_of_folder(path: Path) -> Format:
    """Find the format whose files, one a frame, fill a folder."""
    inside = {name.suffix.lower() for name in path.iterdir()}
    found = [fmt for fmt in formats() if fmt.multiple_files and inside & set(fmt.suffixes)]
    if len(found) != 1:
        wanted = ", ".join(suffix for fmt in formats() if fmt.multiple_files for suffix in fmt.suffixes)
        several = ", ".join(fmt.name for fmt in found)
        raise FormatError(
            f"{path}: expected a folder with files of one of {wanted}; found {several or 'none'}"
        )
    return found[0]


def _format_to_read(path: Path) -> Format:
    """Find the format by suffix, and refuse a file whose first bytes say that it is another one."""
    if path.is_dir():
        return _format_of_folder(path)
    fmt = _format_of(path)
    if not path.is_file():
        if fmt.multiple_files and ("#" in path.name or "%" in path.name):
            return fmt
        raise FileNotFoundError(f"{path}: there is no such file")
    with open(path, "rb") as file:
        start = file.read(32)
    if not start:
        raise FormatError(f"{path}: expected a file of format {fmt.name}; found an empty file")
    if not start.startswith(fmt.magic):
        for other in formats():
            if other is not fmt and other.magic and start.startswith(other.magic):
                raise FormatError(
                    f"{path}: expected a file of format {fmt.name}, as its suffix says; found one of format "
                    f"{other.name}, which should end in {' or '.join(other.suffixes)}"
                )
    return fmt


def _refuse_non_finite(path: Path, take: MeshSequence, missing: bool) -> None:
    """Raise a FormatError for NaN or infinite positions; `missing` allows vertices that are NaN throughout."""
    first = _core.first_non_finite(take.positions)
    if first is None:
        return
    frame, vertex = first
    if missing:
        for f in range(first[0], len(take)):
            frame, points = f, take.positions[f]
            finite = np.isfinite(points)
            bad = ~(finite.all(axis=1) | np.isnan(points).all(axis=1))
            if bad.any():
                vertex = int(np.argmax(bad))
                break
        else:
            return
    expected = "finite positions, or NaN in all three coordinates" if missing else "finite positions"
    hint = "" if missing else "; missing=True lets vertices through that are missing in a frame"
    raise FormatError(
        f"{path}: frame {frame} (number {take.start_frame + frame} in the shot), vertex {vertex}: expected "
        f"{expected}, found {tuple(take.positions[frame, vertex].tolist())}{hint}"
    )


def _with_topology(path: Path, take: MeshSequence, given: Topology | MeshSequence) -> MeshSequence:
    topology = given.topology if isinstance(given, MeshSequence) else given
    _validate.instance("topology", topology, Topology, "a Topology or a MeshSequence")
    if topology.n_vertices != take.n_vertices:
        raise ValueError(
            f"`topology` must have the {take.n_vertices} vertices of {path}, got {topology.n_vertices}"
        )
    if take.topology.n_faces and take.topology != topology:
        raise ValueError(f"`topology` must be given only for files without polygons; {path} has other ones")
    return dataclasses.replace(take, topology=topology)


def read(
    path: str | PathLike[str],
    *,
    frames: tuple[int, int] | None = None,
    node: str | None = None,
    topology: Topology | MeshSequence | None = None,
    fps: float | None = None,
    missing: bool = False,
    progress: Progress | None = None,
) -> MeshSequence:
    """Read a take.

    Parameters
    ----------
    path : path
        A file, or for formats with a file a frame a pattern (``shot.####.obj``, ``shot.%04d.obj``) or a folder.
    frames : (int, int), optional
        Half-open, zero-based range of frames to read; all by default.
    node : str, optional
        Which mesh, for files with several.
    topology : Topology or MeshSequence, optional
        Polygons for formats that hold none (PC2, MDD, NPY). Without it the take has no faces.
    fps : float, optional
        Overrides the file's rate; needed for files whose times are uneven.
    missing : bool
        Allow vertices that are missing (NaN in all three coordinates).
    progress : callable, optional
        Called with (frames done, frames in all).

    Returns
    -------
    MeshSequence
        In scene units, with rate, unit, axis and first frame as the file has them. Positions are a memory map where
        the format allows it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FormatError
        The file is not what it says, or holds positions that are not finite.
    ValueError
        The suffix, a frame range or a node is unknown.
    """
    where = Path(path)
    rate = None if fps is None else _validate.number("fps", fps, above=0)
    fmt = _format_to_read(where)
    if fmt.read is None:
        raise ValueError(f"{where}: the format {fmt.name} can be written but not read")
    extra: dict[str, Any] = {"fps": rate} if fmt.uneven_times else {}
    take = fmt.read(where, frames=frames, node=node, progress=progress, **extra)
    _refuse_non_finite(where, take, missing)
    if topology is not None:
        take = _with_topology(where, take, topology)
    return take if rate is None else dataclasses.replace(take, fps=rate)


def file_info(path: str | PathLike[str]) -> FileInfo:
    """Return what a file says about itself, without reading positions.

    Parameters
    ----------
    path : path
        As for `read`, which also says what is raised.

    Returns
    -------
    FileInfo
    """
    where = Path(path)
    fmt = _format_to_read(where)
    if fmt.info is None:
        raise ValueError(f"{where}: the format {fmt.name} cannot tell about a file without reading it")
    return fmt.info(where)._replace(format=fmt.name)


def _not_kept(fmt: Format, take: MeshSequence) -> list[str]:
    """Say what of the take differs from what reading the file back will give."""
    name, topology = fmt.name, take.topology
    lost = {
        "polygons": topology.n_faces > 0
        and f"polygons: {name} holds none; give topology= when reading to get the {topology.n_faces} faces back",
        "uvs": topology.uvs is not None
        and f"uvs: {name} holds none; {len(topology.uvs)} texture coordinates are not kept",
        "fps": take.fps != 24 and f"fps: {name} holds no rate; {take.fps:g} is not kept",
        "start_frame": take.start_frame != 0
        and f"start_frame: {name} holds no frame numbers; {take.start_frame} is not kept",
        "metres_per_unit": take.metres_per_unit is not None
        and f"metres_per_unit: {name} holds no unit; {take.metres_per_unit:g} is not kept",
        "up_axis": take.up_axis is not None
        and f"up_axis: {name} holds no axis; {take.up_axis!r} is not kept",
        "name": take.name != "take" and f"name: {name} holds no names; {take.name!r} is not kept",
        "float64": take.positions.dtype == np.float64
        and f"float64: {name} holds float32; positions are rounded to it",
    }
    return [
        sentence for what, sentence in lost.items() if what not in fmt.holds and isinstance(sentence, str)
    ]


def write(path: str | PathLike[str], take: MeshSequence, *, progress: Progress | None = None) -> WriteReport:
    """Write a take; the file appears whole or not at all.

    Parameters
    ----------
    path : path
        Its suffix chooses the format. For formats with a file a frame a pattern, such as ``shot.####.obj``.
    take : MeshSequence
        What to write.
    progress : callable, optional
        Called with (frames done, frames in all).

    Returns
    -------
    WriteReport
        ``.path``, ``.n_frames`` and ``.not_kept``: sentences about what the format cannot hold.

    Raises
    ------
    FileNotFoundError
        The folder does not exist.
    ValueError
        The suffix is unknown, or the take cannot be written in that format at all.
    """
    where = Path(path)
    _validate.instance("take", take, MeshSequence, "a MeshSequence")
    if len(take) == 0:
        raise ValueError("`take` must have at least one frame, got none")
    fmt = _format_of(where)
    if fmt.write is None:
        hint = f"; use {fmt.write_instead}" if fmt.write_instead else ""
        raise ValueError(f"{where}: takes of the format {fmt.name} can be read but not written{hint}")
    if where.is_dir():
        raise IsADirectoryError(f"{where}: expected the name of a file; found a folder")
    lost = _not_kept(fmt, take)
    if fmt.multiple_files:
        lost += fmt.write(where, take, progress=progress)
    else:
        with atomic_path(where) as temporary:
            lost += fmt.write(temporary, take, progress=progress)
    return WriteReport(where, len(take), tuple(lost))
