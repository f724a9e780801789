"""Texture coordinates of half a head: the skin over its chart, small islands below for everything else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.datasets.head_parts import square_edge, square_to_disc
from mien.datasets.head_shape import ROWS
from mien.datasets.head_topology import Layout, Sheet

__all__ = ["half_uvs"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def _rectangle(sheet: Sheet, left: float, right: float, low: float, high: float) -> Floats:
    """Return a sheet's rows and columns stretched over a rectangle, (A, B, 2), rows downwards."""
    v, u = np.meshgrid(
        (sheet.rows - sheet.rows[0]) / np.ptp(sheet.rows),
        (sheet.columns - sheet.columns[0]) / np.ptp(sheet.columns),
        indexing="ij",
    )
    return np.stack([left + (right - left) * np.abs(u), high - (high - low) * np.abs(v)], axis=-1)


def half_uvs(layout: Layout, angle: Floats, row: Floats) -> tuple[Floats, Integers]:
    """Return texture coordinates (U, 2) in the right half of the unit square and those of each quad's corners, (N, 4).

    Parameters
    ----------
    layout : Layout
        The half head.
    angle, row : (n,) floats
        Chart coordinates of the skin.

    Notes
    -----
    The first n pairs belong to the n vertices; where an island meets the skin, its border has pairs of its own.
    """
    uvs = np.stack([0.5 + np.nan_to_num(angle) / (2 * np.pi), 1.0 - 0.8 * np.nan_to_num(row) / ROWS], axis=1)
    sheets, names = layout.sheets, list(layout.sheets)
    mouth, eye, ball = sheets["mouth"], sheets["eye"], sheets["eyeball"]
    rim, edge = int(np.searchsorted(mouth.rows, 2.0 - 1e-9)), int(np.searchsorted(eye.rows, 1.0 - 1e-9))
    radius, around = np.meshgrid(
        0.04 - 0.012 * (eye.rows[edge:] - 1.0), np.pi * (1.0 - eye.columns), indexing="ij"
    )
    disc = np.stack(square_edge(ball.columns), axis=-1)[None] * (0.1 + 0.9 * ball.rows)[:, None, None]
    u, v = np.meshgrid(sheets["pupil"].columns, -sheets["pupil"].rows)
    pupil = 0.1 * np.stack(square_to_disc(u, v), axis=-1)
    inside = Sheet(mouth.ids[rim:], mouth.rows[rim:], mouth.columns)
    islands: dict[str, tuple[int, Floats]] = {
        "upper_teeth": (0, _rectangle(sheets["upper_teeth"], 0.51, 0.59, 0.02, 0.16)),
        "lower_teeth": (0, _rectangle(sheets["lower_teeth"], 0.61, 0.69, 0.02, 0.16)),
        "eyeball": (0, [0.76, 0.08] + 0.055 * disc),
        "pupil": (0, [0.76, 0.08] + 0.055 * pupil),
        "eyeball_back": (0, _rectangle(sheets["eyeball_back"], 0.96, 0.99, 0.02, 0.08)),
        "crown": (0, _rectangle(sheets["crown"], 0.83, 0.87, 0.02, 0.09)),
        "mouth": (rim, _rectangle(inside, 0.83, 0.99, 0.10, 0.18)),
        "eye": (
            edge,
            np.stack([0.92 + 0.6 * radius * np.cos(around), 0.05 + radius * np.sin(around)], axis=-1),
        ),
    }
    corners, extra, count = layout.quads.copy(), [uvs], layout.n
    for name, (first, place) in islands.items():
        ids = sheets[name].ids[first:]
        vertices, where = np.unique(ids, return_index=True)
        pairs = np.full(layout.n, -1, dtype=np.int64)
        pairs[vertices] = count + np.arange(len(vertices))
        extra.append(place.reshape(-1, 2)[where])
        count += len(vertices)
        quads = np.flatnonzero(layout.sheet_of_quad == names.index(name))[first * (ids.shape[1] - 1) :]
        corners[quads] = pairs[layout.quads[quads]]
    used, corners = np.unique(corners, return_inverse=True)
    return np.concatenate(extra)[used], corners.reshape(layout.quads.shape)
