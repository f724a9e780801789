"""Pictures of meshes by the core's own z-buffer rasteriser: no GL, the same picture on every machine."""

from __future__ import annotations

import functools
import struct
import zlib
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien._atomic import atomic_path
from mien.geometry import look
from mien.geometry.camera import Camera, picture_size
from mien.geometry.heat import diverging_colors, heat_colors, heat_table, heat_unit, srgb_to_linear
from mien.values.topology import Topology

__all__ = ["Camera", "diverging_colors", "draw", "heat_colors", "write_png"]

Bytes = npt.NDArray[np.uint8]


@functools.lru_cache(maxsize=8)
def _polygon_edges(topology: Topology) -> Bytes:
    """For each triangle three bits, (T,) uint8: bit k is set where its edge k to k + 1 is an edge of the polygon."""
    corners = topology.triangle_corners
    face = np.repeat(np.arange(topology.n_faces), topology.face_counts - 2)
    last = np.cumsum(topology.face_counts, dtype=np.int64) - 1
    first_of_fan = corners[:, 1] == corners[:, 0] + 1
    last_of_fan = corners[:, 2] == last[face]
    bits: Bytes = (first_of_fan * 1 + 2 + last_of_fan * 4).astype(np.uint8)
    return bits


def _look_values(background: look.Rgb) -> npt.NDArray[np.float32]:
    """Return the constants of `look` in the order the core wants them."""
    clay = srgb_to_linear(np.array(look.CLAY_SRGB) / 255)
    parts: list[Any] = [look.KEY_DIRECTION, look.KEY_LIGHT, look.KEY_WRAP, look.SKY_LIGHT, look.GROUND_LIGHT]
    parts += [look.RIM_DIRECTION, look.RIM_LIGHT, look.GLOSS_DIRECTION, look.GLOSS, look.BACK_FACE, clay]
    parts += [np.array(background) / 255, np.array(look.WIRE_SRGB) / 255, look.WIRE_WIDTH, look.WIRE_OPACITY]
    return np.concatenate([np.atleast_1d(part) for part in parts]).astype(np.float32)


def _camera_values(camera: Camera, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    scale = camera._pixels_per_unit(size)
    return np.concatenate([camera.rotation.ravel(), camera.position, [scale, camera.near]])


def _per_vertex(
    name: str, value: npt.ArrayLike, positions: npt.NDArray[Any], tail: tuple[int, ...]
) -> npt.NDArray[Any]:
    """Return numbers (V, ..) or, beside (F, V, 3) positions, (F, V, ..)."""
    out = np.asarray(value)
    many = positions.ndim == 3 and out.ndim == 2 + len(tail)
    shape: tuple[str | int, ...] = (*("FV" if many else "V"), *tail)
    sizes = {"F": len(positions), "V": positions.shape[-2]}
    return _validate.array(name, value, shape, np.float64, sizes)


def _texture(texture: npt.ArrayLike, topology: Topology) -> Bytes:
    if topology.uvs is None:
        raise ValueError("`texture` needs texture coordinates, got a topology without uvs")
    image = np.asarray(texture)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"`texture` must have shape (height, width, 3), got {image.shape}")
    if image.dtype != np.uint8:
        raise TypeError(f"`texture` must be uint8, got {image.dtype}")
    return np.ascontiguousarray(image)


class _Coloring(NamedTuple):
    """What the core colours vertices or faces by: at most one of the first three."""

    colors: npt.NDArray[np.float32] | None = None
    heat: npt.NDArray[np.float32] | None = None
    texture: Bytes | None = None
    uv_triangles: npt.NDArray[np.int32] | None = None


def _coloring(
    topology: Topology,
    points: npt.NDArray[Any],
    colors: npt.ArrayLike | None,
    heat: npt.ArrayLike | None,
    heat_range: tuple[float, float] | None,
    texture: npt.ArrayLike | None,
) -> _Coloring:
    given = [n for n, v in (("colors", colors), ("heat", heat), ("texture", texture)) if v is not None]
    if len(given) > 1:
        raise ValueError(
            f"at most one of `colors`, `heat` and `texture` may be given, got {' and '.join(given)}"
        )
    if colors is not None:
        rgb = _per_vertex("colors", colors, points, (3,))
        if rgb.size and not (rgb.min() >= 0 and rgb.max() <= 1):
            raise ValueError(f"`colors` must lie in [0, 1], got values from {rgb.min():g} to {rgb.max():g}")
        return _Coloring(colors=srgb_to_linear(rgb).astype(np.float32))
    if heat is not None:
        unit = heat_unit("heat", _per_vertex("heat", heat, points, ()), heat_range)
        return _Coloring(heat=unit.astype(np.float32)[..., None])
    if texture is not None:
        image = _texture(texture, topology)
        assert topology.uv_indices is not None
        corners = np.ascontiguousarray(topology.uv_indices[topology.triangle_corners])
        return _Coloring(texture=image, uv_triangles=corners)
    return _Coloring()


def draw(
    topology: Topology,
    positions: npt.NDArray[Any],
    *,
    size: tuple[int, int] = (800, 800),
    camera: Camera | None = None,
    shading: str = "smooth",
    colors: npt.ArrayLike | None = None,
    heat: npt.ArrayLike | None = None,
    heat_range: tuple[float, float] | None = None,
    texture: npt.ArrayLike | None = None,
    wireframe: bool = False,
    background: look.Rgb = look.BACKGROUND_SRGB,
    samples: int = 2,
) -> Bytes:
    """Draw a mesh, or every frame of a sequence of meshes.

    Parameters
    ----------
    topology : Topology
        How the vertices are joined.
    positions : (V, 3) or (F, V, 3) float32 or float64
        Vertices in scene units. Triangles with a vertex that is not finite are left out.
    size : (int, int)
        Width and height in pixels, 1 to 8192.
    camera : Camera, optional
        Defaults to ``Camera.fit(positions, size=size)``: from the front, all frames in the picture.
    shading : {"smooth", "flat"}
        One normal at each vertex, interpolated, or one for each triangle.
    colors : (V, 3) or (F, V, 3) floats, optional
        sRGB colours of the vertices in [0, 1].
    heat : (V,) or (F, V) numbers, optional
        Coloured as `heat_colors` does. NaN counts as the low end.
    heat_range : (float, float), optional
        What the ends of the heat map stand for; by default 0 and the largest number of all frames.
    texture : (height, width, 3) uint8, optional
        sRGB picture, top row first, looked up through the topology's uvs: (0, 0) is the bottom left.
    wireframe : bool
        Draw the edges of polygons over the surface.
    background : (int, int, int)
        sRGB, 0 to 255.
    samples : int
        Samples per pixel and axis, 1 to 4: 2 smooths outlines, 1 is fastest.

    Returns
    -------
    (H, W, 3) uint8, or (F, H, W, 3)
        sRGB pictures, top row first.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong kind, shape or value, or more than one of `colors`, `heat` and `texture` is given.

    Notes
    -----
    A z-buffer with exact coverage: integer edge functions on vertices rounded to 1/256 sample and the top-left rule
    give every sample of a closed surface to one triangle (Pineda 1988). Normals weigh triangles by area. Light follows
    the formula in `mien.geometry.look`; the inside of a surface is drawn darker. Cost O(V + T + pixels) a frame,
    parallel over frames; every instruction set and thread count gives the same bytes.

    References
    ----------
    J. Pineda, "A parallel algorithm for polygon rasterization", SIGGRAPH 1988.
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    many = getattr(positions, "ndim", 2) == 3
    shape: tuple[str | int, ...] = ("F", "V", 3) if many else ("V", 3)
    points = _validate.points("positions", positions, shape, {"V": topology.n_vertices})
    width, height = picture_size(size)
    if camera is None:
        camera = Camera.fit(points, size=(width, height))
    _validate.instance("camera", camera, Camera, "a Camera")
    _validate.one_of("shading", shading, ("smooth", "flat"))
    color = _coloring(topology, points, colors, heat, heat_range, texture)
    out = np.empty((len(points) if many else 1, height, width, 3), np.uint8)
    _core.draw(
        points,
        topology.triangles,
        _polygon_edges(topology),
        color.colors,
        color.heat,
        srgb_to_linear(heat_table()).astype(np.float32),
        color.texture,
        topology.uvs if color.texture is not None else None,
        color.uv_triangles,
        _camera_values(camera, (width, height)),
        camera.lens is not None,
        _look_values(_rgb("background", background)),
        _validate.index("samples", samples, least=1, below=5),
        shading == "flat",
        bool(wireframe),
        out,
    )
    return out if many else out[0]


def _rgb(name: str, value: Any) -> look.Rgb:
    out = _validate.array(name, value, (3,), np.int64)
    if out.min() < 0 or out.max() > 255:
        raise ValueError(f"`{name}` must lie in 0 to 255, got {out.tolist()}")
    return int(out[0]), int(out[1]), int(out[2])


def write_png(path: str | PathLike[str], image: npt.NDArray[np.uint8]) -> None:
    """Write a picture as PNG; the file appears whole or not at all.

    Parameters
    ----------
    path : path
        Where to write.
    image : (H, W, 3), (H, W, 4) or (H, W) uint8
        Red, green and blue, with opacity, or grey; top row first.

    Raises
    ------
    TypeError, ValueError
        The picture has other numbers or another shape.
    """
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise TypeError(f"`image` must be uint8, got {pixels.dtype}")
    kinds = {(2, 1): 0, (3, 3): 2, (3, 4): 6}
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if (pixels.ndim, channels) not in kinds or 0 in pixels.shape:
        raise ValueError(f"`image` must have shape (H, W, 3), (H, W, 4) or (H, W), got {pixels.shape}")
    height, width = pixels.shape[:2]
    # Each row is stored as its difference to the row above (PNG filter 2), which compresses shaded surfaces well.
    rows = pixels.reshape(height, -1)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2
    filtered[0, 1:] = rows[0]
    filtered[1:, 1:] = rows[1:] - rows[:-1]
    header = struct.pack(">IIBBBBB", width, height, 8, kinds[pixels.ndim, channels], 0, 0, 0)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        chunks = (
            (b"IHDR", header),
            (b"sRGB", b"\0"),
            (b"IDAT", zlib.compress(filtered.tobytes(), 6)),
            (b"IEND", b""),
        )
        for kind, data in chunks:
            file.write(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            )
