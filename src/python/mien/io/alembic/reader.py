"""Read a take out of an Alembic archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.io.alembic.archive import Archive, Node
from mien.io.alembic.mesh import MeshProperties, mesh_properties, read_points, read_topology
from mien.io.alembic.properties import array_blocks
from mien.io.alembic.times import FrameRate, TimeSampling, frame_rate
from mien.io.alembic.xform import Transform, transforms_above, world_matrices
from mien.io.registry import FileInfo, Progress
from mien.values.sequence import MeshSequence

__all__ = ["info", "read"]

Float64 = npt.NDArray[np.float64]

BLOCK = 32  # frames between two reports of progress


class _Timeline(NamedTuple):
    """Which frames a mesh has: those of its points or, where they never change, of the transforms above it."""

    place: str
    n_frames: int
    sampling: TimeSampling
    rate: FrameRate


def _timeline(
    archive: Archive, mesh: MeshProperties, transforms: list[Transform], fps: float | None
) -> _Timeline:
    place, n, sampling = mesh.points.place, mesh.points.n_samples, archive.sampling(mesh.points)
    moving = max(transforms, key=lambda t: t.n_samples, default=None)
    still = mesh.points.n_stored == 1
    if still and moving is not None and moving.header is not None and moving.n_samples > max(n, 1):
        place, n, sampling = moving.header.place, moving.n_samples, moving.sampling
    return _Timeline(place, n, sampling, frame_rate(sampling, n, archive.named_fps, fps))


def _open(
    path: Path, node: str | None, fps: float | None
) -> tuple[Archive, Node, MeshProperties, list[Transform], _Timeline]:
    archive = Archive(path)
    found = archive.find(node)
    mesh = mesh_properties(archive, found)
    transforms = transforms_above(archive, found)
    return archive, found, mesh, transforms, _timeline(archive, mesh, transforms, fps)


def read(
    path: Path,
    *,
    frames: tuple[int, int] | None = None,
    node: str | None = None,
    fps: float | None = None,
    progress: Progress | None = None,
) -> MeshSequence:
    """Read one polygon mesh with its points over time.

    Parameters
    ----------
    path : Path
        An Ogawa archive.
    frames : (start, stop), optional
        Half-open, zero-based range of frames.
    node : str, optional
        Path or name of the mesh, or of a transform above it; needed where there are several.
    fps : float, optional
        Frames per second instead of the file's; needed where its times are not evenly spaced.
    progress : callable, optional
        Called with frames done and frames in all.

    Returns
    -------
    MeshSequence
        Positions (F, V, 3) of the file's precision (float16 becomes float32) in the archive's world: transforms above
        the mesh have been applied. They stay in the file, mapped into memory, where nothing had to be done to them.

    Raises
    ------
    FormatError
        The file is no Ogawa archive, is damaged, or holds what a take cannot.
    ValueError
        `frames` are not in the file.
    """
    if fps is not None:
        fps = _validate.number("fps", fps, above=0)
    archive, found, mesh, transforms, line = _open(path, node, fps)
    if line.rate.expected and fps is None:
        raise archive.file.error(f"{line.place}, times", line.rate.expected, line.rate.found)
    start, stop = (
        (0, line.n_frames) if frames is None else _validate.frame_range("frames", frames, line.n_frames)
    )
    times = line.sampling.at(line.n_frames)
    matrices = np.eye(4)[None]
    if transforms and any((t.values != np.eye(4)).any() for t in transforms):
        if times is None:
            raise archive.file.error(
                f"{line.place}, times", f"{line.n_frames} times", len(line.sampling.times)
            )
        matrices = world_matrices(transforms, times[start:stop], 1 / line.rate.fps)
    with np.errstate(all="ignore"):
        mirrored = bool(np.linalg.det(matrices[0, :3, :3]) < 0)
    topology = read_topology(archive, mesh, mirrored=mirrored)
    still = bool((matrices == np.eye(4)).all())
    points = read_points(archive, mesh, start, stop, progress if still else None)
    return MeshSequence(
        topology,
        points if still else _transformed(points, matrices, progress),
        fps=fps or line.rate.fps,
        start_frame=line.rate.start_frame + start,
        name=found.take_name,
    )


def _transformed(points: npt.NDArray[Any], matrices: Float64, progress: Progress | None) -> npt.NDArray[Any]:
    """Return points moved by the matrices, computed in float64 and rounded once; identities leave every bit."""
    n = len(points)
    if len(matrices) == 1 and points.strides[0] == 0:  # one frame seen n times stays one
        return np.broadcast_to(_transformed(points[:1].copy(), matrices, progress), points.shape)
    matrices = np.broadcast_to(matrices, (n, 4, 4))
    # The kernel of rigid motions takes any linear part; it acts on columns, Alembic's matrices on rows.
    linear = np.ascontiguousarray(matrices[:, :3, :3].transpose(0, 2, 1))
    offset = np.ascontiguousarray(matrices[:, 3, :3])
    out = np.empty(points.shape, points.dtype)
    for f in range(0, n, BLOCK):
        block = slice(f, min(f + BLOCK, n))
        if out.size:
            _core.apply_rigid(points[block], linear[block], offset[block], out[block])
        if progress is not None:
            progress(block.stop, n)
    identity = (matrices == np.eye(4)).all(axis=(1, 2))
    out[identity] = points[identity]
    return out


def info(path: Path, node: str | None = None) -> FileInfo:
    """Return what an archive says about its mesh, the first one where there are several, without reading points.

    Raises
    ------
    FormatError
        The file is no Ogawa archive, is damaged, or holds no mesh.
    """
    archive = Archive(path)
    found = archive.meshes[0] if node is None and archive.meshes else archive.find(node)
    mesh = mesh_properties(archive, found)
    line = _timeline(archive, mesh, transforms_above(archive, found), None)
    _, counts = array_blocks(archive.file, mesh.face_counts, 0, 1)
    known = not line.rate.expected
    return FileInfo(
        n_frames=line.n_frames,
        n_vertices=mesh.n_vertices,
        n_faces=int(counts[0]),
        fps=line.rate.fps if known else None,
        start_frame=line.rate.start_frame,
        metres_per_unit=None,
        up_axis=None,
        nodes=tuple(str(mesh) for mesh in archive.meshes),
        has_uvs=mesh.uv is not None,
    )
