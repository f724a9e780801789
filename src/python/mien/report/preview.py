"""One frame before and after an edit, side by side."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import look
from mien.geometry.camera import Camera
from mien.geometry.draw import draw, write_png
from mien.geometry.heat import heat_table
from mien.report import measures
from mien.report.canvas import Canvas
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion

__all__ = ["preview"]

_CELL = (460, 560)
_HEADER, _FOOTER, _MARGIN = 96, 74, 28


def preview(
    perf: Performance,
    frame: int,
    edited: npt.ArrayLike,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
) -> npt.NDArray[np.uint8]:
    """Draw a frame before an edit, after it, and how far it moved each vertex.

    Parameters
    ----------
    perf : Performance
        What was edited.
    frame : int
        Which frame, zero-based.
    edited : (V, 3) floats
        What became of it, world space.
    path : path, optional
        Also write the picture as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.

    Returns
    -------
    (H, W, 3) uint8, sRGB. The head is held as it is on average, the same in all three.
    """
    _validate.instance("perf", perf, Performance, "a Performance")
    f = _validate.index("frame", frame, least=0, below=len(perf))
    take = perf.take
    before = take.positions[f : f + 1].astype(np.float64)
    after = _validate.points("edited", edited, ("V", 3), {"V": take.n_vertices}).astype(np.float64)[None]
    unit = measures.lengths(take)
    moved = np.nan_to_num(np.linalg.norm(after - before, axis=2)) * unit.factor
    top = measures.nice_above(float(moved.max(initial=0.0)))
    still = perf.head.scaled(0.0)[:1]
    camera = Camera.fit(still.apply(perf.neutral), view, up_axis=take.up_axis, size=_CELL, margin=0.07)

    def drawn(positions: npt.NDArray[Any], **more: Any) -> npt.NDArray[np.uint8]:
        held = still.apply(
            RigidMotion(perf.head.rotation[f : f + 1], perf.head.translation[f : f + 1]).apply_inverse(
                positions
            )
        )
        return np.asarray(draw(take.topology, held, camera=camera, size=_CELL, samples=3, **more)[0])

    width, height = _CELL
    canvas = Canvas(3 * width + 2 * _MARGIN, height + _HEADER + _FOOTER)
    number = take.start_frame + f
    title = f"{measures.shortened(take.name)}, frame {number}"
    canvas.text(_MARGIN, 22, title, size=24, bold=True)
    pictures = (
        ("Before", drawn(before)),
        ("After", drawn(after)),
        (f"Displacement, {unit.unit}", drawn(after, heat=moved, heat_range=(0.0, top))),
    )
    for k, (words, picture) in enumerate(pictures):
        canvas.text(_MARGIN + k * width, 64, words, size=16, color=look.MUTED_SRGB)
        canvas.paste(_MARGIN + k * width, _HEADER, picture)
    left, upper = _MARGIN + 2 * width, _HEADER + height + 16
    bar = np.rint(heat_table() * 255).astype(np.uint8)[np.linspace(0, 255, width - _MARGIN).astype(int)]
    canvas.paste(left, upper, np.repeat(bar[None], 14, axis=0))
    canvas.text(left, upper + 22, "0", size=13)
    canvas.text(left + width - _MARGIN, upper + 22, f"{top:.3g} {unit.unit}", size=13, align="right")
    words = f"{int((moved > 0).sum()):,} of {take.n_vertices:,} vertices moved, at most {moved.max(initial=0.0):.3g}"
    canvas.text(_MARGIN, upper, f"{words} {unit.unit}", size=15, color=look.MUTED_SRGB)
    sheet = canvas.render()
    if path is not None:
        write_png(path, sheet)
    return sheet
