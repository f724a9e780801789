"""Least squares between bounds, on normal equations, many frames at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate

__all__ = ["BoundedFit", "bounded_least_squares"]

Float64 = npt.NDArray[np.float64]


class BoundedFit(NamedTuple):
    """What `bounded_least_squares` finds.

    Attributes
    ----------
    weights : (F, K) float64
        The minimum, within the bounds.
    residual : (F,) float64
        How far from optimal: the largest step that one diagonal Newton step would take, as a share of the width of its
        bounds. At most 1e-9. With `smoothness` the same number, that of the whole problem, for every frame.
    pivots : (F,) int32
        How many variables went between free and bound on the way (before smoothing, where that is asked for).
    ridge : float
        What was added to the diagonal of `gram`, 0 unless its columns depend on each other; see Notes.
    """

    weights: Float64
    residual: Float64
    pivots: npt.NDArray[np.int32]
    ridge: float


def bounded_least_squares(
    gram: npt.ArrayLike,
    rhs: npt.ArrayLike,
    lower: npt.ArrayLike = 0.0,
    upper: npt.ArrayLike = 1.0,
    *,
    smoothness: float = 0.0,
) -> BoundedFit:
    """Minimise ``w' G w / 2 - b' w`` between bounds, for every frame's b.

    Parameters
    ----------
    gram : (K, K) floats
        G, symmetric positive semi-definite: ``B' B`` for a least-squares fit of ``B w`` to d.
    rhs : (F, K) floats
        b, a frame a row: ``B' d``. Frames that follow each other in time are solved faster.
    lower, upper : number or (K,) floats
        Bounds, finite; equal ones hold a weight where it is.
    smoothness : float
        At least 0. Above 0 all frames are one problem, with ``smoothness / 2 * sum |w_f - w_(f - 1)|^2`` added.

    Returns
    -------
    BoundedFit

    Raises
    ------
    TypeError, ValueError
        An argument is not of the kind or shape described, is not finite, or `gram` is not symmetric.
    NumericalError
        `gram` is not positive semi-definite.

    Notes
    -----
    Block principal pivoting from the free variables of the frame before, with a fallback that cannot cycle. O(K^2) a
    frame where they stay, O(K^3) where many change. A ridge of 1e-10 of the mean of the diagonal is
    added if the Cholesky factor of `gram`, scaled to a diagonal of ones, has a pivot below 1e-10. Smooth weights take
    projected Newton steps, each one O(F K^3) and with memory for the squared number of free variables of every frame.

    References
    ----------
    Júdice and Pires 1994, A block principal pivoting algorithm for large-scale strictly monotone linear complementarity
    problems, Computers & Operations Research 21(5). Bertsekas 1982, Projected Newton methods for optimization problems
    with simple constraints, SIAM Journal on Control and Optimization 20(2).

    Examples
    --------
    >>> import mien
    >>> fit = mien.bounded_least_squares([[2.0, 1.0], [1.0, 2.0]], [[1.0, 0.0], [9.0, 0.0]])
    >>> fit.weights.round(12).tolist()
    [[0.5, 0.0], [1.0, 0.0]]
    """
    matrix = _validate.floats("gram", gram, ("K", "K"))
    k = len(matrix)
    if matrix.shape != (k, k) or k == 0:
        raise ValueError(f"`gram` must have shape (K, K) with K of at least 1, got {matrix.shape}")
    largest = float(np.abs(matrix).max())
    if np.abs(matrix - matrix.T).max() > 1e-12 * largest:
        raise ValueError("`gram` must be symmetric, got values that differ across the diagonal")
    given = _validate.floats("rhs", rhs, ("F", "K"), {"K": k})
    low, high = (_bounds(name, value, k) for name, value in (("lower", lower), ("upper", upper)))
    if (low > high).any():
        i = int(np.argmax(low > high))
        raise ValueError(f"`lower` must not be above `upper`, got {low[i]:g} and {high[i]:g} at {i}")
    smooth = _validate.number("smoothness", smoothness, least=0)
    return BoundedFit(*_core.bounded_least_squares(matrix, given, low, high, smooth))


def _bounds(name: str, value: npt.ArrayLike, k: int) -> Float64:
    if np.ndim(value) == 0:
        return np.full(k, _validate.number(name, value))
    return _validate.floats(name, value, ("K",), {"K": k})
