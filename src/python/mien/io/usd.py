"""USD through its own library (extra `usd`): a mesh with points over time.

Points are read in the stage's space: the transforms above a mesh are applied, in float64, and an identity leaves every
bit. Rate, unit and axis are the stage's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.errors import FormatError
from mien.io._input import Progress, checked_topology, frame_window, wrong
from mien.io._usd_crate import check_crate
from mien.io.registry import FileInfo, Format
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["FORMAT"]


class _Library(NamedTuple):
    """The modules of USD that are used, imported when they are."""

    gf: Any
    sdf: Any
    tf: Any
    usd: Any
    geom: Any
    utils: Any
    vt: Any


def _library() -> _Library:
    try:
        from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdUtils, Vt
    except ImportError as error:
        raise ImportError('USD files need the extra `usd`: pip install "mien[usd]"') from error
    return _Library(Gf, Sdf, Tf, Usd, UsdGeom, UsdUtils, Vt)


def _reason(error: Exception) -> str:
    """Return what USD says about an error, without where in its sources; it may quote bytes that are not text."""
    for part in error.args:
        with contextlib.suppress(AttributeError, UnicodeDecodeError):
            if lines := str(part.commentary).strip().splitlines():
                return lines[0]
    return "USD cannot read it"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[_Library, Any]]:
    """Open a stage; what USD complains about becomes our error, and its warnings are kept off the terminal."""
    library = _library()
    check_crate(path)
    quiet = library.utils.CoalescingDiagnosticDelegate()
    try:
        # An anonymous copy would lose the folder that references start from; a reload sees a file written since.
        layer = library.sdf.Layer.FindOrOpen(str(path))
        if layer is None:
            raise FormatError(f"{path}: expected a USD file; found one that USD cannot open")
        layer.Reload()
        yield library, library.usd.Stage.Open(layer)
    except library.tf.ErrorException as error:
        raise FormatError(f"{path}: expected an intact USD file; found that {_reason(error)}") from error
    finally:
        del quiet


def _meshes(library: _Library, stage: Any) -> list[Any]:
    prims = stage.Traverse(library.usd.TraverseInstanceProxies())
    return [prim for prim in prims if prim.IsA(library.geom.Mesh)]


def _name(prim: Any) -> str:
    return str(prim.GetDisplayName() or prim.GetName())


def _mesh(path: Path, library: _Library, stage: Any, node: str | None) -> Any:
    """Find the mesh: the only one, or the one whose path or name is `node`."""
    meshes = _meshes(library, stage)
    if not meshes:
        raise wrong(path, "stage", "a Mesh", "none")
    paths = [str(prim.GetPath()) for prim in meshes]
    fitting = [
        prim
        for prim, place in zip(meshes, paths, strict=True)
        if node is None or node in (place, prim.GetName(), _name(prim))
    ]
    if len(fitting) != 1:
        raise ValueError(f"`node` must name one of the meshes of {path}: {', '.join(paths)}; got {node!r}")
    return fitting[0]


def _moving_above(library: _Library, prim: Any) -> list[float]:
    """Return the times at which a transform of the mesh or above it has a sample."""
    times: set[float] = set()
    while prim and prim.GetPath() != library.sdf.Path.absoluteRootPath:
        transform = library.geom.Xformable(prim)
        if transform:
            times.update(transform.GetTimeSamples())
            if transform.GetResetXformStack():
                break
        prim = prim.GetParent()
    return sorted(times)


class _Timing(NamedTuple):
    codes: list[Any]  # USD time codes, one a frame
    fps: float | None  # None where the codes are not evenly spaced
    start_frame: int


def _timing(library: _Library, stage: Any, prim: Any) -> _Timing:
    """Return when to sample, from the points' samples or else those of the transforms."""
    points = library.geom.Mesh(prim).GetPointsAttr().GetTimeSamples()
    times = points if len(points) > 1 else _moving_above(library, prim) or points
    per_second = float(stage.GetTimeCodesPerSecond())
    if not times:
        return _Timing([library.usd.TimeCode.Default()], per_second, 0)
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 1.0
    expected = times[0] + step * np.arange(len(times))
    # Where samples lie closer than time codes, frames are counted in samples.
    start = times[0] / min(step, 1.0)
    even = (
        np.allclose(times, expected, rtol=0, atol=1e-6 * max(step, 1e-3)) and abs(start - round(start)) < 1e-3
    )
    codes = [library.usd.TimeCode(time) for time in times]
    return _Timing(codes, per_second / step if even else None, round(start))


def _flip(counts: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reverse the corners of every face."""
    ends = np.cumsum(counts, dtype=np.int64)
    begins = np.repeat(ends - counts, counts)
    last = np.repeat(ends - 1, counts)
    flipped: npt.NDArray[Any] = values[begins + last - np.arange(len(values))]
    return flipped


def _values(
    path: Path, attribute: Any, code: Any, kind: npt.DTypeLike, width: int | None = None
) -> npt.NDArray[Any]:
    """Return an attribute's numbers, (n,) or (n, width); damaged files may store any type under its name."""
    try:
        value = attribute.Get(code)
        array = np.asarray(() if value is None else value)
    except (TypeError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise wrong(path, str(attribute.GetPath()), "an array of numbers", f"that {error}") from error
    wanted = np.dtype(kind)
    if array.size == 0:
        return np.empty(0 if width is None else (0, width), wanted)
    shape_fits = array.ndim == 1 if width is None else array.ndim == 2 and array.shape[1] == width
    if not shape_fits or array.dtype.kind not in ("f" if wanted.kind == "f" else "iu"):
        found = f"{array.dtype} of shape {array.shape}"
        raise wrong(path, str(attribute.GetPath()), f"an array of {wanted} numbers", found)
    return array.astype(wanted, copy=False)


def _uvs(
    path: Path, library: _Library, prim: Any, code: Any, indices: npt.NDArray[Any], n_vertices: int
) -> dict[str, npt.NDArray[Any]]:
    """Return texture coordinates: the primvar `st`, or else the first one of that kind."""
    primvars = library.geom.PrimvarsAPI(prim).GetPrimvarsWithValues()
    kinds = ("texCoord2f[]", "texCoord2d[]", "texCoord2h[]", "float2[]")
    fitting = [p for p in primvars if str(p.GetTypeName()) in kinds[:3]]
    named = [p for p in primvars if p.GetPrimvarName() == "st" and str(p.GetTypeName()) in kinds]
    if not (named or fitting):
        return {}
    primvar = (named or fitting)[0]
    place = f"{prim.GetPath()} {primvar.GetName()}"
    values = _values(path, primvar.GetAttr(), code, np.float32, 2)
    order = np.arange(len(values))
    if primvar.IsIndexed():
        order = _values(path, primvar.GetIndicesAttr(), code, np.int64)
    interpolation = primvar.GetInterpolation()
    wanted = {"faceVarying": len(indices), "vertex": n_vertices, "varying": n_vertices}.get(interpolation)
    if wanted is None:
        return {}  # one coordinate a face or mesh is no mapping
    if len(order) != wanted:
        raise wrong(path, place, f"{wanted} values for {interpolation} interpolation", len(order))
    return {"uvs": values, "uv_indices": order if interpolation == "faceVarying" else order[indices]}


def _topology(
    path: Path, library: _Library, prim: Any, timing: _Timing, n_vertices: int, mirrored: bool
) -> Topology:
    mesh = library.geom.Mesh(prim)
    parts = []
    for attribute in (mesh.GetFaceVertexCountsAttr(), mesh.GetFaceVertexIndicesAttr()):
        first = _values(path, attribute, timing.codes[0], np.int32)
        for time in attribute.GetTimeSamples():
            if not np.array_equal(_values(path, attribute, time, np.int32), first):
                raise wrong(
                    path, f"{attribute.GetPath()} at time {time:g}", "the same faces throughout", "others"
                )
        parts.append(first)
    counts, indices = parts
    if counts.size and (counts.min() < 0 or int(counts.sum(dtype=np.int64)) != len(indices)):
        raise wrong(path, str(prim.GetPath()), f"faceVertexCounts that sum to {len(indices)}", "others")
    if indices.size and (indices.min() < 0 or indices.max() >= n_vertices):
        raise wrong(path, str(prim.GetPath()), f"faceVertexIndices in 0 to {n_vertices - 1}", indices.max())
    uvs = _uvs(path, library, prim, timing.codes[0], indices, n_vertices)
    if (mesh.GetOrientationAttr().Get() == library.geom.Tokens.leftHanded) != mirrored:
        indices = _flip(counts, indices)
        if uvs:
            uvs["uv_indices"] = _flip(counts, uvs["uv_indices"])
    return checked_topology(path, lambda: Topology(counts, indices, n_vertices, **uvs))


def _transform(path: Path, library: _Library, prim: Any, code: Any) -> npt.NDArray[np.float64] | None:
    """Return the transform from the mesh to the stage, acting on row vectors; None for the identity."""
    matrix = np.array(library.geom.XformCache(code).GetLocalToWorldTransform(prim), np.float64)
    if np.array_equal(matrix, np.eye(4)):
        return None
    if not np.isfinite(matrix).all() or not np.array_equal(matrix[:, 3], (0, 0, 0, 1)):
        raise wrong(path, f"{prim.GetPath()} transform", "an affine transform", matrix.tolist())
    return matrix


def _points(path: Path, library: _Library, prim: Any, code: Any) -> npt.NDArray[Any]:
    points = _values(path, library.geom.Mesh(prim).GetPointsAttr(), code, np.float32, 3)
    if len(points) == 0:
        raise wrong(path, f"{prim.GetPath()} points", "at least one point", "none")
    return points


def read(
    path: Path,
    *,
    frames: tuple[int, int] | None,
    node: str | None,
    progress: Progress | None,
    fps: float | None = None,
) -> MeshSequence:
    """Read one mesh; see `mien.read`."""
    with _opened(path) as (library, stage):
        prim = _mesh(path, library, stage, node)
        timing = _timing(library, stage, prim)
        if timing.fps is None and fps is None:
            place, expected = f"{prim.GetPath()} points", "samples at evenly spaced whole frames"
            raise wrong(path, place, expected, "others; fps= says what rate they stand for")
        start, stop = frame_window(frames, len(timing.codes))
        n_vertices = len(_points(path, library, prim, timing.codes[0]))
        positions = np.empty((stop - start, n_vertices, 3), np.float32)
        first = _transform(path, library, prim, timing.codes[0])
        mirrored = first is not None and bool(np.linalg.det(first[:3, :3]) < 0)
        for f, code in enumerate(timing.codes[start:stop]):
            points = _points(path, library, prim, code)
            if len(points) != n_vertices:
                place = f"{prim.GetPath()} points, frame {start + f}"
                raise wrong(path, place, f"{n_vertices} as in the first frame", len(points))
            matrix = _transform(path, library, prim, code)
            if matrix is not None:
                points = points.astype(np.float64) @ matrix[:3, :3] + matrix[3, :3]
            positions[f] = points
            if progress is not None:
                progress(f + 1, stop - start)
        topology = _topology(path, library, prim, timing, n_vertices, mirrored)
        unit, axis = _units(library, stage)
        return MeshSequence(
            topology,
            positions,
            fps=fps or timing.fps or float(stage.GetTimeCodesPerSecond()),
            start_frame=timing.start_frame + start,
            metres_per_unit=unit,
            up_axis=axis,
            name=_name(prim),
        )


def _units(library: _Library, stage: Any) -> tuple[float | None, str | None]:
    """Return unit and axis where the stage states them; USD's fallbacks are nobody's statement."""
    stated = library.geom.StageHasAuthoredMetersPerUnit(stage)
    unit = float(library.geom.GetStageMetersPerUnit(stage)) if stated else None
    has_axis = stage.HasAuthoredMetadata(library.geom.Tokens.upAxis)
    axis = str(library.geom.GetStageUpAxis(stage)).lower() if has_axis else None
    return unit, axis if axis in ("y", "z") else None


def write(path: Path, take: MeshSequence, *, progress: Progress | None) -> tuple[str, ...]:
    """Write one mesh at the top of a stage; see `mien.write`."""
    library = _library()
    stage = library.usd.Stage.CreateInMemory(path.suffix.lower())
    stage.SetTimeCodesPerSecond(take.fps)
    stage.SetFramesPerSecond(take.fps)
    stage.SetStartTimeCode(take.start_frame)
    stage.SetEndTimeCode(take.start_frame + len(take) - 1)
    if take.up_axis is not None:
        library.geom.SetStageUpAxis(stage, take.up_axis.upper())
    if take.metres_per_unit is not None:
        library.geom.SetStageMetersPerUnit(stage, take.metres_per_unit)
    identifier = library.tf.MakeValidIdentifier(take.name)
    mesh = library.geom.Mesh.Define(stage, f"/{identifier}")
    prim = mesh.GetPrim()
    stage.SetDefaultPrim(prim)
    if identifier != take.name:
        prim.SetDisplayName(take.name)
    topology, vt = take.topology, library.vt
    mesh.CreateSubdivisionSchemeAttr(library.geom.Tokens.none)
    mesh.CreateFaceVertexCountsAttr(vt.IntArray.FromNumpy(topology.face_counts))
    mesh.CreateFaceVertexIndicesAttr(vt.IntArray.FromNumpy(topology.face_indices))
    if topology.uvs is not None:
        primvar = library.geom.PrimvarsAPI(prim).CreatePrimvar(
            "st", library.sdf.ValueTypeNames.TexCoord2fArray, library.geom.Tokens.faceVarying
        )
        primvar.Set(vt.Vec2fArray.FromNumpy(topology.uvs))
        primvar.SetIndices(vt.IntArray.FromNumpy(topology.uv_indices))
    points_attribute, extent_attribute = mesh.CreatePointsAttr(), mesh.CreateExtentAttr()
    for f, frame in enumerate(take.positions):
        code = library.usd.TimeCode(take.start_frame + f)
        points = np.ascontiguousarray(frame, np.float32)
        seen = points[np.isfinite(points).all(axis=1)]
        extent = np.stack([seen.min(axis=0), seen.max(axis=0)]) if len(seen) else np.zeros((2, 3), np.float32)
        points_attribute.Set(vt.Vec3fArray.FromNumpy(points), code)
        extent_attribute.Set(vt.Vec3fArray.FromNumpy(extent), code)
        if progress is not None:
            progress(f + 1, len(take))
    if not stage.GetRootLayer().Export(str(path)):
        raise OSError(f"{path}: USD could not write the file")
    return ()


def info(path: Path) -> FileInfo:
    """Open the stage and look at the meshes; see `mien.file_info`."""
    with _opened(path) as (library, stage):
        meshes = _meshes(library, stage)
        if not meshes:
            raise wrong(path, "stage", "a Mesh", "none")
        prim = meshes[0]
        timing = _timing(library, stage, prim)
        n_vertices = len(_points(path, library, prim, timing.codes[0]))
        topology = _topology(path, library, prim, timing, n_vertices, False)
        unit, axis = _units(library, stage)
        return FileInfo(
            len(timing.codes),
            n_vertices,
            topology.n_faces,
            timing.fps,
            timing.start_frame,
            unit,
            axis,
            tuple(str(mesh.GetPath()) for mesh in meshes),
            topology.uvs is not None,
        )


FORMAT = Format(
    name="usd",
    suffixes=(".usd", ".usdc", ".usda"),
    holds=frozenset({"polygons", "uvs", "fps", "start_frame", "metres_per_unit", "up_axis", "name"}),
    read=read,
    write=write,
    info=info,
    magic=(b"PXR-USDC", b"#usda"),
    uneven_times=True,
)
