"""Write a take as an Alembic archive."""

from __future__ import annotations

import functools
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.io.alembic.mesh import reversed_corners
from mien.io.alembic.ogawa import EMPTY_DATA, EMPTY_GROUP, OgawaWriter, sample_key
from mien.io.alembic.properties import LONGEST_NAME, pack_header
from mien.io.alembic.times import IDENTITY, LAST_FRAME, pack_sampling
from mien.io.registry import Progress
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["write"]

ARCHIVE_VERSION = 10800  # that of Alembic 1.8
BOOL, U32, I32, F32, F64 = 0, 5, 6, 10, 11  # plain old data types
MESH_SCHEMA = "AbcGeom_PolyMesh_v1"
XFORM_SCHEMA = "AbcGeom_Xform_v3"
UV_TRAITS = "arrayExtent=1;geoScope=fvr;interpretation=vector;isGeomParam=true;podExtent=2;podName=float32_t"
ALIGNMENT = 64  # bytes; the first point sample starts on a multiple, the others follow at a multiple of 4
LONGEST = LONGEST_NAME - len("Shape")


def _schema(name: str, title: str, base: str = "") -> str:
    based = f"schemaBaseType={base};" if base else ""
    return f"schema={name};{based}schemaObjTitle={name}:{title}"


def _inner(name: str, base: str = "") -> str:
    based = f";schemaBaseType={base}" if base else ""
    return f"schema={name}{based}"


# Every property is sampled at the take's times. The identity sampling would do for what never changes, but starts at
# 0 s, and viewers would begin their timeline there.
_header = functools.partial(pack_header, sampling=1)
GEOMETRY_BASE = "AbcGeom_GeomBase_v1"
# Every metadata text of the files written here; its place, counted from 1, stands for it.
TEXTS = (
    _schema(XFORM_SCHEMA, ".xform"),
    _inner(XFORM_SCHEMA),
    _schema(MESH_SCHEMA, ".geom", GEOMETRY_BASE),
    _inner(MESH_SCHEMA, GEOMETRY_BASE),
    "interpretation=box",
    "geoScope=vtx;interpretation=point",
    UV_TRAITS,
)
XFORM, XFORM_INNER, MESH, MESH_INNER, BOX, POINT, UV = range(1, len(TEXTS) + 1)


class _Entry(NamedTuple):
    """A property that has been written: its header and the reference to its group."""

    header: bytes
    reference: int


def _array(out: OgawaWriter, name: str, pod: int, values: npt.NDArray[Any], *, metadata: int = 0) -> _Entry:
    """Write an array property that never changes."""
    extent = values.shape[1] if values.ndim == 2 else 1
    header = _header(name, kind="array", pod=pod, extent=extent, n_samples=1, metadata=metadata)
    return _Entry(header, out.group([out.sample(values), EMPTY_DATA]))


def _compound(out: OgawaWriter, entries: list[_Entry]) -> int:
    if not entries:
        return EMPTY_GROUP
    return out.group([*(e.reference for e in entries), out.data(b"".join(e.header for e in entries))])


def _object(out: OgawaWriter, properties: int, children: list[tuple[str, int, int]]) -> int:
    """Write an object: its properties, and name, metadata and reference of its children."""
    headers = b"".join(
        len(text := name.encode()).to_bytes(4, "little") + text + bytes([metadata])
        for name, metadata, _ in children
    )
    # Thirty-two bytes of digests end the headers; readers accept zeros.
    return out.group(
        [properties, *(reference for _, _, reference in children), out.data(headers + bytes(32))]
    )


def _frame(take: MeshSequence, f: int) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(take.positions[f], dtype="<f4")


def _bounds(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return smallest and largest coordinates, (6,); vertices that are missing (NaN) do not count."""
    # Rows of many vertices instead of one: a reduction over long rows is what the processor is good at.
    wide = len(points) // 64 * 64
    parts = [part for part in (points[:wide].reshape(-1, 192), points[wide:]) if len(part)]
    box = np.repeat([np.nan, np.nan], 3)
    with np.errstate(invalid="ignore"):
        for reduce, half in ((np.fmin.reduce, box[:3]), (np.fmax.reduce, box[3:])):
            for part in parts:
                half[:] = reduce(np.vstack([half[None], reduce(part, axis=0).reshape(-1, 3)]), axis=0)
    nothing = np.isnan(box)
    box[nothing] = np.repeat([1.0, -1.0], 3)[nothing] * np.finfo(np.float64).max
    return box.astype("<f8")


def _points(out: OgawaWriter, take: MeshSequence, progress: Progress | None) -> tuple[_Entry, _Entry]:
    """Write bounds and points of every frame; a take that never moves is stored once.

    Samples lie one behind the other, so that a reader can look at all of them as one strided array. Held frames are
    therefore written again, unless the whole take is one.
    """
    n = len(take)
    out.align(ALIGNMENT)
    first_key = b""
    references: list[int] = []
    boxes: list[npt.NDArray[np.float64]] = []
    for f in range(n):
        points = _frame(take, f)
        key = sample_key(points)
        box = _bounds(points)
        if np.isinf(box).any():
            raise ValueError(
                f"`take` must have positions within the range of float32, got infinity at frame {f}"
            )
        if f == 0:
            first_key = key
        if not (len(references) == 1 and key == first_key):
            while 0 < len(references) < f:
                references.append(out.sample(_frame(take, 0), first_key))
                boxes.append(boxes[0])
            references.append(out.sample(points, key))
            boxes.append(box)
        if progress is not None:
            progress(f + 1, n)
    constant = len(references) == 1
    bounds = [out.sample(box) for box in boxes]
    header = functools.partial(_header, n_samples=n, constant=constant)
    return (
        _Entry(header(".selfBnds", kind="scalar", pod=F64, extent=6, metadata=BOX), out.group(bounds)),
        _Entry(
            header("P", kind="array", pod=F32, extent=3, metadata=POINT),
            out.group([r for reference in references for r in (reference, EMPTY_DATA)]),
        ),
    )


def _topology(out: OgawaWriter, topology: Topology) -> list[_Entry]:
    """Write polygons and texture coordinates, wound the other way round as Alembic wants them."""
    order = reversed_corners(topology.face_counts)
    entries = [
        _array(out, ".faceIndices", I32, topology.face_indices[order].astype("<i4")),
        _array(out, ".faceCounts", I32, topology.face_counts.astype("<i4")),
    ]
    if topology.uvs is not None and topology.uv_indices is not None:
        parts = [
            _array(out, ".vals", F32, np.ascontiguousarray(topology.uvs, dtype="<f4"), metadata=UV),
            _array(out, ".indices", U32, topology.uv_indices[order].astype("<u4")),
        ]
        entries.append(_Entry(pack_header("uv", kind="compound", metadata=UV), _compound(out, parts)))
    return entries


def _mesh(out: OgawaWriter, take: MeshSequence, progress: Progress | None) -> int:
    geometry = _compound(out, [*_points(out, take, progress), *_topology(out, take.topology)])
    header = pack_header(".geom", kind="compound", metadata=MESH_INNER)
    return _object(out, _compound(out, [_Entry(header, geometry)]), [])


def _transform(out: OgawaWriter, children: list[tuple[str, int, int]]) -> int:
    """Write a transform without operations, which hosts make the object of."""
    header = _header(".inherits", kind="scalar", pod=BOOL, n_samples=1)
    inner = _compound(out, [_Entry(header, out.group([out.sample(np.ones(1, np.uint8))]))])
    outer = pack_header(".xform", kind="compound", metadata=XFORM_INNER)
    return _object(out, _compound(out, [_Entry(outer, inner)]), children)


def _object_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Return a name that an Alembic object can have, and what to say where it had to change."""
    clean = "".join("_" if c in "/;=" or ord(c) < 32 else c for c in name)
    clean = clean.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore") or "take"
    note = f"name: alembic cannot hold {name!r}; the object is called {clean!r}"
    return clean, () if clean == name else (note,)


def _write(file: BinaryIO, take: MeshSequence, name: str, progress: Progress | None) -> None:
    out = OgawaWriter(file)
    zero = out.data(bytes(4))
    archive_version = out.data(ARCHIVE_VERSION.to_bytes(4, "little"))
    mesh = _mesh(out, take, progress)
    transform = _transform(out, [(f"{name}Shape", MESH, mesh)])
    root = _object(out, EMPTY_GROUP, [(name, XFORM, transform)])
    metadata = f"FramesPerTimeUnit={take.fps!r};_ai_AlembicVersion=Alembic 1.8.0;_ai_Application=mien {version('mien')}"
    samplings = pack_sampling(1, IDENTITY.cycle, 0.0) + pack_sampling(
        len(take), 1.0 / take.fps, take.start_frame / take.fps
    )
    texts = b"".join(bytes([len(text)]) + text.encode() for text in TEXTS)
    out.close(
        out.group(
            [zero, archive_version, root, out.data(metadata.encode()), out.data(samplings), out.data(texts)]
        )
    )


def write(path: Path, take: MeshSequence, *, progress: Progress | None = None) -> tuple[str, ...]:
    """Write a take as one polygon mesh under a transform, ``/name/nameShape``, frame by frame.

    Parameters
    ----------
    path : Path
        The file to write; what was there is lost.
    take : MeshSequence
        At least one frame. float64 positions are rounded to float32, the precision of Alembic's points.
    progress : callable, optional
        Called with frames done and frames in all.

    Returns
    -------
    tuple of str
        Sentences about what the file does not keep, beside what Alembic never holds (see ``FORMAT.holds``).

    Raises
    ------
    ValueError
        The take has no frames, a position that float32 cannot hold, or frame numbers beyond 2^31.
    """
    if not len(take):
        raise ValueError("`take` must have at least one frame to be written as Alembic, got none")
    if max(abs(take.start_frame), len(take)) >= LAST_FRAME:
        raise ValueError(f"`take` must have frame numbers below 2^31, got {take.start_frame}")
    name, notes = _object_name(take.name)
    with open(path, "wb") as file:
        _write(file, take, name, progress)

    return notes
