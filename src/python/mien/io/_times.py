"""From the times of samples to a rate and a first frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["even_rate"]

# Rates that people use; the one that explains the times is taken rather than a quotient of rounded numbers.
_RATES = (*range(1, 241), *(1000 * rate / 1001 for rate in (24, 30, 48, 60, 72, 90, 120, 240)))


def even_rate(times: npt.NDArray[Any], precision: float) -> tuple[float, int] | None:
    """Return samples per second and the number of the first, or None where the times are not evenly spaced.

    Parameters
    ----------
    times : (F,) floats
        Seconds, at least two.
    precision : float
        Relative rounding error of the times, such as 2**-24 for float32.
    """
    seconds = np.asarray(times, np.float64)
    length = float(seconds[-1] - seconds[0])
    if not np.isfinite(seconds).all() or length <= 0:
        return None
    steps = np.arange(len(seconds)) / (len(seconds) - 1)
    error = 4 * precision * float(np.abs(seconds).max())
    if not np.allclose(seconds, seconds[0] + steps * length, rtol=0, atol=error):
        return None
    rate = (len(seconds) - 1) / length
    candidates = [min(_RATES, key=lambda r: abs(r - rate)), *(round(rate, digits) for digits in (1, 2, 3))]
    for known in candidates:
        start = round(float(seconds[0] * known))
        if np.allclose(seconds, (start + np.arange(len(seconds))) / known, rtol=0, atol=error):
            return float(known), start
    return rate, round(float(seconds[0] * rate))
