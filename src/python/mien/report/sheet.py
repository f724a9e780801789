"""Pictures of a face side by side with words above and a heat map's legend below."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry import look
from mien.geometry.camera import Camera
from mien.geometry.draw import draw, write_png
from mien.geometry.heat import heat_table
from mien.report import measures
from mien.report.canvas import Canvas
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion

__all__ = ["Cell", "Legend", "Stage", "heading", "sheet"]

Bytes = npt.NDArray[np.uint8]

# Pixels.
_MARGIN, _HEADER, _WORDS, _FOOTER, _LEGEND, _SAMPLES = 28, 112, 52, 64, 300, 3


class Cell(NamedTuple):
    """A picture, and what stands above it."""

    picture: Bytes
    title: str = ""
    words: str = ""


class Legend(NamedTuple):
    """What a heat map's colours stand for: 0 to `top`, in `unit`, of what `words` say."""

    top: float
    unit: str
    words: str


class Stage(NamedTuple):
    """Faces without their heads' motion, all under one camera.

    Parameters
    ----------
    still : RigidMotion
        The head's mean pose, one frame: so the face is upright however head space lies in the head.
    camera : Camera
        Fitted to the neutral there.
    size : (int, int)
        Width and height of a picture.
    """

    still: RigidMotion
    camera: Camera
    size: tuple[int, int]

    @classmethod
    def of(cls, perf: Performance, size: tuple[int, int], view: str = "front") -> Stage:
        """Return the stage of a performance."""
        still = perf.head.scaled(0.0)[:1]
        points = still.apply(perf.neutral)
        return cls(still, Camera.fit(points, view, up_axis=perf.take.up_axis, size=size, margin=0.07), size)

    def drawn(self, perf: Performance, local: npt.NDArray[Any], **more: Any) -> Bytes:
        """Draw faces given in head space (N, V, 3); `more` goes to `draw`."""
        pose = self.still
        held = RigidMotion(
            np.tile(pose.rotation, (len(local), 1, 1)), np.tile(pose.translation, (len(local), 1))
        )
        return draw(
            perf.take.topology,
            held.apply(local),
            camera=self.camera,
            size=self.size,
            samples=_SAMPLES,
            **more,
        )


def heading(perf: Performance) -> str:
    """Return which frames of what were looked at, and how its head was found."""
    take = perf.take
    last = take.start_frame + len(take) - 1
    return (
        f"{len(take):,} frames, {take.start_frame} to {last}   ·   {take.fps:g} fps   ·   head: {perf.method}"
    )


def sheet(
    perf: Performance,
    title: str,
    rows: Sequence[Sequence[Cell]],
    *,
    right: tuple[str, str] = ("", ""),
    legend: Legend | None = None,
    path: str | PathLike[str] | None = None,
) -> Bytes:
    """Set pictures of one size in rows; `right` is what stands at the upper right, large and small.

    Returns
    -------
    (H, W, 3) uint8, sRGB; also written to `path` as PNG, whole or not at all.
    """
    height, width = rows[0][0].picture.shape[:2]
    columns = max(len(row) for row in rows)
    across, down = max(2 * _MARGIN + columns * width, 900), height + _WORDS
    bottom = _HEADER + len(rows) * down
    canvas = Canvas(across, bottom + (_FOOTER if legend is not None else _MARGIN))
    canvas.text(_MARGIN, 24, f"{title}: {measures.shortened(perf.take.name)}", size=25, bold=True)
    canvas.text(_MARGIN, 64, heading(perf), size=15, color=look.MUTED_SRGB)
    canvas.text(across - _MARGIN, 28, right[0], size=17, bold=True, align="right")
    canvas.text(across - _MARGIN, 64, right[1], size=15, color=look.MUTED_SRGB, align="right")
    for r, row in enumerate(rows):
        upper = _HEADER + r * down
        canvas.fill(_MARGIN, upper - 10, across - 2 * _MARGIN, 1, look.GRID_SRGB)
        for c, cell in enumerate(row):
            left = _MARGIN + c * width
            canvas.text(left, upper + 2, cell.title, size=17, bold=True)
            canvas.text(left, upper + 25, cell.words, size=13, color=look.MUTED_SRGB)
            canvas.paste(left, upper + _WORDS - 4, cell.picture)
    if legend is not None:
        _write_legend(canvas, _MARGIN, bottom + 10, legend)
    made = canvas.render()
    if path is not None:
        write_png(path, made)
    return made


def _write_legend(canvas: Canvas, left: int, upper: int, legend: Legend) -> None:
    bar = np.rint(heat_table() * 255).astype(np.uint8)[np.linspace(0, 255, _LEGEND).astype(int)]
    canvas.paste(left, upper, np.repeat(bar[None], 14, axis=0))
    for align, value in (("left", 0.0), ("center", legend.top / 2), ("right", legend.top)):
        place = left + _LEGEND * value / legend.top
        unit = f" {legend.unit}" if align == "right" else ""
        canvas.text(place, upper + 19, f"{value:.3g}{unit}", size=13, align=align)
    canvas.text(left + _LEGEND + 24, upper - 1, legend.words, size=15, color=look.MUTED_SRGB)
