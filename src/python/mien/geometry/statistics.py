"""What vertices do over the frames of a take: medians, spreads, quantiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry.filters import over_columns

__all__ = ["VertexMedian", "vertex_median", "vertex_quantiles"]

Float64 = npt.NDArray[np.float64]


class VertexMedian(NamedTuple):
    """Medians over frames.

    Attributes
    ----------
    median : (V,) or (V, 3) float64
        Of each vertex, or of each of its coordinates; NaN where it is missing in every frame.
    deviation : the same
        Median of the distances from the median. Of normal noise it is 0.6745 of the standard deviation.
    """

    median: Float64
    deviation: Float64


def vertex_quantiles(values: npt.ArrayLike, levels: npt.ArrayLike) -> Float64:
    """Find quantiles over the frames, for every vertex.

    Parameters
    ----------
    values : (F, V) or (F, V, 3) float32 or float64
        Such as residuals, or positions in head space; may be a memory map. NaN is a value that is missing. Frames that
        are not contiguous are copied in parts.
    levels : number or (L,) floats
        In [0, 1]: 0 is the least value, 0.5 the median, 1 the largest.

    Returns
    -------
    (L, V), (L, V, 3), or without L for one number; float64
        Between two values by their distance. NaN where a vertex is missing in every frame.

    Raises
    ------
    TypeError
        The values are not floats.
    ValueError
        A shape is wrong, or a level is not in [0, 1].

    Notes
    -----
    Cost O(L F V) on average, memory O(F) a thread. The first call compiles, or loads from Numba's cache.

    References
    ----------
    Hoare 1961, Algorithm 65: find, Communications of the ACM 4(7).

    Examples
    --------
    >>> import numpy as np
    >>> vertex_quantiles(np.array([[1.0], [2.0], [9.0], [np.nan]]), [0.25, 0.5]).tolist()
    [[1.5], [2.0]]
    """
    from mien._kernels import statistics as kernels  # Numba takes longer to import than all else

    rows = _rows(values)
    single = np.ndim(levels) == 0
    asked = _validate.floats("levels", np.atleast_1d(np.asarray(levels)), ("L",))
    if asked.size and (asked.min() < 0 or asked.max() > 1):
        raise ValueError(f"`levels` must lie in [0, 1], got values from {asked.min():g} to {asked.max():g}")
    out = _over(rows, asked, len(asked), kernels.quantiles)
    return out[0] if single else out


def vertex_median(values: npt.ArrayLike) -> VertexMedian:
    """Find the median over the frames and the median distance from it, for every vertex.

    Parameters
    ----------
    values : (F, V) or (F, V, 3) floats
        As in `vertex_quantiles`: missing ones are NaN.

    Returns
    -------
    VertexMedian
        ``.median`` and ``.deviation``, (V,) or (V, 3) each, in the unit of `values`.

    Raises
    ------
    TypeError, ValueError
        As in `vertex_quantiles`.
    """
    from mien._kernels import statistics as kernels  # Numba takes longer to import than all else

    median, deviation = _over(_rows(values), np.array([0.5]), 2, kernels.deviations)
    return VertexMedian(median, deviation)


def _rows(values: npt.ArrayLike) -> npt.NDArray[Any]:
    rows = np.asarray(values)
    if rows.dtype not in (np.float32, np.float64) or not rows.dtype.isnative:
        raise TypeError(f"`values` must be float32 or float64 in native byte order, got {rows.dtype.str}")
    if rows.ndim not in (2, 3) or (rows.ndim == 3 and rows.shape[2] != 3):
        raise ValueError(f"`values` must have shape (F, V) or (F, V, 3), got {rows.shape}")
    return rows


def _over(
    values: npt.NDArray[Any], levels: Float64, n_out: int, kernel: Callable[[Any, Any, Any, int, int], None]
) -> Float64:
    out = np.empty((n_out, *values.shape[1:]))
    if out.size:
        over_columns(values, out, lambda rows, to, begin, end: kernel(rows, levels, to, begin, end))
    return out
