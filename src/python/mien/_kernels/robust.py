"""Loops for `mien.geometry.robust`. To see how a weight of your own is written, look at `tukey`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.core.dispatcher import Dispatcher

__all__ = ["LOSSES", "compiled", "weigh_by"]

Float64 = npt.NDArray[np.float64]


@njit("float64(float64)", cache=True, nogil=True, error_model="numpy")
def geman_mcclure(u: float) -> float:
    """Return the weight of a residual of u times sigma, u squared being given."""
    g = 1 / (1 + u)
    return g * g


@njit("float64(float64)", cache=True, nogil=True, error_model="numpy")
def huber(u: float) -> float:
    """Return the weight of a residual of u times sigma, u squared being given."""
    return 1.0 if u <= 1 else 1 / np.sqrt(u)


@njit("float64(float64)", cache=True, nogil=True, error_model="numpy")
def tukey(u: float) -> float:
    """Return the weight of a residual of u times sigma, u squared being given."""
    g = 1 - u
    return g * g if g > 0 else 0.0


def _signature(real: types.Type) -> Any:
    line = types.Array(real, 1, "C", readonly=True)
    return types.void(line, types.float64, types.float64[::1])


_SIGNATURES = [_signature(types.float32), _signature(types.float64)]


@njit(_SIGNATURES, cache=True, nogil=True, error_model="numpy")
def weigh_geman_mcclure(residuals: Float64, inverse: float, out: Float64) -> None:
    """Write the weights of residuals; `inverse` is 1 / sigma."""
    for i in range(len(out)):
        r = residuals[i] * inverse
        out[i] = geman_mcclure(r * r)


@njit(_SIGNATURES, cache=True, nogil=True, error_model="numpy")
def weigh_huber(residuals: Float64, inverse: float, out: Float64) -> None:
    """Write the weights of residuals; `inverse` is 1 / sigma."""
    for i in range(len(out)):
        r = residuals[i] * inverse
        out[i] = huber(r * r)


@njit(_SIGNATURES, cache=True, nogil=True, error_model="numpy")
def weigh_tukey(residuals: Float64, inverse: float, out: Float64) -> None:
    """Write the weights of residuals; `inverse` is 1 / sigma."""
    for i in range(len(out)):
        r = residuals[i] * inverse
        out[i] = tukey(r * r)


LOSSES = {"geman-mcclure": weigh_geman_mcclure, "huber": weigh_huber, "tukey": weigh_tukey}


@njit(nogil=True, error_model="numpy")
def weigh_by(weight: Any, residuals: Float64, inverse: float, out: Float64) -> None:
    """Do the same with any compiled function of the squared ratio."""
    for i in range(len(out)):
        r = residuals[i] * inverse
        out[i] = weight(r * r)


@functools.lru_cache(maxsize=32)
def compiled(weight: Callable[[float], float]) -> Any:
    """Return a function as Numba's, which it may be already; the same one again, for each costs a tenth of a second."""
    return weight if isinstance(weight, Dispatcher) else njit(weight)
