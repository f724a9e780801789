"""Smooth curves through given points: what the head's parts are drawn with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["monotone", "smoothstep", "spline"]

Floats = npt.NDArray[np.float64]


def smoothstep(low: float, high: float | Floats, value: npt.ArrayLike) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a curve without kinks in slope or curvature between."""
    t = np.clip((np.asarray(value, dtype=np.float64) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t**3 * (t * (6.0 * t - 15.0) + 10.0))


def _hermite(knots: Floats, values: Floats, slopes: Floats, at: npt.ArrayLike) -> Floats:
    at = np.asarray(at, dtype=np.float64)
    k = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    width = (knots[k + 1] - knots[k]).reshape((-1,) + (1,) * (values.ndim - 1))
    t = (at - knots[k]).reshape(width.shape) / width
    return np.asarray(
        (1 + 2 * t) * (1 - t) ** 2 * values[k]
        + t * (1 - t) ** 2 * width * slopes[k]
        + t**2 * (3 - 2 * t) * values[k + 1]
        + t**2 * (t - 1) * width * slopes[k + 1]
    )


def monotone(knots: npt.ArrayLike, values: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """Return a smooth curve through points that never overshoots them.

    Parameters
    ----------
    knots, values : (S,) floats
        Knots increase.
    at : (N,) floats
        Where to evaluate; clamped to the knots.

    References
    ----------
    F. N. Fritsch, R. E. Carlson, Monotone Piecewise Cubic Interpolation, SIAM J. Numer. Anal. 17(2), 1980.
    """
    x, y = np.asarray(knots, dtype=np.float64), np.asarray(values, dtype=np.float64)
    h, d = np.diff(x), np.diff(y) / np.diff(x)
    slopes: Floats = np.zeros(len(y))
    if len(x) > 2:
        same = d[:-1] * d[1:] > 0
        w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes[1:-1] = np.where(same, (w1 + w2) / (w1 / d[:-1] + w2 / d[1:]), 0.0)
    slopes[0], slopes[-1] = d[0], d[-1]
    return _hermite(x, y, slopes, np.clip(np.asarray(at, dtype=np.float64), x[0], x[-1]))


def spline(knots: npt.ArrayLike, values: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """Return the natural cubic spline through points of any shape.

    Parameters
    ----------
    knots : (S,) floats
        Increasing.
    values : (S, ...) floats
        One point, or one array of points, a knot.
    at : (N,) floats
        Where to evaluate.
    """
    x, y = np.asarray(knots, dtype=np.float64), np.asarray(values, dtype=np.float64)
    h = np.diff(x)
    matrix = np.zeros((len(x), len(x)))
    right = np.zeros((len(x), int(np.prod(y.shape[1:], dtype=np.int64))))
    flat = y.reshape(len(x), -1)
    # Slopes for which second derivatives agree at the inner knots and vanish at the ends.
    rise = np.diff(flat, axis=0) / h[:, None]
    matrix[0, :2], right[0] = (2.0, 1.0), 3 * rise[0]
    matrix[-1, -2:], right[-1] = (1.0, 2.0), 3 * rise[-1]
    for k in range(1, len(x) - 1):
        matrix[k, k - 1 : k + 2] = h[k], 2 * (h[k - 1] + h[k]), h[k - 1]
        right[k] = 3 * (h[k] * rise[k - 1] + h[k - 1] * rise[k])
    slopes = np.linalg.solve(matrix, right).astype(np.float64).reshape(y.shape)
    return _hermite(x, y, slopes, np.asarray(at, dtype=np.float64))
