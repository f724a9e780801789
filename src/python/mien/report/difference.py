"""Two separations of one take, side by side: when they differ, by how much, and where on the face."""

from __future__ import annotations

from os import PathLike

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import look
from mien.geometry.draw import write_png
from mien.report import measures
from mien.report.canvas import figure, rendered
from mien.report.sheet import Cell, Legend, Stage, sheet
from mien.report.timeline import plot_lines, say, style_axes
from mien.values.comparison import Comparison
from mien.values.performance import Performance

__all__ = ["difference"]

Bytes = npt.NDArray[np.uint8]

# Pixels.
_SIZE, _CURVE, _SMALLEST = (380, 460), 300, 0.01


def difference(
    perf: Performance,
    other: Performance,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
) -> Bytes:
    """Draw where and when two separations of a take differ, as ``perf.compare(other)`` measures it.

    Parameters
    ----------
    perf, other : Performance
        F ≥ 1 frames and V vertices both; as in `Performance.compare`, of one neutral, or a constant difference of their
        head spaces is part of what is shown.
    path : path, optional
        Also write the picture as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.

    Returns
    -------
    (H, W, 3) uint8, sRGB
        On the face the mean over frames for each vertex; the worst frame under either head, coloured by the
        distance between the two; below, the mean and the largest distance over the frames.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    TypeError, ValueError
        `other` is no performance of such a take, or there is no frame.
    """
    measures.check_result(perf, None)
    _validate.instance("other", other, Performance, "a Performance")
    found = perf.compare(other)
    unit = measures.lengths(perf.take)
    worst = int(found.frames(1)[0])
    f = np.array([worst])
    stage = Stage.of(perf, _SIZE, view)
    mean = found.vertex_distance * unit.factor
    world = perf.take.positions[f]
    here, there = perf.head[f].apply_inverse(world), other.head[f].apply_inverse(world)
    gap = np.nan_to_num(np.linalg.norm(here.astype(np.float64) - there, axis=2)) * unit.factor
    top = measures.nice_above(max(float(mean.max(initial=0.0)), float(gap.max(initial=0.0)), _SMALLEST))
    heat = (0.0, top)
    number = perf.take.start_frame + worst
    rest = np.asarray(perf.neutral)[None]
    cells = [
        Cell(stage.drawn(perf, rest, heat=mean[None], heat_range=heat)[0], "Where", "mean over all frames"),
        Cell(
            stage.drawn(perf, here, heat=gap, heat_range=heat)[0], perf.method, f"frame {number}, the worst"
        ),
        Cell(
            stage.drawn(perf, there, heat=gap, heat_range=heat)[0], other.method, f"frame {number}, the worst"
        ),
    ]
    amount = float(found.distance.mean()) * unit.factor
    right = (
        f"mean difference {amount:.3g} {unit.unit}",
        f"most in frame {number}: {found.distance[worst] * unit.factor:.3g} {unit.unit}, {found.angle[worst]:.2g}°",
    )
    legend = Legend(top, unit.unit, "distance between the two")
    faces = sheet(perf, f"{perf.method} against {other.method}", [cells], right=right, legend=legend)
    image = np.concatenate([faces, _curve(perf, found, faces.shape[1])])
    if path is not None:
        write_png(path, image)
    return image


def _curve(perf: Performance, found: Comparison, width: int) -> Bytes:
    """Draw mean and largest distance over the frames of the shot."""
    unit = measures.lengths(perf.take)
    made = figure(width, _CURVE)
    axes = made.add_axes((80 / width, 70 / _CURVE, (width - 80 - 120) / width, (_CURVE - 120) / _CURVE))
    shot = perf.take.start_frame + np.arange(len(found))
    style_axes(axes, shot, last=True)
    values = np.stack([found.furthest, found.distance], 1) * unit.factor
    plot_lines(axes, shot, ("furthest", "mean"), values, None, max(1.12 * float(values.max()), _SMALLEST))
    say(axes, 0, 1.06, "When they differ", bold=True, size=16)
    say(axes, 1, 1.06, unit.unit, color=look.MUTED_SRGB, align="right")
    return rendered(made)
