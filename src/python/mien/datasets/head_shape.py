"""The skin of the procedural head as one smooth surface over a chart (angle, row).

A scaffold of rings, from the crown down to the neck, gives every chart point a ray from inside the head. The skin is
where the ray leaves a solid that is blended from the scaffold and some forty ellipsoids and round cones: brow ridge,
sockets, lids, nose, cheekbones, muzzle, chin, jaw, neck. Any number of chart points can be asked for, so that every
resolution samples the same surface.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien.datasets.proportions import Proportions

__all__ = ["ROWS", "HeadShape"]

Floats = npt.NDArray[np.float64]

# One row a ring, from the crown to the base of the neck, centimetres, eyes at y = 0, ear canals near z = 0:
# height in front, at the side, at the back; depth in front, where it is widest, at the back; half width; how square the
# front and the back are (2 is an ellipse).
_RINGS = np.array(
    [
        # y_f    y_s    y_b    z_f    z_w    z_b    w     n_f   n_b
        (11.05, 11.05, 11.05, -1.00, -1.00, -1.00, 0.00, 2.0, 2.0),
        (10.55, 10.45, 10.35, 3.55, -0.90, -5.40, 3.80, 2.0, 2.0),
        (9.45, 9.20, 8.80, 6.70, -1.00, -8.40, 5.90, 2.0, 2.0),
        (7.95, 7.55, 6.90, 8.40, -1.00, -9.85, 7.10, 2.05, 2.0),
        (6.20, 5.50, 4.70, 9.25, -0.90, -10.20, 7.60, 2.1, 2.0),
        (4.40, 3.40, 2.50, 9.50, -0.80, -10.05, 7.72, 2.15, 2.0),
        (2.70, 1.60, 0.40, 9.40, -0.60, -9.50, 7.55, 2.2, 2.0),
        (1.10, 0.00, -1.60, 8.95, -0.40, -9.15, 7.38, 2.25, 2.0),
        (-0.50, -1.40, -3.40, 8.60, -0.20, -8.45, 7.20, 2.25, 2.0),
        (-2.10, -2.80, -5.00, 8.60, 0.00, -7.65, 7.05, 2.2, 2.0),
        (-3.70, -4.10, -6.40, 8.80, 0.20, -7.00, 6.85, 2.15, 2.05),
        (-5.30, -5.30, -7.60, 9.05, 0.50, -6.60, 6.58, 2.1, 2.1),
        (-6.80, -6.30, -8.70, 9.20, 0.70, -6.40, 6.38, 2.05, 2.1),
        (-8.30, -7.15, -9.70, 9.05, 0.80, -6.35, 6.18, 2.0, 2.1),
        (-9.70, -7.95, -10.60, 9.00, 0.70, -6.35, 5.86, 1.95, 2.1),
        (-11.00, -8.75, -11.40, 8.50, 0.40, -6.40, 5.35, 1.95, 2.1),
        (-11.80, -9.70, -12.20, 6.90, -0.20, -6.45, 4.88, 2.0, 2.1),
        (-12.20, -10.90, -13.10, 5.10, -0.80, -6.60, 4.78, 2.1, 2.1),
        (-13.10, -12.50, -14.20, 4.10, -1.20, -6.80, 4.88, 2.15, 2.1),
        (-14.70, -14.50, -15.70, 3.45, -1.60, -7.10, 5.02, 2.15, 2.1),
        (-16.80, -16.80, -17.60, 2.95, -2.00, -7.60, 5.30, 2.1, 2.1),
        (-19.20, -19.20, -19.80, 2.60, -2.40, -8.50, 6.10, 2.1, 2.1),
    ]
)
#: Largest row coordinate of the chart; 0 is the crown.
ROWS = len(_RINGS) - 1


@dataclasses.dataclass(frozen=True)
class _Blob:
    """A solid to blend in: a round cone from `a` to `b`, or an ellipsoid where `b` is None; mirrored in x."""

    a: tuple[float, float, float]
    b: tuple[float, float, float] | None
    size: tuple[float, ...]
    blend: float
    carve: bool = False


def _ellipsoid(points: Floats, centre: Floats, radii: Floats) -> Floats:
    """Return an approximate signed distance to an ellipsoid, (N,)."""
    offset = points - centre
    k0 = np.sqrt(((offset / radii) ** 2).sum(-1))
    k1 = np.sqrt(((offset / radii**2) ** 2).sum(-1))
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-9))


def _cone(points: Floats, a: Floats, b: Floats, size: tuple[float, ...]) -> Floats:
    """Return the signed distance to a capsule whose radius goes from size[0] to size[1], (N,)."""
    axis = b - a
    along = np.clip((points - a) @ axis / (axis @ axis), 0.0, 1.0)
    gap = points - a - along[:, None] * axis
    return np.asarray(np.sqrt((gap**2).sum(-1)) - (size[0] + (size[1] - size[0]) * along))


def _smooth_union(first: Floats, second: Floats, blend: float) -> Floats:
    h = np.maximum(blend - np.abs(first - second), 0.0) / blend
    return np.asarray(np.minimum(first, second) - h**3 * (blend / 6.0))


def _blobs(p: Proportions) -> list[_Blob]:
    """List the solids of a face; the order matters, sockets are carved before lids are put in."""
    ex, ey, ez = p.eye_centre
    eye = p.eye_radius + p.lid_thickness
    nx, nt, at = p.nose_width, p.nose_tip, p.place
    brow, cheek, mouth, chin, fore = p.brow, p.cheekbone, p.mouth_height, p.chin, p.chin_forward
    return [
        # Brow ridge and glabella.
        _Blob(at(0.9, 1.95, 8.25 + brow), at(4.2, 2.2, 6.45 + brow), (0.80, 0.70), 1.2),
        # Temple, cheekbone, the hollow under it.
        _Blob(at(8.8, 2.0, 4.9), None, (1.5, 2.8, 2.4), 1.4, True),
        _Blob(at(4.2, -2.0, 5.75 + cheek), at(5.6, -1.2, 1.6), (1.15, 0.95), 1.6),
        _Blob(at(3.1, -3.1, 6.3 + 0.5 * cheek), None, (1.9, 1.9, 2.0), 1.5),
        _Blob(at(7.7, -5.0, 5.6), None, (1.7, 2.2, 2.4), 1.8, True),
        # Muzzle over the teeth, chin, jaw line, the groove under the lower lip.
        _Blob((0.0, mouth + 0.2, 6.3), None, (3.2, 2.6, 3.45), 1.3),
        _Blob((0.0, chin + 1.25, 8.1 + fore), None, (1.5, 1.1, 1.45), 1.3),
        _Blob(at(4.3 + p.jaw, -7.6, 2.6), (1.0, chin + 0.75, 8.0 + fore), (0.85, 0.75), 1.4),
        _Blob((0.0, mouth - 1.85, 10.8 + 0.5 * fore), None, (1.9, 0.55, 1.0), 0.9, True),
        # Eye sockets and the lids over the eyeballs.
        _Blob((ex - 0.1, ey + 0.15, ez + 2.5), None, (2.05, 1.3, 1.65), 1.2, True),
        _Blob((1.5, ey + 0.1, ez + 2.9), None, (0.7, 1.0, 1.0), 1.0, True),
        _Blob((ex, ey, ez), None, (eye, eye, eye), 0.5),
        # Nose: bridge, flanks, body, tip, wings, columella.
        _Blob((0.0, 0.9, 8.05 + p.nose_bridge), (0.0, nt[1] + 0.6, nt[2] - 1.10), (0.50, 0.66), 1.0),
        _Blob((0.55, 0.2, 7.3 + p.nose_bridge), (1.15 * nx, nt[1] + 0.5, 8.0), (0.80, 0.95), 1.3),
        _Blob((0.0, nt[1] + 0.9, nt[2] - 3.2), None, (1.45 * nx, 2.0, 2.3), 0.9),
        _Blob((0.0, nt[1] + 0.12, nt[2] - 1.20), None, (0.88 * nx, 0.76, 1.17), 0.6),
        _Blob((1.10 * nx, nt[1] - 0.20, nt[2] - 2.65), None, (0.66, 0.62, 1.70), 0.40),
        _Blob((0.0, nt[1] - 0.22, nt[2] - 0.95), (0.0, nt[1] - 0.74, nt[2] - 2.4), (0.26, 0.36), 0.30),
        # Philtrum.
        _Blob((0.0, nt[1] - 1.4, 10.1), (0.0, mouth + 0.95, 10.35), (0.20, 0.24), 0.4, True),
        # Neck: sternomastoid muscles, larynx.
        _Blob((4.0 * p.neck, -8.8, -1.8), (1.0, -20.5, 1.9), (0.9, 0.6), 1.5),
        _Blob((0.0, -14.2, 2.9), None, (0.8, 1.1, 0.8), 1.0),
    ]


class HeadShape:
    """The smooth skin of one identity.

    Parameters
    ----------
    proportions : Proportions
        What makes this head differ from others.
    """

    def __init__(self, proportions: Proportions) -> None:
        self.proportions = proportions
        rings = proportions.shape_rings(_RINGS)
        crown = rings[1][[2, 1, 0, 5, 4, 3, 6, 7, 8]].copy()
        crown[6] *= -1.0
        self._rings = np.vstack(
            [crown, rings, 2.0 * rings[-1] - rings[-2], 3.0 * rings[-1] - 2.0 * rings[-2]]
        )
        self._blobs = _blobs(proportions)

    def _ring(self, rows: Floats) -> Floats:
        """Return the parameters of the ring at each row by a uniform cubic B-spline, (N, 9)."""
        first = np.clip(np.floor(rows).astype(np.int64), 0, ROWS)
        t = rows - first
        basis = (
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        )
        out = np.zeros((len(rows), 9))
        for k, weight in enumerate(basis):
            out += weight[:, None] * self._rings[first + k]
        return out

    def scaffold(self, angle: Floats, rows: Floats) -> tuple[Floats, Floats]:
        """Return origin and end of the ray of each chart point, both (N, 3).

        Parameters
        ----------
        angle : (N,) floats
            Around the head, radians: 0 in front, π/2 at the subject's left, π behind.
        rows : (N,) floats
            From 0 (crown) to `ROWS` (base of the neck).
        """
        y_f, y_s, y_b, z_f, z_w, z_b, w, n_f, n_b = self._ring(rows).T
        sine, cosine = np.sin(angle), np.cos(angle)
        front = cosine > 0
        depth = np.where(front, z_f - z_w, z_w - z_b)
        power = np.where(front, n_f, n_b)
        # In the square where the ring is a unit superellipse; near the crown the widths go to zero together.
        radius = (np.abs(sine) ** power + np.abs(cosine) ** power + 1e-300) ** (-1.0 / power)
        middle = (y_f + y_b) / 4 + y_s / 2
        y = middle + (y_f - y_b) / 2 * cosine + ((y_f + y_b) / 4 - y_s / 2) * np.cos(2 * angle)
        end = np.stack([w * radius * sine, y, z_w + depth * radius * cosine], axis=1)
        # Near the crown all rays start from one point well inside.
        start_y = middle - np.log1p(np.exp((middle - 4.5) / 0.8)) * 0.8
        # Around the nose they point down, so that they meet its underside rather than graze it.
        start_y = start_y + 2.8 * np.exp(-(((rows - 9.9) / 1.5) ** 2))
        return np.stack([np.zeros_like(y), start_y, z_w], axis=1), end

    def distance(self, points: Floats, base: Floats) -> Floats:
        """Return the blended signed distance of points, (N,); `base` is that to the scaffold."""
        mirrored = points.copy()
        mirrored[:, 0] = np.sqrt(points[:, 0] ** 2 + 1e-4)
        out = base
        for blob in self._blobs:
            a = np.asarray(blob.a)
            reach = max(blob.size) + blob.blend
            b = a if blob.b is None else np.asarray(blob.b)
            low, high = np.minimum(a, b) - reach - 1.0, np.maximum(a, b) + reach + 1.0
            near = np.flatnonzero(((mirrored > low) & (mirrored < high)).all(1))
            if not len(near):
                continue
            at = mirrored[near]
            solid = _ellipsoid(at, a, np.asarray(blob.size)) if blob.b is None else _cone(at, a, b, blob.size)
            if out is base:
                out = base.copy()
            if blob.carve:
                out[near] = -_smooth_union(-out[near], solid, blob.blend)
            else:
                out[near] = _smooth_union(out[near], solid, blob.blend)
        return out

    def surface(self, angle: npt.ArrayLike, rows: npt.ArrayLike) -> Floats:
        """Return the skin at chart points, (N, 3), centimetres."""
        angle, rows = np.asarray(angle, dtype=np.float64), np.asarray(rows, dtype=np.float64)
        start, end = self.scaffold(angle, rows)
        ray = end - start
        length = np.sqrt((ray**2).sum(-1))
        scale = 1.0 + 3.2 / length
        lower = np.full(len(scale), 0.55)
        upper = scale.copy()
        active = np.arange(len(scale))
        # Sphere tracing from outside, then a safeguarded Newton step with the slope along the ray.
        for _ in range(60):
            reach = length[active] * (scale[active] - 1.0)
            value = self.distance(start[active] + scale[active, None] * ray[active], 0.92 * reach)
            step = value / length[active]
            scale[active] = np.clip(scale[active] - 0.95 * step, lower[active], upper[active])
            active = active[np.abs(value) > 2e-5]
            if not len(active):
                break
        return self._nostrils(start + scale[:, None] * ray)

    def _nostrils(self, points: Floats) -> Floats:
        """Press two pits into the underside of the nose."""
        p = self.proportions
        x = (np.abs(points[:, 0]) - 0.56 * p.nose_width) / 0.24
        y = (points[:, 1] - p.nose_tip[1] + 0.85) / 0.42
        z = (points[:, 2] - p.nose_tip[2] + 1.75) / 0.50
        pit = np.exp(-((x**2 + z**2) ** 2)) * np.exp(-(y**4))
        out = points.copy()
        out[:, 1] += 0.55 * pit
        out[:, 2] += 0.10 * pit
        return out

    def chart(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return chart coordinates whose scaffold point has the given frontal x and y, front half only, both (N,)."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        angle, rows = (
            np.arcsin(np.clip(x / 7.6, -0.95, 0.95)),
            np.interp(-y, -self._rings[1:-2, 0], np.arange(ROWS + 1.0)),
        )
        eps = 1e-5
        for _ in range(12):
            at = self.scaffold(angle, rows)[1]
            by_angle = (self.scaffold(angle + eps, rows)[1] - at) / eps
            by_row = (self.scaffold(angle, rows + eps)[1] - at) / eps
            det = by_angle[:, 0] * by_row[:, 1] - by_angle[:, 1] * by_row[:, 0]
            dx, dy = x - at[:, 0], y - at[:, 1]
            angle = angle + np.clip((dx * by_row[:, 1] - dy * by_row[:, 0]) / det, -0.3, 0.3)
            rows = np.clip(
                rows + np.clip((dy * by_angle[:, 0] - dx * by_angle[:, 1]) / det, -1, 1), 0.5, ROWS - 0.01
            )
        return angle, rows
