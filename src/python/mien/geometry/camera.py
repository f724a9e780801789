"""Where a picture is taken from."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import look

__all__ = ["FILM_WIDTH_MM", "Camera"]

FILM_WIDTH_MM = 36.0  # across the larger side of the picture

# From the face to the camera, in the face's own axes: subject's left, up, out of the face.
_VIEWS = {
    "front": (0.0, 0.0, 1.0),
    "left": (1.0, 0.0, 0.0),
    "right": (-1.0, 0.0, 0.0),
    "back": (0.0, 0.0, -1.0),
    "top": (0.0, 1.0, 0.0),
    "bottom": (0.0, -1.0, 0.0),
    "three_quarter": (0.6, 0.12, 0.8),
    "three_quarter_right": (-0.6, 0.12, 0.8),
}

Triple = tuple[float, float, float]


def _triple(name: str, value: Any) -> Triple:
    x, y, z = (float(v) for v in _validate.floats(name, value, (3,)))
    return x, y, z


def _unit(v: Triple) -> Triple:
    length = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
    return v[0] / length, v[1] / length, v[2] / length


def _cross(a: Triple, b: Triple) -> Triple:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _axes(back: Triple, up: Triple) -> tuple[Triple, Triple, Triple]:
    """Right, up and back of a camera that looks along ``-back``; all unit vectors in world space."""
    right = _cross(up, back)
    if math.sqrt(sum(v * v for v in right)) < 1e-9 * math.sqrt(
        sum(v * v for v in up) * sum(v * v for v in back)
    ):
        raise ValueError(f"`up` must not point along the view, got up {up} and view {back}")
    right, back = _unit(right), _unit(back)
    return right, _cross(back, right), back


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera that looks from `position` to `target`; with a lens, or orthographic.

    Parameters
    ----------
    position : (3,) floats
        The eye, scene units.
    target : (3,) floats
        What is in the middle of the picture.
    up : (3,) floats
        What is up in the picture; need not be square to the view.
    lens : float, optional
        Focal length in millimetres on film 36 mm wide across the larger side of the picture; None for an orthographic
        camera.
    extent : float, optional
        For an orthographic camera what the larger side of the picture spans, scene units.
    near : float, optional
        What is nearer to the eye than this is cut off, scene units. Defaults to a thousandth of the distance from
        position to target.

    Raises
    ------
    ValueError
        Position and target are the same, `up` points along the view, or not one of `lens` and `extent` is given.
    """

    position: Triple
    target: Triple
    up: Triple = (0.0, 1.0, 0.0)
    lens: float | None = None
    extent: float | None = None
    near: float | None = None

    def __post_init__(self) -> None:
        for name in ("position", "target", "up"):
            object.__setattr__(self, name, _triple(name, getattr(self, name)))
        if (self.lens is None) == (self.extent is None):
            raise ValueError(
                f"one of `lens` and `extent` must be given, got lens={self.lens}, extent={self.extent}"
            )
        for name in ("lens", "extent"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _validate.number(name, getattr(self, name), above=0))
        distance = math.dist(self.position, self.target)
        if not distance > 0:
            raise ValueError(f"`target` must differ from `position`, got {self.target} for both")
        near = 1e-3 * distance if self.near is None else _validate.number("near", self.near, above=0)
        object.__setattr__(self, "near", near)
        self._rows()

    def _rows(self) -> tuple[Triple, Triple, Triple]:
        p, t = self.position, self.target
        return _axes((p[0] - t[0], p[1] - t[1], p[2] - t[2]), self.up)

    def _pixels_per_unit(self, size: tuple[int, int]) -> float:
        """Pixels per scene unit; with a lens at distance 1."""
        return max(size) * (
            self.lens / FILM_WIDTH_MM if self.lens is not None else 1.0 / (self.extent or 1.0)
        )

    @property
    def rotation(self) -> npt.NDArray[np.float64]:
        """World → camera, (3, 3): rows are the picture's right, its up, and the direction towards the viewer."""
        return np.array(self._rows())

    def project(self, points: npt.ArrayLike, size: tuple[int, int] = (800, 800)) -> npt.NDArray[np.float64]:
        """Return where points appear, (.., 3): pixels from the left, pixels from the top, and distance from the eye.

        The middle of the first pixel is at (0.5, 0.5); distance is along the view. Points behind a camera with a lens
        have no place: NaN.
        """
        out = np.asarray(points, dtype=np.float64) - self.position
        x, y, back = np.moveaxis(out @ self.rotation.T, -1, 0)
        depth = -back
        scale = np.full_like(depth, self._pixels_per_unit(size))
        if self.lens is not None:
            scale /= np.where(depth > 0, depth, np.nan)
        return np.stack([0.5 * size[0] + scale * x, 0.5 * size[1] - scale * y, depth], axis=-1)

    @classmethod
    def fit(
        cls,
        positions: npt.ArrayLike,
        view: str = "front",
        *,
        up_axis: str | None = "y",
        lens: float | None = look.LENS_MM,
        margin: float = 0.06,
        size: tuple[int, int] = (800, 800),
    ) -> Camera:
        """Return the nearest camera of a view that has every point in the picture.

        Parameters
        ----------
        positions : (V, 3) or (F, V, 3) floats
            What must be seen; points that are not finite are left out. Give a whole take for a camera that holds still.
        view : str
            "front", "left" (the subject's left side), "right", "back", "top", "bottom", "three_quarter" (from the front
            and the subject's left) or "three_quarter_right".
        up_axis : {"y", "z"}, optional
            With "y" the face looks along +z, with "z" along -y, as hosts turn it. None counts as "y".
        lens : float or None
            Focal length in millimetres, or None for an orthographic camera.
        margin : float
            How much of the picture stays free on each side, 0 to 0.45.
        size : (int, int)
            Width and height of the picture.
        """
        _validate.one_of("view", view, tuple(_VIEWS))
        axis = _validate.one_of("up_axis", up_axis or "y", ("y", "z"))
        room = 1 - 2 * _validate.number("margin", margin, least=0, most=0.45)
        width, height = picture_size(size)
        points = np.asarray(positions)
        if points.ndim < 2 or points.shape[-1] != 3 or points.dtype.kind not in "fiu":
            raise ValueError(
                f"`positions` must be numbers (V, 3) or (F, V, 3), got {points.dtype} {points.shape}"
            )
        points = points.reshape(-1, 3).astype(np.float64)
        points = points[np.isfinite(points).all(1)]
        if not len(points):
            raise ValueError("`positions` must have a finite point to fit a camera to, got none")
        left, up, out = _VIEWS[view]
        back = (left, up, out) if axis == "y" else (left, -out, up)
        vertical = {"y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}[axis]
        if view in ("top", "bottom"):
            vertical = {"y": (0.0, 0.0, -up), "z": (0.0, up, 0.0)}[axis]
        rows = _axes(back, vertical)
        # Plain sums in a fixed order, not a matrix product: the same camera on every machine.
        x, y, z = (points[:, 0] * r[0] + points[:, 1] * r[1] + points[:, 2] * r[2] for r in rows)
        spans = (room * width / max(width, height), room * height / max(width, height))
        if lens is not None:
            eye = _fit_lens(
                (x, y), z, [s * 0.5 * FILM_WIDTH_MM / _validate.number("lens", lens, above=0) for s in spans]
            )
        else:
            eye = (
                (x.min() + x.max()) / 2,
                (y.min() + y.max()) / 2,
                z.max() + max(np.ptp(x), np.ptp(y), np.ptp(z), 1e-9),
            )
        extent = max(np.ptp(x) / spans[0], np.ptp(y) / spans[1]) or 1.0
        middle = (eye[0], eye[1], (z.min() + z.max()) / 2)
        position, target = (
            _triple("positions", [sum(c[k] * rows[k][i] for k in range(3)) for i in range(3)])
            for c in (eye, middle)
        )
        return cls(position, target, vertical, lens=lens, extent=None if lens is not None else float(extent))


def _fit_lens(across: tuple[Any, Any], toward: Any, tangents: list[float]) -> tuple[float, float, float]:
    """Eye in camera axes: the nearest from which all points lie within the half-angles, centred in both directions.

    A point is inside when ``|u - eye_u| <= tangent (eye_w - w)``: four half-spaces that the eye must be in.
    """
    needs, centres = [], []
    for u, tangent in zip(across, tangents, strict=True):
        high, low = float((u + tangent * toward).max()), float((tangent * toward - u).max())
        needs.append((high + low) / (2 * tangent))
        centres.append((high - low) / 2)
    distance = max(needs)
    nearest = float(toward.max())
    if not distance > nearest:  # a single point, or points in a line along the view
        distance = nearest + max(nearest - float(toward.min()), 1.0)
    return centres[0], centres[1], distance


def picture_size(size: Any) -> tuple[int, int]:
    """Return (width, height), each 1 to 8192."""
    if not hasattr(size, "__len__") or isinstance(size, str) or len(size) != 2:
        raise TypeError(f"`size` must be a pair (width, height), got {size!r}")
    width, height = (_validate.index(f"size[{i}]", v, least=1, below=8193) for i, v in enumerate(size))
    return width, height
