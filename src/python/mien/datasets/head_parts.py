"""Lids, lips, mouth, ears, eyeballs and teeth of the procedural head: what the rings of the layout are bent into."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.datasets.curves import monotone, smoothstep, spline
from mien.datasets.head_shape import HeadShape
from mien.datasets.proportions import Proportions

__all__ = ["ear", "eyeball", "eyeball_cap", "lid_rim", "lids", "lip_line", "mouth", "teeth"]

Floats = npt.NDArray[np.float64]


def lid_rim(p: Proportions, along: Floats, *, upper: bool) -> Floats:
    """Return the outer edge of a lid relative to the eye's centre, (N, 3); `along` is 0 at the nose, 1 outside."""
    spread = 0.55 * along + 0.45 * (0.5 - 0.5 * np.cos(np.pi * along))
    xi = 2.0 * spread - 1.0
    x = -0.02 + 1.37 * xi * p.eye_width
    corner = np.interp(spread, [0.0, 1.0], [-0.13, 0.07])
    arch = np.clip(1.0 - xi**2, 0.0, 1.0)
    if upper:
        y = corner + p.eye_opening * 0.60 * arch**0.85 * (1.0 - 0.16 * xi)
    else:
        y = corner - p.eye_opening * 0.46 * arch**0.95 * (1.0 + 0.16 * xi)
    square = (p.eye_radius + p.lid_thickness) ** 2 - x**2 - y**2
    # On the sphere; at the corners, which lie beside the eyeball, no deeper than its front half.
    z = np.sqrt(0.5 * (square + np.sqrt(square**2 + 0.16)))
    return np.stack([x, y, z], axis=1)


def lids(shape: HeadShape, border: Floats, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return the rings around the eye, (A, B, 3), and the frontal x and y that led to them, (A, B, 2).

    Parameters
    ----------
    border : (B, 2) floats
        Frontal x and y of the block's border.
    rows : (A,) floats
        0 to 1 skin, 1 to 2 the lid's margin, 2 to 3 the lid's inside.
    columns : (B,) floats
        0 to 1 along the upper lid from the nose, 1 to 2 back along the lower.
    """
    p = shape.proportions
    centre = np.asarray(p.eye_centre)
    upper = columns <= 1.0
    along = np.where(upper, columns, 2.0 - columns)
    rim = np.where(upper[:, None], lid_rim(p, along, upper=True), lid_rim(p, along, upper=False))
    skin = rows <= 1.0
    t = rows[skin] ** 0.9
    flat = border + t[:, None, None] * (rim[:, :2] + centre[:2] - border)
    chart = shape.chart(flat[..., 0].ravel(), flat[..., 1].ravel())
    out = np.empty((len(rows), len(columns), 3))
    body = shape.surface(*chart).reshape(*flat.shape[:2], 3)
    fit = (rim + centre - body[-1])[None] * smoothstep(0.1, 1.0, t)[:, None, None] ** 1.0
    body = body + fit - centre
    # The fold above the upper lid.
    fold = (
        np.exp(-(((t[:, None] - 0.70) / 0.075) ** 2))
        * np.where(upper, np.sin(np.pi * along) ** 0.7, 0.0)[None]
    )
    length = np.sqrt((body**2).sum(-1))
    body *= (np.maximum(length - p.lid_fold * fold, p.eye_radius + p.lid_thickness) / length)[..., None]
    out[skin] = body
    # The margin goes in to the eyeball, the inside of the lid follows it: rotations about the eye's axis.
    depth = np.hypot(rim[:, 1], rim[:, 2])
    turn = np.arctan2(rim[:, 1], rim[:, 2])
    inner = np.sqrt(np.maximum((p.eye_radius + 0.03) ** 2 - rim[:, 0] ** 2, (depth - p.lid_thickness) ** 2))
    sign = np.where(upper, 1.0, -1.0)
    for k in np.flatnonzero(~skin):
        margin, under = min(rows[k] - 1.0, 1.0), max(rows[k] - 2.0, 0.0)
        radius = depth + (np.minimum(inner, depth) - depth) * margin
        angle = turn + sign * (0.02 * margin + 0.55 * under)
        out[k] = np.stack([rim[:, 0], radius * np.sin(angle), radius * np.cos(angle)], axis=1)
        # Beside the eyeball the lid's inside runs into it, so that no gap shows at the corners.
        into = rim * np.array([0.86 - 0.12 * under, 1.0, 0.8])
        into *= (p.eye_radius - 0.04 - 0.20 * under) / np.sqrt((into**2).sum(-1, keepdims=True))
        corner = smoothstep(0.80, 0.98, np.abs(2 * along - 1))[:, None] * min(2 * under, 1.0)
        out[k] += corner * (into - out[k])
    return out + centre, _extended(flat, len(rows))


def _extended(flat: Floats, n_rows: int) -> Floats:
    """Repeat the last row for the rows that lie inside."""
    return np.concatenate([flat, np.repeat(flat[-1:], n_rows - len(flat), axis=0)])


def lip_line(p: Proportions, x: Floats) -> Floats:
    """Return the height at which the lips meet."""
    xi = np.clip(np.abs(x) / p.mouth_half_width, 0.0, 1.0)
    return np.asarray(
        p.mouth_height - 0.05 * np.exp(-((xi / 0.22) ** 2)) + 0.06 * xi**2 * (1 - xi) * 4 - 0.10 * xi**3
    )


def _vermilion(p: Proportions, xi: Floats, *, upper: bool) -> Floats:
    """Return the height of the lip's border above or below the line where lips meet."""
    end = (1.0 - np.clip(xi, 0, 1) ** 2.2) ** 0.75
    if upper:
        bow = 1.0 + 0.16 * np.exp(-(((xi - 0.17) / 0.13) ** 2)) - 0.10 * np.exp(-((xi / 0.09) ** 2))
        return np.asarray(p.lip_fullness * 0.66 * end * bow * (1.0 - 0.28 * xi))
    return np.asarray(-p.lip_fullness * 0.86 * end * (1.0 - 0.10 * xi**2))


def mouth(shape: HeadShape, border: Floats, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return the rings around and into the mouth, (A, B, 3), and the frontal x and y that led to them, (A, B, 2).

    Parameters
    ----------
    border : (B, 2) floats
        Frontal x and y of the block's border.
    rows : (A,) floats
        0 to 1 skin, 1 to 2 the red of the lip, 2 to 3 the lip's inside, 3 to 4 the sock behind the teeth.
    columns : (B,) floats
        0 to 1 along the upper lip from the middle to the corner, 1 to 2 back along the lower.
    """
    p = shape.proportions
    upper = columns <= 1.0
    side = np.sign(1.0 - columns) * (np.abs(columns - 1.0) > 1e-9)
    along = np.where(upper, columns, 2.0 - columns)
    xi = 0.62 * along + 0.38 * np.sin(0.5 * np.pi * along)
    half = p.mouth_half_width
    line = np.stack([half * xi, lip_line(p, half * xi)], axis=1)
    red = line.copy()
    red[:, 0] += 0.10 * xi**6
    red[:, 1] += np.where(upper, _vermilion(p, xi, upper=True), _vermilion(p, xi, upper=False))
    skin = rows <= 1.0
    flat = border + rows[skin][:, None, None] * (red - border)
    flat = np.concatenate([flat, line[None]])
    body = shape.surface(*shape.chart(flat[..., 0].ravel(), flat[..., 1].ravel())).reshape(*flat.shape[:2], 3)
    line_at = body[-1]
    body = body[:-1]
    # A faint ridge runs along the border of the red.
    ridge = smoothstep(0.72, 1.0, rows[skin])[:, None] * (0.075 * (1 - xi**4))[None]
    body[..., 2] += ridge
    taper = (1.0 - xi**2.6) ** 0.8
    meet = line_at.copy()
    meet[:, 2] += 0.06 * taper - 0.22 * smoothstep(0.6, 1.0, xi)
    meet[:, 1] = line[:, 1] + side * 0.0005
    meet[:, 0] = line[:, 0]
    start = body[-1]
    bulge = np.where(upper, 0.40, 0.50) * p.lip_fullness * taper
    out = np.empty((len(rows), len(columns), 3))
    out[skin] = body
    # The red of the lip: a cubic from its border, out over the roll, and straight in at the line of contact.
    first = start + 0.40 * (meet - start) + np.stack([0 * xi, 0 * xi, 0.75 * bulge], axis=1)
    second = meet + np.stack([0 * xi, -0.06 * np.where(upper, taper, 0.0), 1.05 * bulge + 0.02], axis=1)
    # Inside: in between the lips, then away along the teeth, then back to the throat.
    teeth_z = p.teeth_front + 0.12 - 4.6 * (1 - np.sqrt(np.clip(1 - (line[:, 0] / 3.25) ** 2, 0, 1)))
    behind = np.minimum(meet[:, 2] - 0.35, teeth_z + 0.15)
    lip_in = np.stack([line[:, 0] * 0.995, line[:, 1] + side * (0.10 * taper + 0.002), behind], axis=1)
    grow = np.where(upper, 1.25, 1.55)
    # Roof and floor come together over the last columns before the corner.
    wide = grow * np.sign(1.0 - columns) * smoothstep(0.0, 0.20, np.abs(1.0 - columns))
    vestibule = np.stack([0.1 + 1.16 * line[:, 0], line[:, 1] + wide, behind - 0.25], axis=1)
    vestibule[[0, -1], 0] = 0.0
    vestibule[:, 0] = vestibule[:, 0] * (line[:, 0] > 0)
    roof = np.stack([1.32 * line[:, 0], line[:, 1] + wide, behind - 2.6], axis=1)
    throat = np.stack([0.6 * line[:, 0], 0 * xi + p.mouth_height - 0.8, 0 * xi + 2.0], axis=1)
    inside = spline(
        [2.0, 2.4, 3.0, 3.5, 4.0], np.stack([meet, lip_in, vestibule, roof, throat]), rows[rows > 2.0]
    )
    out[rows > 2.0] = inside
    for k in np.flatnonzero((rows > 1.0) & (rows <= 2.0)):
        t = rows[k] - 1.0
        out[k] = (
            (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * first + 3 * t**2 * (1 - t) * second + t**3 * meet
        )
    out[:, [0, -1], 0] = 0.0
    red_rows = rows[(rows > 1.0) & (rows <= 2.0)] - 1.0
    frontal = np.concatenate([flat[:-1], red + red_rows[:, None, None] * (line - red)])
    return out, _extended(frontal, len(rows))


def ear(shape: HeadShape, border: Floats, middle: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return the rings that rise from the head over the helix towards the bowl, (A, B, 3).

    Parameters
    ----------
    border : (B, 2) floats
        Chart coordinates of the block's border.
    middle : (2,) floats
        Chart coordinates of the ear's middle.
    rows : (A,) floats
        0 on the head to 1 at the ridge around the bowl.
    columns : (B,) floats
        0 in front, 0.5 above, 1 behind, 1.5 below.
    """
    centre = shape.surface(middle[:1], middle[1:])[0]
    # Radius and lift of the sheet: where it leaves the head, its back, the helix (three), the groove, the ridge.
    reach = ((0.90, 0.50), (1.00, 0.86), (0.97, 1.06), (0.86, 1.00), (0.77, 0.74), (0.62, 0.86))
    knots = np.arange(len(reach) + 2) / (len(reach) + 1.0)
    on_head = np.minimum(rows / knots[1], 1.0)[:, None, None]
    angle = np.pi - np.pi * columns
    foot = np.stack([0.19 * np.cos(angle), 0.45 - 1.10 * np.sin(angle)], axis=1) + middle
    flat = border + on_head * (foot - border)
    out = shape.surface(flat[..., 0].ravel(), flat[..., 1].ravel()).reshape(*flat.shape[:2], 3)
    stations = [out[-1], *(_ear_point(shape.proportions, columns, *at, centre) for at in reach)]
    rising = rows > knots[1] + 1e-9
    out[rising] = spline(knots[1:], np.stack(stations), rows[rising])
    return out


def _ear_frame() -> Floats:
    out = np.array([0.90, 0.06, 0.42])
    up = np.array([0.0, 0.97, -0.22])
    out /= np.linalg.norm(out)
    up -= out * (up @ out)
    up /= np.linalg.norm(up)
    return np.stack([np.cross(up, out), up, out])  # rows: back, up, out


def _ear_point(
    p: Proportions, columns: Floats, radial: Floats | float, lift: Floats | float, centre: Floats
) -> Floats:
    angle = np.pi - np.pi * columns
    back, up = np.cos(angle), np.sin(angle)
    width = np.where(back > 0, 1.75, 1.25) * (1.0 + 0.22 * up)
    height = np.where(up > 0, 2.95, 3.0)
    power = 2.3
    radius = (np.abs(back) ** power + np.abs(up) ** power) ** (-1.0 / power)
    behind = 0.5 + 0.5 * back
    rise = 0.62 + 0.55 * behind + 0.25 * np.maximum(up, 0) - 0.30 * np.maximum(-up, 0) ** 2
    frame = _ear_frame()
    flat = (width * radius * back * radial)[..., None] * frame[0] + (height * radius * up * radial)[
        ..., None
    ] * frame[1]
    return np.asarray(centre + p.ear_size * (flat + (rise * lift)[..., None] * frame[2]))


def ear_bowl(
    shape: HeadShape, centre: Floats, rows: Floats, columns: Floats, edge: Floats, edge_columns: Floats
) -> Floats:
    """Return the bowl inside the ear's ridge, (A, B, 3); `edge` is the last ring, whose columns are `edge_columns`."""
    u, v = np.meshgrid(columns, -rows)
    ring = np.maximum(np.abs(u), np.abs(v))
    half_u, half_v = len(columns) - 1, len(rows) - 1
    # Where around the border a cell of the patch points, in the ring's own columns: from the middle of the left side.
    scale = 1.0 / np.maximum(ring, 1e-9)
    pu, pv = u * scale, v * scale
    total = 2.0 * (half_u + half_v)
    left = np.where(pv >= 0, pv * half_v / 2, total + pv * half_v / 2)
    top = half_v / 2 + (pu + 1) / 2 * half_u
    right = half_v / 2 + half_u + (1 - pv) / 2 * half_v
    low = half_v / 2 + half_u + half_v + (1 - pu) / 2 * half_u
    on = np.select([np.isclose(pu, -1), np.isclose(pv, 1), np.isclose(pu, 1)], [left, top, right], low)
    around = (on / total * 2.0) % 2.0
    p = shape.proportions
    depth = monotone([0.0, 0.45, 0.75, 1.0], [0.10, 0.18, 0.55, 0.90], ring.ravel()).reshape(ring.shape)
    # The tragus stands in front of the bowl.
    front = np.exp(-(((np.minimum(around, 2 - around)) / 0.16) ** 2)) * np.exp(-(((ring - 0.75) / 0.3) ** 2))
    out = _ear_point(p, around, 0.62 * ring, depth, centre)
    out = out + (0.45 * front)[..., None] * _ear_frame()[2]
    return np.where((ring > 1 - 1e-9)[..., None], _pick(edge, edge_columns, around), out)


def _pick(edge: Floats, edge_columns: Floats, around: Floats) -> Floats:
    return np.stack([np.interp(around, edge_columns, edge[:, k]) for k in range(3)], axis=-1)


def square_edge(columns: Floats) -> tuple[Floats, Floats]:
    """Return points of the unit circle for columns 0 to 2, clockwise around a square from its upper left corner."""
    k = columns / 2.0 * 4.0
    edge = np.minimum(k.astype(np.int64), 3)
    t = 2.0 * (k - edge) - 1.0
    one = np.ones_like(t)
    u = np.select([edge == 0, edge == 1, edge == 2], [t, one, -t], -one)
    v = np.select([edge == 0, edge == 1, edge == 2], [one, -t, -one], t)
    return square_to_disc(u, v)


def square_to_disc(u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Return where points of the square [-1, 1]² lie when it is pressed into the unit disc."""
    return u * np.sqrt(1 - v**2 / 2), v * np.sqrt(1 - u**2 / 2)


PUPIL, IRIS, BACK = 0.17, 0.50, 2.65


def eyeball_cap(p: Proportions, rows: Floats, columns: Floats, *, back: bool) -> Floats:
    """Return a patch over the pole of the eyeball, (A, B, 3)."""
    u, v = np.meshgrid(columns, -rows)
    x, y = square_to_disc(u, v)
    polar = np.hypot(x, y) * (np.pi - BACK if back else PUPIL)
    around = np.arctan2(y, x)
    z = -np.cos(polar) if back else np.cos(polar)
    out = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), z], axis=-1)
    return np.asarray(np.asarray(p.eye_centre) + p.eye_radius * out)


def eyeball(p: Proportions, rows: Floats, columns: Floats) -> Floats:
    """Return the rings of the eyeball from pupil (row 0) to its back (row 1), (A, B, 3); columns 0 to 2."""
    x, y = square_edge(columns)
    polar = monotone([0.0, 2 / 7, 1.0], [PUPIL, IRIS, BACK], rows)[:, None]
    out = np.stack(
        [np.sin(polar) * x[None], np.sin(polar) * y[None], np.cos(polar) * np.ones_like(x)[None]], axis=-1
    )
    return np.asarray(np.asarray(p.eye_centre) + p.eye_radius * out)


def teeth(p: Proportions, rows: Floats, columns: Floats, *, upper: bool) -> Floats:
    """Return half an arch of teeth, (A, B, 3): rows over its section, columns from the middle to the last molar."""
    arch = columns * 1.36
    size = 1.0 if upper else 0.93
    front = p.teeth_front if upper else p.teeth_front - 0.22
    section = rows if upper else 1.0 - rows
    edge_y = p.mouth_height - (0.22 if upper else 0.12)
    tall = 1.35 if upper else -1.35
    height = monotone([0.0, 0.25, 0.5, 0.75, 1.0], [1.0, 0.5, 0.0, 0.5, 1.0], section)[:, None]
    depth = spline([0.0, 0.25, 0.5, 0.75, 1.0], [0.04, 0.0, 0.22, 0.52, 0.62], section)[:, None]
    phase = np.abs(np.sin(np.pi * columns * 7.0))
    gap = 0.10 * (1 - phase) ** 2 * (1 - height) * np.ones_like(columns)
    inset = depth + (1.0 - 2.0 * smoothstep(0.3, 0.7, section))[:, None] * 0.6 * gap
    radius_x, radius_z = 2.85 * size - inset, 4.6 - inset
    sine, cosine = np.sin(arch)[None], np.cos(arch)[None]
    y = (
        edge_y
        + tall * height
        + np.sign(tall) * (0.8 * gap + (0.10 if upper else 0.42) * np.sin(arch)[None] ** 2)
    )
    return np.stack([radius_x * sine, y + 0 * sine, front - 4.6 + radius_z * cosine], axis=-1)
