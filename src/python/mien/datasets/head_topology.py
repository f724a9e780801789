"""The quad layout of the procedural head: a lattice with loops around eyes, mouth and ears.

One half is laid out, the subject's left, and mirrored. The lattice runs over the chart of the skin in rows (crown to
neck) and columns (front to back). Four blocks of it are taken out and filled with rings that run from the block's
border inwards: to the lid's rim and under the lid, over the lips into the mouth, up the ear and into its bowl; a
patch closes the crown. Every count follows from one density, so that all resolutions have the same layout.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

__all__ = ["COLUMN_CELLS", "ROW_CELLS", "Layout", "Sheet", "half_layout"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Macro columns and rows: cells at density 1 between one mark and the next.
COLUMN_CELLS = {"nose": 5, "eye_in": 7, "eye_out": 4, "cheek": 5, "ear": 4, "nape": 5}
ROW_CELLS = {"cranium": 9, "eye": 10, "cheek": 10, "mouth": 10, "chin": 5, "neck": 7}
# Rings: border to lid rim, lid margin, under the lid; border to vermilion, lip, inner lip, sock; ear; eyeball; teeth.
_RING_CELLS = {
    "lid": 5,
    "margin": 1,
    "under_lid": 2,
    "skin": 4,
    "lip": 3,
    "inner_lip": 2,
    "sock": 4,
    "ear": 6,
}
_EYEBALL_SIDE, _EYEBALL_RINGS = 4, 7
_TOOTH_COLUMNS, _TOOTH_ROWS = 16, 4


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A rectangular sheet of vertices.

    Parameters
    ----------
    ids : (A, B) integers
        Vertices, rows by columns; a ring repeats its first column at the end.
    rows, columns : (A,), (B,) floats
        Where rows and columns lie in units that do not depend on the resolution.
    """

    ids: Integers
    rows: Floats
    columns: Floats


@dataclasses.dataclass(frozen=True)
class Layout:
    """Half a head as sheets.

    Parameters
    ----------
    n : int
        Vertices of the half.
    sheets : dict
        Sheets by name.
    quads : (N, 4) integers
        All faces of the half, counter-clockwise from outside.
    sheet_of_quad : (N,) integers
        Which sheet (in order) a face belongs to.
    seam : (n,) bool
        Vertices on the plane of symmetry.
    """

    n: int
    sheets: dict[str, Sheet]
    quads: Integers
    sheet_of_quad: Integers
    seam: npt.NDArray[np.bool_]


def _steps(cells: dict[str, int], density: float, even: tuple[str, ...]) -> tuple[Floats, dict[str, int]]:
    """Return positions of lattice lines in macro units and, for every mark, the index where its interval starts."""
    at, marks, lines = 0, {}, [np.zeros(1)]
    for k, (name, base) in enumerate(cells.items()):
        count = max(1, round(base * density))
        if name in even:
            count = max(2, 2 * round(base * density / 2))
        marks[name] = at
        lines.append(k + np.arange(1, count + 1) / count)
        at += count
    marks["end"] = at
    return np.concatenate(lines), marks


def _ring_rows(names: tuple[str, ...], density: float) -> Floats:
    rows = [np.zeros(1)]
    for k, name in enumerate(names):
        count = max(1, round(_RING_CELLS[name] * density))
        rows.append(k + np.arange(1, count + 1) / count)
    return np.concatenate(rows)


class _Builder:
    """Collects sheets and counts vertices."""

    def __init__(self) -> None:
        self.n = 0
        self.sheets: dict[str, Sheet] = {}
        self.quads: list[Integers] = []

    def new(self, *shape: int) -> Integers:
        count = int(np.prod(shape))
        out = np.arange(self.n, self.n + count).reshape(shape)
        self.n += count
        return out

    def add(
        self, name: str, ids: Integers, rows: Floats, columns: Floats, keep: Integers | None = None
    ) -> None:
        quads = np.stack([ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]], axis=-1)
        self.sheets[name] = Sheet(ids, rows, columns)
        self.quads.append(quads.reshape(-1, 4) if keep is None else quads[keep.astype(bool)])

    def rings(self, name: str, border: Integers, rows: Floats, columns: Floats, *, closed: bool) -> Integers:
        """Add rings that start from existing border vertices; returns their ids, rows by columns."""
        body = self.new(len(rows) - 1, len(border) - closed)
        if closed:
            body = np.concatenate([body, body[:, :1]], axis=1)
        ids = np.concatenate([border[None], body])
        self.add(name, ids, rows, columns)
        return ids


def _border(ids: Integers, top: int, bottom: int, left: int, right: int) -> Integers:
    """Return a block's border clockwise from the middle of its left side, closed."""
    middle = (top + bottom) // 2
    return np.concatenate(
        [
            ids[top : middle + 1, left][::-1],
            ids[top, left + 1 : right + 1],
            ids[top + 1 : bottom + 1, right],
            ids[bottom, left:right][::-1],
            ids[middle:bottom, left][::-1],
        ]
    )


def half_layout(density: float) -> Layout:
    """Lay out the subject's left half.

    Parameters
    ----------
    density : float
        Edges per centimetre relative to the preview.

    Notes
    -----
    Macro columns: 0 front, 1 inner end of the eye block, 2 side of the mouth block, 3 outer end of the eye block, 4
    and 5 the ear block, 6 behind. Macro rows: 0 crown patch, 1 and 2 the eye block, 3 and 4 the mouth block, 5 jaw,
    6 base of the neck; the ear block spans rows 1 to 3.
    """
    build = _Builder()
    columns, c = _steps(COLUMN_CELLS, density, ())
    rows, r = _steps(ROW_CELLS, density, ("eye", "cheek", "mouth"))
    lattice = np.full((len(rows), len(columns)), -1, dtype=np.int64)
    used = np.ones(lattice.shape, dtype=bool)
    keep = np.ones((len(rows) - 1, len(columns) - 1), dtype=bool)
    blocks = {
        "eye": (r["eye"], r["cheek"], c["eye_in"], c["cheek"]),
        "mouth": (r["mouth"], r["chin"], 0, c["eye_out"]),
        "ear": (r["eye"], r["mouth"], c["ear"], c["nape"]),
    }
    for name, (top, bottom, left, right) in blocks.items():
        keep[top:bottom, left:right] = False
        used[top + 1 : bottom, (left if name == "mouth" else left + 1) : right] = False
    lattice[used] = build.new(int(used.sum()))
    build.add("lattice", lattice, rows, columns, keep)
    # Crown: a patch whose three outer sides are the first row; half of a square cut along the midline.
    around = len(columns) - 1
    side = round(around / 4)
    along = around - 2 * side
    crown = np.empty((side + 1, along + 1), dtype=np.int64)
    crown[:, 0] = lattice[0, : side + 1]
    crown[side] = lattice[0, side : side + along + 1]
    crown[:, -1] = lattice[0, side + along :][::-1]
    crown[:side, 1:-1] = build.new(side, along - 1)
    build.add("crown", crown, np.arange(side + 1) / side, np.arange(along + 1) / along * 2 - 1)
    eye = _border(lattice, *blocks["eye"])
    around = len(eye) - 1
    build.rings(
        "eye",
        eye,
        _ring_rows(("lid", "margin", "under_lid"), density),
        np.arange(around + 1) * 2.0 / around,
        closed=True,
    )
    top, bottom, left, right = blocks["mouth"]
    lips = np.concatenate(
        [lattice[top, : right + 1], lattice[top + 1 : bottom + 1, right], lattice[bottom, :right][::-1]]
    )
    _add_mouth(build, lips, density)
    _add_ear(build, lattice, blocks["ear"], density)
    _add_eyeball(build, density)
    teeth = (max(4, round(_TOOTH_ROWS * density)), max(14, round(_TOOTH_COLUMNS * density)))
    for name in ("upper_teeth", "lower_teeth"):
        build.add(
            name,
            build.new(teeth[0] + 1, teeth[1] + 1),
            np.linspace(0, 1, teeth[0] + 1),
            np.linspace(0, 1, teeth[1] + 1),
        )
    return _finish(build)


def _add_mouth(build: _Builder, border: Integers, density: float) -> None:
    """Add the rings into the mouth; upper and lower half share the last one, which shuts the sock at the throat."""
    count = len(border) - 1
    rows = _ring_rows(("skin", "lip", "inner_lip", "sock"), density)
    body = build.new(len(rows) - 2, count + 1)
    last = build.new(count // 2 + 1)
    ids = np.concatenate([border[None], body, np.concatenate([last, last[-2::-1]])[None]])
    build.add("mouth", ids, rows, np.arange(count + 1) * 2.0 / count)


def _add_ear(build: _Builder, lattice: Integers, block: tuple[int, int, int, int], density: float) -> None:
    border = _border(lattice, *block)
    around = len(border) - 1
    ids = build.rings(
        "ear", border, _ring_rows(("ear",), density), np.arange(around + 1) * 2.0 / around, closed=True
    )
    top, bottom, left, right = block
    tall, wide = bottom - top, right - left
    fill = np.empty((tall + 1, wide + 1), dtype=np.int64)
    start = tall // 2
    inner = np.roll(ids[-1, :-1], -start)  # now from the upper left corner, clockwise
    fill[0] = inner[: wide + 1]
    fill[:, -1] = inner[wide : wide + tall + 1]
    fill[-1, ::-1] = inner[wide + tall : 2 * wide + tall + 1]
    fill[1:, 0] = inner[2 * wide + tall :][::-1]
    fill[1:-1, 1:-1] = build.new(tall - 1, wide - 1)
    build.add("ear_bowl", fill, np.linspace(-1, 1, tall + 1), np.linspace(-1, 1, wide + 1))


def _add_eyeball(build: _Builder, density: float) -> None:
    """Add a sphere: a patch on the pupil, rings, a patch behind."""
    side = max(2, round(_EYEBALL_SIDE * density))
    count = max(4, round(_EYEBALL_RINGS * density))
    front, back = build.new(side + 1, side + 1), build.new(side + 1, side + 1)
    line = np.linspace(-1, 1, side + 1)
    build.add("pupil", front, line, line)

    def outline(ids: Integers) -> Integers:
        return np.concatenate([ids[0, :-1], ids[:-1, -1], ids[-1, :0:-1], ids[:0:-1, 0]])

    body = build.new(count - 1, 4 * side)
    ids = np.concatenate([outline(front)[None], body, outline(back)[None]])
    ids = np.concatenate([ids, ids[:, :1]], axis=1)
    build.add("eyeball", ids[::-1], np.linspace(1, 0, count + 1), np.arange(4 * side + 1) * 2.0 / (4 * side))
    build.add("eyeball_back", back[:, ::-1], line, line[::-1])


def _finish(build: _Builder) -> Layout:
    sheets = build.sheets
    seam = np.zeros(build.n, dtype=bool)
    lattice = sheets["lattice"].ids
    for ids in (lattice[:, 0], lattice[:, -1]):
        seam[ids[ids >= 0]] = True
    seam[sheets["crown"].ids[0]] = True
    seam[sheets["mouth"].ids[:, [0, -1]]] = True
    for name in ("upper_teeth", "lower_teeth"):
        seam[sheets[name].ids[:, 0]] = True
    return Layout(
        n=build.n,
        sheets=sheets,
        quads=np.concatenate(build.quads),
        sheet_of_quad=np.repeat(np.arange(len(build.quads)), [len(q) for q in build.quads]),
        seam=seam,
    )
