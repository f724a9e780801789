"""Slow twins of mien.geometry.blending, in NumPy."""

from __future__ import annotations

import numpy as np


def resample(positions: np.ndarray, times: np.ndarray, interpolation: str) -> np.ndarray:
    """Between frames on a line, or on the cubic with half the difference of the neighbours as velocity."""
    x, n = positions.astype(np.float64), len(positions)
    if n == 1:
        return np.repeat(x, len(times), axis=0)
    x = np.concatenate([2 * x[:1] - x[1:2], x, 2 * x[-1:] - x[-2:-1]])
    out = []
    for time in times:
        f = min(int(time), n - 2)
        t, a, b = time - f, x[f + 1], x[f + 2]
        if interpolation == "linear":
            out.append(a + t * (b - a))
            continue
        start, end = (b - x[f]) / 2, (x[f + 3] - a) / 2
        out.append(
            (2 * t**3 - 3 * t**2 + 1) * a
            + (t**3 - 2 * t**2 + t) * start
            + (3 * t**2 - 2 * t**3) * b
            + (t**3 - t**2) * end
        )
    return np.array(out).reshape(len(times), *positions.shape[1:])
