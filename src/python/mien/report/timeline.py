"""Curves of a performance over time: how the head moves, how well it fits, and what an edit changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import look
from mien.geometry.alignment import extent
from mien.geometry.draw import write_png
from mien.report import measures
from mien.report.canvas import FONT, figure, hexadecimal, points, rendered
from mien.separation.joint import HALF_TRUST
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["Band", "confidence_band", "curves", "head_path", "plot_lines", "say", "style_axes"]

Float64 = npt.NDArray[np.float64]

# Pixels.
_WIDTH, _PANEL, _GAP, _TOP, _BOTTOM, _LEFT, _RIGHT = 1600, 190, 62, 150, 76, 96, 190

# The head's own words for turns about the subject's left, up and forward, and for ways along them.
_TURNS, _WAYS = ("nod", "turn", "tilt"), ("left", "up", "forward")


def curves(
    perf: Performance,
    result: MeshSequence | None = None,
    truth: RigidMotion | None = None,
    path: str | PathLike[str] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> npt.NDArray[np.uint8]:
    """Draw head rotation, head translation, residual, confidence and displacement over the frames of the shot.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    result : MeshSequence, optional
        What `recombine` made of it: displacement is then the edit's, and edited frames are shaded. Without it,
        displacement is that of the expression from the neutral.
    truth : RigidMotion, optional
        The true head motion, F frames, drawn as dots beneath; it may belong to a neutral that lies elsewhere.
    path : path, optional
        Also write the picture as PNG; it appears whole or not at all.
    progress : callable, optional
        Called with frames looked at and frames in all.

    Returns
    -------
    (H, W, 3) uint8
        The picture, sRGB.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    ValueError
        The performance has no frame, or `result` or `truth` is of another length.

    Notes
    -----
    Rotation and translation are against the head's mean pose: degrees as one rotation vector about the axes to the
    subject's left, up and forward, and the way of the middle of the neutral along them.
    """
    measures.check_result(perf, result)
    _check_truth(truth, len(perf))
    panels = 5
    height = _TOP + panels * _PANEL + (panels - 1) * _GAP + _BOTTOM
    made = figure(_WIDTH, height)
    change = measures.movement(perf, result, progress)
    unit = measures.lengths(perf.take)
    turns, way = _head(perf.head, perf)
    true_turns, true_way = (None, None) if truth is None else _head(truth, perf)
    factor = unit.factor
    dots = None if true_way is None else true_way * factor
    rms, largest = change.rms * factor, change.largest * factor
    what = "Change by the edit" if result is not None else "Expression against the neutral"
    content: list[tuple[str, str, Sequence[str], Float64, Float64 | None]] = [
        ("Head rotation", "degrees", _TURNS, turns, true_turns),
        ("Head translation", unit.unit, _WAYS, way * factor, dots),
        ("Residual", unit.unit, ("residual",), perf.residual[:, None] * factor, None),
        ("Confidence", "0 to 1", ("confidence",), perf.confidence[:, None], None),
        (what, unit.unit, ("largest", "rms"), np.stack([largest, rms], 1), None),
    ]
    shot = perf.take.start_frame + np.arange(len(perf))
    edited = measures.runs(change.largest > 0) if result is not None else []
    for k, (title, unit_words, names, values, below) in enumerate(content):
        bottom = height - _TOP - (k + 1) * _PANEL - k * _GAP
        box = (_LEFT / _WIDTH, bottom / height, (_WIDTH - _LEFT - _RIGHT) / _WIDTH, _PANEL / height)
        axes = made.add_axes(box)
        style_axes(axes, shot, last=k == panels - 1)
        for start, stop in edited:
            axes.axvspan(
                shot[start] - 0.5, shot[stop - 1] + 0.5, color=hexadecimal(look.ACCENT_SRGB), alpha=0.11, lw=0
            )
        top = None if k < 2 else 1.05 if title == "Confidence" else max(float(values.max()) * 1.12, 1e-2)
        plot_lines(axes, shot, names, values, below, top)
        say(axes, 0, 1 + 14 / _PANEL, title, bold=True, size=16)
        say(axes, 1, 1 + 14 / _PANEL, unit_words, color=look.MUTED_SRGB, align="right")
    _write_title(made, height, perf, edited, truth is not None)
    image = rendered(made)
    if path is not None:
        write_png(path, image)
    return image


class Band(NamedTuple):
    """How far the head of each frame may be off: ``angle`` (F,) degrees, ``distance`` (F,) scene units."""

    angle: Float64
    distance: Float64


def confidence_band(perf: Performance) -> Band:
    """Return the error that each frame's confidence stands for.

    Notes
    -----
    The confidence c of `joint` says that face points are off by ``0.3 mm sqrt(1/c - 1)`` on a face of 250 mm, and
    scales with the neutral; the angle is the turn that moves the face that far. Confidence below 0.01 counts as 0.01,
    10 times as far as 0.5. Other methods' confidence orders frames only, and their bands are no more than that.
    """
    size = extent(perf.neutral)
    distance = HALF_TRUST * size * np.sqrt(1 / np.maximum(perf.confidence, 0.01) - 1)
    radius = size / np.sqrt(12)
    angle = np.degrees(distance / radius) if radius > 0 else np.zeros(len(perf))
    return Band(angle, distance)


def head_path(
    perf: Performance,
    path: str | PathLike[str] | None = None,
    *,
    truth: RigidMotion | None = None,
) -> npt.NDArray[np.uint8]:
    """Draw how the head turns and moves, with a band around each curve as wide as its confidence says.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    path : path, optional
        Also write the picture as PNG; it appears whole or not at all.
    truth : RigidMotion, optional
        As in `curves`.

    Returns
    -------
    (H, W, 3) uint8, sRGB
        Rotation and translation as in `curves`, the bands of `confidence_band`, and the bands' width by itself.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    ValueError
        The performance has no frame, or `truth` is of another length.
    """
    measures.check_result(perf, None)
    _check_truth(truth, len(perf))
    panels = 3
    height = _TOP + panels * _PANEL + (panels - 1) * _GAP + _BOTTOM
    made = figure(_WIDTH, height)
    unit, band = measures.lengths(perf.take), confidence_band(perf)
    turns, way = _head(perf.head, perf)
    true_turns, true_way = (None, None) if truth is None else _head(truth, perf)
    distance = band.distance * unit.factor
    off = distance[:, None]
    content: list[tuple[str, str, Sequence[str], Float64, Float64 | None, Float64 | None]] = [
        ("Head rotation", "degrees", _TURNS, turns, true_turns, band.angle),
        ("Head translation", unit.unit, _WAYS, way * unit.factor, _scaled(true_way, unit.factor), distance),
        ("Half width of the bands", unit.unit, ("error",), off, None, None),
    ]
    shot = perf.take.start_frame + np.arange(len(perf))
    for k, (title, unit_words, names, values, below, width) in enumerate(content):
        bottom = height - _TOP - (k + 1) * _PANEL - k * _GAP
        box = (_LEFT / _WIDTH, bottom / height, (_WIDTH - _LEFT - _RIGHT) / _WIDTH, _PANEL / height)
        axes = made.add_axes(box)
        style_axes(axes, shot, last=k == panels - 1)
        if width is not None:
            for column, color in zip(values.T, look.CURVES_SRGB, strict=False):
                axes.fill_between(
                    shot, column - width, column + width, color=hexadecimal(color), alpha=0.2, lw=0
                )
        plot_lines(axes, shot, names, values, below, None if k < 2 else max(float(values.max()) * 1.12, 1e-2))
        say(axes, 0, 1 + 14 / _PANEL, title, bold=True, size=16)
        say(axes, 1, 1 + 14 / _PANEL, unit_words, color=look.MUTED_SRGB, align="right")
    _write_title(made, height, perf, [], truth is not None)
    image = rendered(made)
    if path is not None:
        write_png(path, image)
    return image


def _scaled(values: Float64 | None, factor: float) -> Float64 | None:
    return None if values is None else values * factor


def _check_truth(truth: RigidMotion | None, n: int) -> None:
    if truth is None:
        return
    _validate.instance("truth", truth, RigidMotion, "a RigidMotion")
    if len(truth) != n:
        raise ValueError(f"`truth` must have F = {n} frames, got {len(truth)}")


def _head(head: RigidMotion, perf: Performance) -> tuple[Float64, Float64]:
    """Return turns and ways about the subject's left, up and forward."""
    # A truth's own neutral is not known: its middle is where the estimate's is, seen through both mean poses.
    offset = head.scaled(0.0)[:1].inverse() @ perf.head.scaled(0.0)[:1]
    turns, way = measures.head_movement(head, offset.apply(perf.neutral.astype(np.float64))[0])
    if perf.take.up_axis == "z":
        turns, way = (np.stack([v[:, 0], v[:, 2], -v[:, 1]], 1) for v in (turns, way))
    return turns, way


def say(
    axes: Any,
    x: float,
    y: float,
    words: str,
    *,
    size: float = 14,
    color: look.Rgb = look.INK_SRGB,
    align: str = "left",
    bold: bool = False,
) -> None:
    """Set words on a panel, their lower edge at `y`; (0, 0) to (1, 1) is the panel."""
    axes.text(
        x, y, words, transform=axes.transAxes, fontsize=points(size), color=hexadecimal(color), ha=align, va="bottom",
        fontweight="bold" if bold else "normal", fontfamily=FONT,
    )  # fmt: skip


def style_axes(axes: Any, shot: npt.NDArray[Any], *, last: bool) -> None:
    """Give a panel its look, with frame numbers beneath when it is the last."""
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(hexadecimal(look.MUTED_SRGB))
    axes.grid(axis="y", color=hexadecimal(look.GRID_SRGB), lw=1)
    axes.set_axisbelow(True)
    axes.set_xlim(shot[0] - 0.5, max(shot[-1], shot[0]) + 0.5)
    axes.tick_params(
        length=0, pad=7, labelsize=points(13), labelcolor=hexadecimal(look.MUTED_SRGB), labelfontfamily=FONT
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.get_major_locator().set_params(nbins=4)
    axes.ticklabel_format(useOffset=False)
    if not last:
        axes.tick_params(labelbottom=False)
        return
    axes.tick_params(axis="x", length=4, color=hexadecimal(look.MUTED_SRGB))
    axes.set_xlabel(
        "frame of the shot",
        fontsize=points(14),
        fontfamily=FONT,
        labelpad=8,
        color=hexadecimal(look.INK_SRGB),
    )


def plot_lines(
    axes: Any,
    shot: npt.NDArray[Any],
    names: Sequence[str],
    values: Float64,
    below: Float64 | None,
    top: float | None,
) -> None:
    """Plot columns of `values` (F, K); with `top` the scale begins at zero, else it spans at least one unit."""
    colors = [hexadecimal(color) for color in look.CURVES_SRGB[: len(names)]]
    marker = "o" if len(shot) == 1 else None
    for c, color in enumerate(colors):
        if below is not None:
            axes.plot(shot, below[:, c], color=color, lw=5, alpha=0.28, solid_capstyle="butt")
        axes.plot(shot, values[:, c], color=color, lw=1.7, solid_joinstyle="round", marker=marker)
    low, high = axes.get_ylim() if top is None else (0.0, top)
    if top is None and high - low < 1:  # what is smaller than that is noise, and should look small
        low, high = (low + high) / 2 - 0.5, (low + high) / 2 + 0.5
    # Names stand where their curves end, pushed apart where they would touch.
    gap = (high - low) * 19 / _PANEL
    places = values[-1].copy()
    order = np.lexsort((-np.arange(len(places)), places))  # of equals, the first named stands highest
    for a, b in itertools.pairwise(order):
        places[b] = max(places[b], places[a] + gap)
    places += max(values[-1].mean() - places.mean(), low - places.min())
    for name, place, color in zip(names, places, colors, strict=True):
        axes.annotate(
            name, (1, place), (14, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset pixels", va="center",
            fontsize=points(14), fontfamily=FONT, color=color, fontweight="bold", annotation_clip=False,
        )  # fmt: skip
    axes.set_ylim(low, high)


def _write_title(
    made: Any, height: int, perf: Performance, edited: Sequence[tuple[int, int]], truth: bool
) -> None:
    take = perf.take

    def write(
        x: float,
        y: float,
        words: str,
        size: float,
        color: look.Rgb,
        align: str = "left",
        weight: str = "normal",
    ) -> None:
        made.text(
            x / _WIDTH, 1 - y / height, words, fontsize=points(size), color=hexadecimal(color), ha=align, va="top",
            fontweight=weight, fontfamily=FONT,
        )  # fmt: skip

    write(_LEFT, 30, measures.shortened(take.name), 27, look.INK_SRGB, weight="bold")
    last = take.start_frame + len(take) - 1
    words = (
        f"{len(take):,} frames, {take.start_frame} to {last}   ·   {take.fps:g} fps   ·   head: {perf.method}"
    )
    write(_LEFT, 70, words, 15, look.MUTED_SRGB)
    right = _WIDTH - _RIGHT
    if edited:
        spans = ", ".join(f"{take.start_frame + a} to {take.start_frame + b - 1}" for a, b in edited[:4])
        more = f" and {len(edited) - 4} more" if len(edited) > 4 else ""
        write(right, 34, f"edited: {spans}{more}", 16, look.ACCENT_SRGB, "right", "bold")
    if truth:
        write(right, 70, "broad pale lines: the true head", 15, look.MUTED_SRGB, "right")
