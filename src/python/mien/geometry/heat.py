"""Colours for numbers: two maps of our own, uniform to the eye and safe for colour-blind ones."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry import look

__all__ = ["diverging_colors", "heat_colors", "heat_table", "heat_unit", "srgb_to_linear"]

Floats = npt.NDArray[np.float64]


def srgb_to_linear(srgb: npt.ArrayLike) -> Floats:
    """Return the linear light of sRGB values in [0, 1]."""
    value = np.asarray(srgb, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((np.maximum(value, 0.04045) + 0.055) / 1.055) ** 2.4)


def _linear_to_srgb(linear: Floats) -> Floats:
    value = np.clip(linear, 0, 1)
    return np.where(
        value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 0.0031308) ** (1 / 2.4) - 0.055
    )


# Björn Ottosson, "A perceptual color space for image processing", 2020: linear sRGB to cone responses, and the cube
# roots of those to lightness and two opponent axes.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def srgb_to_oklab(srgb: npt.ArrayLike) -> Floats:
    """Return OKLab coordinates (.., 3) of sRGB colours (.., 3) in [0, 1]."""
    lab: Floats = np.cbrt(srgb_to_linear(srgb) @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def _oklab_to_srgb(lab: Floats) -> Floats:
    cones = (lab @ np.linalg.inv(_TO_LAB).T) ** 3
    return _linear_to_srgb(cones @ np.linalg.inv(_TO_CONES).T)


def _stops(polar: Sequence[look.Vector]) -> Floats:
    """OKLab of (lightness, chroma, hue in degrees)."""
    return np.array(
        [(L, c * math.cos(math.radians(hue)), c * math.sin(math.radians(hue))) for L, c, hue in polar]
    )


def _smooth_path(stops: Floats, count: int) -> Floats:
    """Points at equal distances along a smooth curve through `stops` (Catmull-Rom), (count, 3)."""
    padded = np.concatenate([2 * stops[:1] - stops[1:2], stops, 2 * stops[-1:] - stops[-2:-1]])
    t = np.linspace(0, 1, 64, endpoint=False)[:, None]
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        bend = (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
        pieces.append(0.5 * (2 * p1 + (p2 - p0) * t + bend))
    path = np.concatenate([*pieces, stops[-1:]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, path[:, k]) for k in range(3)], axis=1)


@functools.cache
def heat_table(kind: str = "heat") -> Floats:
    """Return the 256 sRGB colours in [0, 1] of a map, (256, 3): ``"heat"`` or ``"diverging"``.

    Notes
    -----
    Made by a smooth curve through a few stops in OKLab and read at equal distances along it, so that equal steps of
    the number are equal steps to the eye. Heat begins at the clay and only gets darker; the diverging map has the clay
    in the middle.
    """
    _validate.one_of("kind", kind, ("heat", "diverging"))
    clay = srgb_to_oklab(np.array(look.CLAY_SRGB) / 255)[None]
    if kind == "heat":
        path = _smooth_path(np.concatenate([clay, _stops(look.HEAT_OKLCH)]), 256)
    else:
        stops = _stops(look.DIVERGING_OKLCH)
        half = len(stops) // 2
        low = _smooth_path(np.concatenate([clay, stops[:half][::-1]]), 128)[::-1]
        path = np.concatenate([low, _smooth_path(np.concatenate([clay, stops[half:]]), 128)])
    table = _oklab_to_srgb(path)
    table.flags.writeable = False
    return table


def heat_unit(name: str, values: npt.ArrayLike, limits: tuple[float, float] | None) -> Floats:
    """Return `values` mapped from `limits` (default: 0 to their largest) to [0, 1]; NaN becomes 0."""
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "fiub":
        raise TypeError(f"`{name}` must hold numbers, got {numbers.dtype} values")
    numbers = numbers.astype(np.float64)
    if limits is None:
        finite = numbers[np.isfinite(numbers)]
        largest = float(finite.max()) if finite.size else 0.0
        limits = (0.0, largest if largest > 0 else 1.0)
    low, high = heat_limits(f"{name}_range", limits)
    scaled = (np.nan_to_num(numbers, nan=low, posinf=high, neginf=low) - low) / (high - low)
    unit: Floats = np.clip(scaled, 0.0, 1.0)
    return unit


def heat_limits(name: str, limits: Any) -> tuple[float, float]:
    """Return a pair (low, high) of finite numbers, low below high."""
    if not isinstance(limits, Sequence) or isinstance(limits, str) or len(limits) != 2:
        raise TypeError(f"`{name}` must be a pair (low, high), got {limits!r}")
    low, high = (_validate.number(f"{name}[{i}]", v) for i, v in enumerate(limits))
    if not low < high:
        raise ValueError(f"`{name}` must have low below high, got ({low:g}, {high:g})")
    return low, high


def heat_colors(values: npt.ArrayLike, range: tuple[float, float] | None = None) -> Floats:
    """Return the sRGB colours in [0, 1], shape (.., 3), that pictures give to non-negative numbers.

    Parameters
    ----------
    values : (..) numbers
        What to colour, a displacement say. NaN gets the colour of the low end.
    range : (float, float), optional
        What the ends of the map stand for; by default 0 and the largest value. What lies outside gets the end's colour.

    Raises
    ------
    TypeError, ValueError
        `values` are not numbers, or `range` is not a rising pair of them.
    """
    return heat_table()[np.rint(heat_unit("values", values, range) * 255).astype(np.intp)]


def diverging_colors(values: npt.ArrayLike, limit: float | None = None) -> Floats:
    """Return sRGB colours in [0, 1], shape (.., 3), for signed numbers: blue below zero, clay at zero, orange above.

    Parameters
    ----------
    values : (..) numbers
        What to colour. NaN gets the colour of the low end.
    limit : float, optional
        The map runs from ``-limit`` to ``limit``; by default the largest absolute value.
    """
    if limit is None:
        sizes = np.abs(np.asarray(values, dtype=np.float64))
        finite = sizes[np.isfinite(sizes)]
        limit = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    reach = _validate.number("limit", limit, above=0)
    return heat_table("diverging")[
        np.rint(heat_unit("values", values, (-reach, reach)) * 255).astype(np.intp)
    ]
