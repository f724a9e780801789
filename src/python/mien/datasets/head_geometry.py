"""Positions of every vertex of half a head at rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien.datasets import head_parts as parts
from mien.datasets.curves import monotone
from mien.datasets.head_shape import HeadShape
from mien.datasets.head_topology import _COLUMN_CELLS, _ROW_CELLS, Layout, Sheet

__all__ = ["HalfHead", "half_head"]

Floats = npt.NDArray[np.float64]

# Chart coordinates of the lattice's macro columns and rows.
_ANGLES = (0.0, 0.158, 0.502, 0.80, 1.30, 1.98, np.pi)
_ROWS = (0.75, 6.55, 8.80, 10.95, 13.25, 15.45, 21.0)
# Chart coordinates of the middle of the ear.
_EAR = (1.60, 8.10)


@dataclasses.dataclass(frozen=True)
class HalfHead:
    """Half a head: positions, and where each vertex lies on its part.

    Parameters
    ----------
    positions : (n, 3) floats
        At rest, centimetres.
    angle, row : (n,) floats
        Chart coordinates of the skin; NaN where a vertex belongs to another part.
    """

    positions: Floats
    angle: Floats
    row: Floats


def _lines(marks: tuple[float, ...], cells: dict[str, int], at: Floats) -> Floats:
    counts = np.concatenate([[0.0], np.cumsum(list(cells.values()))])
    place = np.interp(at, np.arange(len(counts)), counts)
    return monotone(counts, marks, place)


def half_head(layout: Layout, shape: HeadShape) -> HalfHead:
    """Return half a head of the given layout and shape."""
    positions = np.full((layout.n, 3), np.nan)
    angle, row = np.full(layout.n, np.nan), np.full(layout.n, np.nan)
    sheets = layout.sheets
    lattice = sheets["lattice"]
    used = lattice.ids >= 0
    grid_angle, grid_row = np.meshgrid(
        _lines(_ANGLES, _COLUMN_CELLS, lattice.columns), _lines(_ROWS, _ROW_CELLS, lattice.rows)
    )
    ids = lattice.ids[used]
    angle[ids], row[ids] = grid_angle[used], grid_row[used]
    crown = sheets["crown"]
    u, v = np.meshgrid(crown.rows, crown.columns, indexing="ij")
    ring = np.maximum(np.abs(u), np.abs(v))
    scale = 1.0 / np.maximum(ring, 1e-12)
    side, along = len(crown.rows) - 1.0, len(crown.columns) - 1.0
    pu, pv = u * scale, v * scale
    on = np.where(pv <= -1 + 1e-9, pu * side, np.where(pv >= 1 - 1e-9, 2 * side + along - pu * side, side + (pv + 1) / 2 * along))
    around = np.interp(on.ravel(), np.arange(len(lattice.columns)), grid_angle[0]).reshape(on.shape)
    inner = ring < 1 - 1e-9
    angle[crown.ids[inner]], row[crown.ids[inner]] = around[inner], _ROWS[0] * ring[inner]
    skin = np.flatnonzero(~np.isnan(angle))
    positions[skin] = shape.surface(angle[skin], row[skin])
    frontal = np.full((layout.n, 2), np.nan)
    frontal[skin] = shape.scaffold(angle[skin], row[skin])[1][:, :2]
    for name, bend in (("eye", parts.lids), ("mouth", parts.mouth)):
        sheet = sheets[name]
        rings, flat = bend(shape, frontal[sheet.ids[0]], sheet.rows, sheet.columns)
        inner = sheet.ids[1:]
        positions[inner] = rings[1:]
        at = shape.chart(flat[1:, :, 0].ravel(), flat[1:, :, 1].ravel())
        angle[inner], row[inner] = at[0].reshape(inner.shape), at[1].reshape(inner.shape)
    ear, bowl = sheets["ear"], sheets["ear_bowl"]
    middle = np.array(_EAR)
    centre = shape.surface(middle[:1], middle[1:])[0]
    at = np.stack([angle[ear.ids[0]], row[ear.ids[0]]], axis=1)
    rings = parts.ear(shape, at, middle, ear.rows, ear.columns)
    positions[ear.ids[1:]] = rings[1:]
    _shrink(angle, row, ear, bowl, middle)
    positions[bowl.ids] = parts.ear_bowl(shape, centre, bowl.rows, bowl.columns, rings[-1], ear.columns)
    p = shape.proportions
    ball, pupil, back = sheets["eyeball"], sheets["pupil"], sheets["eyeball_back"]
    positions[ball.ids] = parts.eyeball(p, ball.rows, ball.columns)
    positions[pupil.ids] = parts.eyeball_cap(p, pupil.rows, pupil.columns, back=False)
    positions[back.ids] = parts.eyeball_cap(p, back.rows, back.columns, back=True)
    for name in ("upper_teeth", "lower_teeth"):
        sheet = sheets[name]
        positions[sheet.ids] = parts.teeth(p, sheet.rows, sheet.columns, upper=name == "upper_teeth")
    positions[layout.seam, 0] = 0.0
    return HalfHead(positions, angle, row)


def _shrink(angle: Floats, row: Floats, ear: Sheet, bowl: Sheet, middle: Floats) -> None:
    """Give the ear chart coordinates inside its block, for textures."""
    border = np.stack([angle[ear.ids[0]], row[ear.ids[0]]], axis=1)
    rings = border + 0.75 * ear.rows[:, None, None] * (middle - border)
    angle[ear.ids[1:]], row[ear.ids[1:]] = rings[1:, :, 0], rings[1:, :, 1]
    edge = np.stack([angle[bowl.ids], row[bowl.ids]], axis=-1)
    u, v = ((bowl.columns + 1) / 2)[None, :, None], ((bowl.rows + 1) / 2)[:, None, None]
    # Coons patch between the four sides of the last ring.
    fill = (1 - v) * edge[:1] + v * edge[-1:] + (1 - u) * edge[:, :1] + u * edge[:, -1:]
    fill = fill - (1 - v) * ((1 - u) * edge[0, 0] + u * edge[0, -1]) - v * ((1 - u) * edge[-1, 0] + u * edge[-1, -1])
    angle[bowl.ids], row[bowl.ids] = fill[..., 0], fill[..., 1]
