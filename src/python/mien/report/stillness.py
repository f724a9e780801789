"""How well the head came out: faces with and without its motion."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.geometry.camera import Camera
from mien.geometry.draw import draw
from mien.report import measures
from mien.report.sheet import Cell, Stage, sheet
from mien.report.survey import head_angles
from mien.values.performance import Performance

__all__ = ["head_removed"]

Bytes = npt.NDArray[np.uint8]

_PAIRS = 3  # frames in a row of the strip
_SMALL = (270, 320)  # pixels of a picture


def head_removed(
    perf: Performance,
    frames: int | Sequence[int] | npt.NDArray[Any] = 9,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
) -> Bytes:
    """Draw frames as captured, and beside each the same face with its head removed.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    frames : int or sequence of int
        How many frames, chosen where the head turns most, or which ones (zero-based).
    path : path, optional
        Also write the strip as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.

    Returns
    -------
    (H, W, 3) uint8, sRGB
        One camera for all captured faces and one for all others: what still moves on the right is expression, or an
        error of the head.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    ValueError
        The performance has no frame, or has fewer than are named.
    """
    measures.check_result(perf, None)
    chosen = measures.choose_frames(frames, np.linalg.norm(head_angles(perf), axis=1))
    world, head = perf.take.positions[chosen], perf.head[chosen]
    stage = Stage.of(perf, _SMALL, view)
    around = Camera.fit(head.apply(perf.neutral), view, up_axis=perf.take.up_axis, size=_SMALL, margin=0.07)
    captured = draw(perf.take.topology, world, camera=around, size=_SMALL, samples=3)
    removed = stage.drawn(perf, head.apply_inverse(world))
    cells = [
        (Cell(before, f"{perf.take.start_frame + int(f)}", "as captured"), Cell(after, "", "head removed"))
        for f, before, after in zip(chosen, captured, removed, strict=True)
    ]
    rows = [
        [cell for pair in cells[start : start + _PAIRS] for cell in pair]
        for start in range(0, len(cells), _PAIRS)
    ]
    return sheet(perf, "Head removed", rows, path=path)
