"""Texture coordinates of half a head: the skin over its chart, small islands below for what lies inside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.datasets.head_shape import ROWS
from mien.datasets.head_topology import Layout

__all__ = ["half_uvs"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def half_uvs(layout: Layout, angle: Floats, row: Floats) -> tuple[Floats, Integers]:
    """Return texture coordinates (U, 2) of the right half of the square and those of each quad's corners (N, 4).

    Parameters
    ----------
    layout : Layout
        The half head.
    angle, row : (n,) floats
        Chart coordinates of the skin.
    """
    uvs = np.stack([0.5 + np.nan_to_num(angle) / (2 * np.pi), 1.0 - 0.8 * np.nan_to_num(row) / ROWS], axis=1)
    sheets = layout.sheets
    # The crown is a disc in the chart's polar coordinates; unrolled it would have a seam.
    for name, corner in (("upper_teeth", 0.51), ("lower_teeth", 0.61)):
        v, u = np.meshgrid(sheets[name].rows, sheets[name].columns, indexing="ij")
        uvs[sheets[name].ids] = np.stack([corner + 0.08 * u, 0.02 + 0.14 * v], axis=-1)
    for name in ("eyeball", "pupil", "eyeball_back"):
        uvs[sheets[name].ids] = _disc(sheets[name].ids, sheets[name].rows, sheets[name].columns, name)
    mouth, eye = sheets["mouth"], sheets["eye"]
    rim, edge = int(np.searchsorted(mouth.rows, 2.0 - 1e-9)), int(np.searchsorted(eye.rows, 1.0 - 1e-9))
    v, u = np.meshgrid(mouth.rows[rim:] / 2.0 - 1.0, mouth.columns / 2.0, indexing="ij")
    inside = np.stack([0.82 + 0.17 * u, 0.10 + 0.08 * v], axis=-1)
    r, a = np.meshgrid(0.04 + 0.03 * (eye.rows[edge:] - 1.0), np.pi * eye.columns, indexing="ij")
    under = np.stack([0.90 + 0.6 * r * np.cos(a), 0.05 + 0.4 * r * np.sin(a)], axis=-1)
    extra, corners = [], layout.quads.copy()
    count = layout.n
    sheet_names = list(sheets)
    for name, ids, first, island in (("mouth", mouth.ids, rim, inside), ("eye", eye.ids, edge, under)):
        uvs[ids[first + 1 :, ::-1]] = island[1:, ::-1]
        # Where skin ends and the island begins, vertices have a second pair.
        own = ids[first] if name == "mouth" else ids[first, :-1]
        extra.append(island[0, : len(own)])
        second = np.arange(layout.n)
        second[own] = count + np.arange(len(own))
        count += len(own)
        width = ids.shape[1] - 1
        quads = np.flatnonzero(layout.sheet_of_quad == sheet_names.index(name))[first * width :]
        corners[quads] = second[layout.quads[quads]]
    return np.concatenate([uvs, *extra]), corners


def _disc(ids: Integers, rows: Floats, columns: Floats, name: str) -> Floats:
    """Return the eyeball as a disc seen from the front, its back pole spread over the rim."""
    if name == "eyeball":
        k = columns / 2.0 * 4.0
        edge = np.minimum(k.astype(np.int64), 3)
        t = 2.0 * (k - edge) - 1.0
        one = np.ones_like(t)
        u = np.select([edge == 0, edge == 1, edge == 2], [t, one, -t], -one)
        v = np.select([edge == 0, edge == 1, edge == 2], [one, -t, -one], t)
        radius = (0.1 + 0.8 * rows)[:, None]
    else:
        u, v = np.meshgrid(columns, -rows)
        radius = np.ones((1, 1))
    x, y = u * np.sqrt(1 - v**2 / 2), v * np.sqrt(1 - u**2 / 2)
    if name == "pupil":
        x, y = 0.1 * x, 0.1 * y
    if name == "eyeball_back":
        # Folded outwards: the middle of the patch lies on the disc's rim circle.
        length = np.maximum(np.hypot(x, y), 1e-9)
        x, y = x / length * (1.0 - 0.1 * length), y / length * (1.0 - 0.1 * length)
    return np.stack([0.76 + 0.055 * radius * x, 0.06 + 0.055 * radius * y], axis=-1)
