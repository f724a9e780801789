"""Positions of every vertex of half a head at rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien.datasets import head_parts as parts
from mien.datasets.curves import monotone, smoothstep
from mien.datasets.head_shape import HeadShape
from mien.datasets.head_topology import COLUMN_CELLS, ROW_CELLS, Layout, Sheet

__all__ = ["HalfHead", "half_head"]

Floats = npt.NDArray[np.float64]

# Chart coordinates of the lattice's macro columns and rows.
_ANGLES = (0.0, 0.158, 0.502, 0.80, 1.30, 1.98, np.pi)
_ROWS = (0.75, 6.55, 8.80, 10.95, 13.25, 15.45, 21.0)
# Chart coordinates of the middle of the ear.
_EAR = (1.62, 7.75)


@dataclasses.dataclass(frozen=True)
class HalfHead:
    """Half a head: positions, and where each vertex lies on the skin's chart.

    Parameters
    ----------
    positions : (n, 3) floats
        At rest, centimetres.
    angle, row : (n,) floats
        Chart coordinates; NaN for eyeballs and teeth.
    """

    positions: Floats
    angle: Floats
    row: Floats


def _lines(marks: tuple[float, ...], cells: dict[str, int], at: Floats) -> Floats:
    counts = np.concatenate([[0.0], np.cumsum(list(cells.values()))])
    place = np.interp(at, np.arange(len(counts)), counts)
    return monotone(counts, marks, place)


def _lattice(sheet: Sheet) -> tuple[Floats, Floats]:
    """Return the chart coordinates of the whole lattice, holes included, (A, B) each."""
    angle, row = np.meshgrid(
        _lines(_ANGLES, COLUMN_CELLS, sheet.columns), _lines(_ROWS, ROW_CELLS, sheet.rows)
    )
    # Columns that crowd in the face spread out evenly over the crown and down the neck.
    even = np.linspace(0.0, np.pi, len(sheet.columns))
    spread = np.maximum(1.0 - smoothstep(0.5, 5.8, row), 0.85 * smoothstep(15.5, 21.0, row))
    return angle + spread * (even - angle), row


def _crown(sheet: Sheet, first_row: Floats) -> tuple[Floats, Floats]:
    """Return the chart coordinates of the patch on the crown: rings of a square in polar coordinates."""
    u, v = np.meshgrid(sheet.rows, sheet.columns, indexing="ij")
    ring = np.maximum(np.abs(u), np.abs(v))
    pu, pv = u / np.maximum(ring, 1e-12), v / np.maximum(ring, 1e-12)
    side, along = len(sheet.rows) - 1.0, len(sheet.columns) - 1.0
    left = side + (pv + 1) / 2 * along
    on = np.select([pv <= -1 + 1e-9, pv >= 1 - 1e-9], [pu * side, 2 * side + along - pu * side], left)
    around = np.interp(on.ravel(), np.arange(len(first_row)), first_row).reshape(on.shape)
    return around, _ROWS[0] * ring


def half_head(layout: Layout, shape: HeadShape) -> HalfHead:
    """Return half a head of the given layout and shape."""
    out = HalfHead(np.full((layout.n, 3), np.nan), np.full(layout.n, np.nan), np.full(layout.n, np.nan))
    sheets, positions, angle, row = layout.sheets, out.positions, out.angle, out.row
    ids = sheets["lattice"].ids
    lattice, crown = _lattice(sheets["lattice"]), _crown(sheets["crown"], _lattice(sheets["lattice"])[0][0])
    inner = np.s_[:-1, 1:-1]
    angle[ids[ids >= 0]], row[ids[ids >= 0]] = lattice[0][ids >= 0], lattice[1][ids >= 0]
    angle[sheets["crown"].ids[inner]], row[sheets["crown"].ids[inner]] = crown[0][inner], crown[1][inner]
    skin = np.flatnonzero(~np.isnan(angle))
    positions[skin] = shape.surface(angle[skin], row[skin])
    for name, bend in (("eye", parts.lids), ("mouth", parts.mouth)):
        sheet = sheets[name]
        border = shape.scaffold(angle[sheet.ids[0]], row[sheet.ids[0]])[1][:, :2]
        rings, flat = bend(shape, border, sheet.rows, sheet.columns)
        own = sheet.ids[1:]
        positions[own] = rings[1:]
        chart = shape.chart(flat[1:, :, 0].ravel(), flat[1:, :, 1].ravel())
        angle[own], row[own] = chart[0].reshape(own.shape), chart[1].reshape(own.shape)
    _place_ear(out, layout, shape)
    _place_solids(out, layout, shape)
    positions[layout.seam, 0] = 0.0
    return out


def _place_solids(half: HalfHead, layout: Layout, shape: HeadShape) -> None:
    p, sheets, positions = shape.proportions, layout.sheets, half.positions
    ball, pupil, back = sheets["eyeball"], sheets["pupil"], sheets["eyeball_back"]
    positions[ball.ids] = parts.eyeball(p, ball.rows, ball.columns)
    positions[pupil.ids] = parts.eyeball_cap(p, pupil.rows, pupil.columns, back=False)
    positions[back.ids] = parts.eyeball_cap(p, back.rows, back.columns, back=True)
    for name in ("upper_teeth", "lower_teeth"):
        sheet = sheets[name]
        positions[sheet.ids] = parts.teeth(p, sheet.rows, sheet.columns, upper=name == "upper_teeth")


def _place_ear(half: HalfHead, layout: Layout, shape: HeadShape) -> None:
    """Place the ear, and give it chart coordinates inside its block, for textures."""
    ear, bowl = layout.sheets["ear"], layout.sheets["ear_bowl"]
    middle = np.array(_EAR)
    border = np.stack([half.angle[ear.ids[0]], half.row[ear.ids[0]]], axis=1)
    rings = parts.ear(shape, border, middle, ear.rows, ear.columns)
    half.positions[ear.ids[1:]] = rings[1:]
    centre = shape.surface(middle[:1], middle[1:])[0]
    half.positions[bowl.ids] = parts.ear_bowl(shape, centre, bowl.rows, bowl.columns, rings[-1], ear.columns)
    chart = border + 0.75 * ear.rows[:, None, None] * (middle - border)
    half.angle[ear.ids[1:]], half.row[ear.ids[1:]] = chart[1:, :, 0], chart[1:, :, 1]
    edge = np.stack([half.angle[bowl.ids], half.row[bowl.ids]], axis=-1)
    u, v = ((bowl.columns + 1) / 2)[None, :, None], ((bowl.rows + 1) / 2)[:, None, None]
    # A Coons patch between the four sides of the last ring.
    fill = (1 - v) * edge[:1] + v * edge[-1:] + (1 - u) * edge[:, :1] + u * edge[:, -1:]
    fill = fill - (1 - v) * ((1 - u) * edge[0, 0] + u * edge[0, -1])
    fill = fill - v * ((1 - u) * edge[-1, 0] + u * edge[-1, -1])
    half.angle[bowl.ids], half.row[bowl.ids] = fill[..., 0], fill[..., 1]
