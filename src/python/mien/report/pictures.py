"""Pictures of a performance for people: a contact sheet, and curves over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import look
from mien.geometry.camera import Camera
from mien.geometry.draw import draw, write_png
from mien.geometry.heat import heat_table
from mien.report import measures
from mien.report.canvas import Canvas
from mien.report.timeline import curves
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["contact_sheet", "curves"]

Bytes = npt.NDArray[np.uint8]

# Pixels.
_CELL_HEIGHT = 350
_LABELS = 214  # what stands left of the pictures
_HEADER = 178
_MARGIN = 36
_SAMPLES = 3


class _Stage(NamedTuple):
    """What all pictures of a sheet share: the pose without the head, and how large pictures are."""

    still: RigidMotion
    cell: tuple[int, int]
    view: str
    colors: npt.NDArray[np.float64] | None


class _Row(NamedTuple):
    title: str
    words: str
    pictures: Bytes


def contact_sheet(
    perf: Performance,
    result: MeshSequence | None = None,
    frames: int | Sequence[int] | npt.NDArray[Any] = 6,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
    colors: npt.ArrayLike | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Bytes:
    """Draw a sheet with a few frames of the take, the head removed, the edit and what it changed.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    result : MeshSequence, optional
        What `recombine` made of it: same frames and topology. Without it the sheet shows take, head removed, and the
        distance of the expression from the neutral.
    frames : int or sequence of int
        How many frames, chosen where most happens, or which ones (zero-based).
    path : path, optional
        Also write the sheet as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.
    colors : (V, 3) floats in [0, 1], optional
        Colours of the vertices, sRGB; clay without them, and always under heat.
    progress : callable, optional
        Called with frames looked at and frames in all.

    Returns
    -------
    (H, W, 3) uint8
        The sheet, sRGB.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    ValueError
        The performance has no frame, or `result` is of another length or topology.

    Notes
    -----
    One camera for all world pictures and one for all others, fitted to the neutral in the heads of the frames shown, so
    that a stray vertex does not shrink the face. "Head removed" holds the face as the head does on average, however
    head space lies in the head. Lengths are millimetres, or scene units where the take does not say its unit.
    """
    measures.check_result(perf, result)
    change = measures.movement(perf, result, progress)
    chosen = measures.choose_frames(frames, change.largest)
    unit = measures.lengths(perf.take)
    shown = measures.moved(perf, result, chosen) * unit.factor
    top = measures.nice_above(float(np.nanmax(shown, initial=0.0)))
    tint = (
        None if colors is None else _validate.floats("colors", colors, ("V", 3), {"V": perf.take.n_vertices})
    )
    stage = _stage(perf, view, tint)
    rows = _rows(perf, result, chosen, stage, shown, top, unit)

    width = _LABELS + len(chosen) * stage.cell[0] + _MARGIN
    canvas = Canvas(max(width, 900), _HEADER + len(rows) * _CELL_HEIGHT + _MARGIN)
    _write_header(canvas, perf, result, change, unit)
    _write_columns(canvas, stage.cell[0], perf.take, chosen, change, edited=result is not None)
    for r, row in enumerate(rows):
        upper = _HEADER + r * _CELL_HEIGHT
        canvas.fill(_MARGIN, upper, canvas.pixels.shape[1] - 2 * _MARGIN, 1, look.GRID_SRGB)
        canvas.text(_MARGIN, upper + 22, row.title, size=18, bold=True)
        canvas.text(_MARGIN, upper + 52, row.words, size=13, color=look.MUTED_SRGB)
        for c, picture in enumerate(row.pictures):
            canvas.paste(_LABELS + c * stage.cell[0], upper + 1, picture[:-1])
    _write_legend(canvas, _HEADER + len(rows) * _CELL_HEIGHT - 92, top, unit)
    sheet = canvas.render()
    if path is not None:
        write_png(path, sheet)
    return sheet


def _stage(perf: Performance, view: str, colors: npt.NDArray[np.float64] | None) -> _Stage:
    still = perf.head.scaled(0.0)[:1]
    # The pictures are as wide as the neutral needs, within reason.
    points = still.apply(perf.neutral)
    camera = Camera.fit(points, view, up_axis=perf.take.up_axis, lens=None)
    seen = camera.project(points)[..., :2]
    across, down = np.nanmax(seen, (0, 1)) - np.nanmin(seen, (0, 1))
    width = int(_CELL_HEIGHT * np.clip(1.1 * across / max(down, 1e-9), 0.6, 1.3))
    return _Stage(still, (width, _CELL_HEIGHT), view, colors)


def _rows(
    perf: Performance,
    result: MeshSequence | None,
    chosen: npt.NDArray[np.intp],
    stage: _Stage,
    shown: npt.NDArray[np.float64],
    top: float,
    unit: measures.Lengths,
) -> list[_Row]:
    head = perf.head[chosen]
    pose = stage.still
    upright = RigidMotion(
        np.tile(pose.rotation, (len(chosen), 1, 1)), np.tile(pose.translation, (len(chosen), 1))
    )

    def fitted(motion: RigidMotion) -> Camera:
        points = motion.apply(perf.neutral)
        return Camera.fit(points, stage.view, up_axis=perf.take.up_axis, size=stage.cell, margin=0.07)

    def pictures(positions: npt.NDArray[Any], camera: Camera, **more: Any) -> Bytes:
        more = more or {"colors": stage.colors}
        return draw(perf.take.topology, positions, camera=camera, size=stage.cell, samples=_SAMPLES, **more)

    world, still = fitted(head), fitted(pose)
    take = perf.take.positions[chosen]
    removed = upright.apply(head.apply_inverse(take))
    heat = {"heat": shown, "heat_range": (0.0, top)}
    rows = [
        _Row("Take", "as recorded", pictures(take, world)),
        _Row("Head removed", "the expression\nalone", pictures(removed, still)),
    ]
    if result is None:
        words = f"distance from\nthe neutral, {unit.unit}"
        return [*rows, _Row("Expression", words, pictures(removed, still, **heat))]
    after = result.positions[chosen]
    edited = upright.apply(head.apply_inverse(after))
    return [
        *rows,
        _Row("Edited", "the expression\nafter the edit", pictures(edited, still)),
        _Row("Recombined", "under the head\nmotion as acted", pictures(after, world)),
        _Row("Change", f"distance from\nthe take, {unit.unit}", pictures(edited, still, **heat)),
    ]


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _write_header(
    canvas: Canvas,
    perf: Performance,
    result: MeshSequence | None,
    change: measures.Movement,
    unit: measures.Lengths,
) -> None:
    take = perf.take
    last = take.start_frame + len(take) - 1
    canvas.text(_MARGIN, 30, measures.shortened(take.name), size=29, bold=True)
    words = [
        f"{len(take):,} frames, {take.start_frame} to {last}",
        f"{take.fps:g} fps",
        f"{take.n_vertices:,} vertices",
    ]
    canvas.text(_MARGIN, 74, "   ·   ".join([*words, f"head: {perf.method}"]), size=15, color=look.MUTED_SRGB)
    right = canvas.pixels.shape[1] - _MARGIN
    worst = int(np.argmax(change.largest))
    amount = f"{_number(float(change.largest[worst]) * unit.factor)} {unit.unit}"
    where = f"frame {take.start_frame + worst}"
    if result is None:
        canvas.text(right, 34, f"largest expression {amount}", size=17, bold=True, align="right")
        canvas.text(right, 66, f"at {where}", size=15, color=look.MUTED_SRGB, align="right")
        return
    edited = int((change.largest > 0).sum())
    canvas.text(right, 34, f"{edited:,} of {len(take):,} frames edited", size=17, bold=True, align="right")
    canvas.text(right, 66, f"largest change {amount}, {where}", size=15, color=look.MUTED_SRGB, align="right")


def _write_columns(
    canvas: Canvas,
    cell: int,
    take: MeshSequence,
    chosen: npt.NDArray[np.intp],
    change: measures.Movement,
    *,
    edited: bool,
) -> None:
    """Write a strip that is the whole take, with edited and chosen frames marked, and the numbers of the chosen."""
    left, width, upper = _LABELS, len(chosen) * cell, 108
    canvas.fill(left, upper, width, 5, look.GRID_SRGB)
    edges = np.rint(np.arange(len(take) + 1) / len(take) * width).astype(int)
    if edited:
        for start, stop in measures.runs(change.largest > 0):
            canvas.fill(left + edges[start], upper, max(edges[stop] - edges[start], 2), 5, look.ACCENT_SRGB)
    for c, f in enumerate(chosen):
        middle = left + (edges[f] + edges[f + 1]) // 2
        canvas.fill(middle - 1, upper - 5, 3, 15, look.INK_SRGB)
        column = left + (c + 0.5) * cell
        changed = edited and change.largest[f] > 0
        color = look.ACCENT_SRGB if changed else look.INK_SRGB
        canvas.text(
            column,
            upper + 22,
            str(take.start_frame + int(f)),
            size=18,
            bold=True,
            align="center",
            color=color,
        )
        words = f"{f / take.fps:.2f} s" + (", edited" if changed else "")
        canvas.text(column, upper + 46, words, size=13, align="center", color=look.MUTED_SRGB)
    canvas.text(_MARGIN, upper + 23, "Frame", size=16, bold=True)


def _write_legend(canvas: Canvas, upper: int, top: float, unit: measures.Lengths) -> None:
    width = 150
    table = np.rint(heat_table() * 255).astype(np.uint8)
    bar = table[np.linspace(0, 255, width).astype(int)]
    canvas.paste(_MARGIN, upper, np.repeat(bar[None], 14, axis=0))
    ticks = (("left", 0.0), ("center", top / 2), ("right", top))
    for place, (align, value) in zip((0, width / 2, width), ticks, strict=True):
        canvas.fill(_MARGIN + min(int(place), width - 1), upper + 14, 1, 5, look.MUTED_SRGB)
        words = f"{value:.3g}" + (f" {unit.unit}" if align == "right" else "")
        canvas.text(_MARGIN + place, upper + 23, words, size=13, align=align, color=look.INK_SRGB)
