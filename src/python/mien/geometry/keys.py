"""Values at key frames, carried to other frames so that velocities and accelerations change as little as can be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry.sparse import SparseFactor

__all__ = ["STIFFNESS", "carry_keys"]

Float64 = npt.NDArray[np.float64]

STIFFNESS = 3.0


def carry_keys(
    n_frames: int,
    keys: Sequence[int],
    *,
    start: int | None = None,
    end: int | None = None,
    stiffness: float = STIFFNESS,
    cost: npt.ArrayLike | None = None,
) -> Float64:
    """Return how much of each key's value every frame gets, so that what is added moves as little as can be.

    Parameters
    ----------
    n_frames : int
        F, how many frames the take has.
    keys : (K,) int
        Rising frames whose values are given and met exactly, zero-based.
    start, end : int, optional
        The last frame before and the first frame after those that get anything; they may lie outside the take. None
        goes on to the take's first or last frame, where the value is then free.
    stiffness : float
        s below, in frames: over about how long a corner is rounded. 0 goes straight from key to key; a large one gives
        cubic splines, which overshoot.
    cost : (F - 1,) floats above 0, optional
        c below: how dear a change between frames f and f + 1 is; None is 1 everywhere.

    Returns
    -------
    (F, K) float64
        Row f has what frame f gets of each key's value: ``values = shares @ key_values``. Rows from `end` on and up to
        `start` are 0.

    Raises
    ------
    TypeError, ValueError
        Keys do not rise, lie outside the take or outside of `start` and `end`, or a cost is not above 0.

    Notes
    -----
    Minimises ``sum c |d[f+1] - d[f]|² + s² sum c |d[f+1] - 2 d[f] + d[f-1]|²`` with d given at keys, and zero at
    `start` and the frame before, at `end` and the frame after. If d is added to a take, these are the changes of its
    velocities and accelerations. For a second difference c is the mean of its two. Five diagonals, factored once:
    O(F K).

    References
    ----------
    Witkin, Kass 1988, Spacetime constraints, SIGGRAPH.
    Xu, Zhou, Yu, Tan, Peng, Guo 2007, Gradient domain editing of deforming mesh sequences, ACM TOG 26(3).

    Examples
    --------
    >>> import mien
    >>> mien.carry_keys(7, [3], start=0, end=6, stiffness=0)[:, 0].round(3).tolist()
    [0.0, 0.333, 0.667, 1.0, 0.667, 0.333, 0.0]
    """
    n = _validate.index("n_frames", n_frames, least=1)
    given = [_validate.index(f"keys[{i}]", key, least=0, below=n) for i, key in enumerate(keys)]
    if not given or any(b <= a for a, b in itertools.pairwise(given)):
        raise ValueError(f"`keys` must name frames that rise, at least one, got {given}")
    first, last = _ends(start, end, given, n)
    s = _validate.number("stiffness", stiffness, least=0)
    dear = np.ones(max(n - 1, 0))
    if cost is not None:
        dear = _validate.floats("cost", cost, ("F - 1",), {"F - 1": n - 1})
        if dear.size and not dear.min() > 0:
            raise ValueError(f"`cost` must be above 0, got {dear.min():g}")
    # The frames that count, with two at rest beyond each end.
    low = 0 if first is None else first - 1
    high = n - 1 if last is None else last + 1
    frames = np.arange(low, high + 1)
    steps = dear[np.clip(frames[:-1], 0, n - 2)] if n > 1 else np.ones(len(frames) - 1)
    fixed = np.zeros((len(frames), len(given)))
    free = np.ones(len(frames), bool)
    free[[k - low for k in given]] = False
    fixed[[k - low for k in given], range(len(given))] = 1.0
    if first is not None:
        free[:2] = False
    if last is not None:
        free[-2:] = False
    shares = _solved(_diagonals(steps, s * s), free, fixed)
    out = np.zeros((n, len(given)))
    inside = (frames >= 0) & (frames < n)
    out[frames[inside]] = shares[inside]
    return out


def _ends(start: int | None, end: int | None, keys: list[int], n: int) -> tuple[int | None, int | None]:
    """Check the range; no end lies further outside than the take is long, whatever a file says."""
    first = None if start is None else _validate.index("start", start)
    last = None if end is None else _validate.index("end", end)
    if (first is not None and first >= keys[0]) or (last is not None and last <= keys[-1]):
        raise ValueError(
            f"`start` and `end` must enclose the keys {keys[0]} to {keys[-1]}, got {first} and {last}"
        )
    if (first is not None and first < -n) or (last is not None and last > 2 * n):
        raise ValueError(f"`start` and `end` must lie within {n} frames of the take, got {first} and {last}")
    return first, last


def _diagonals(steps: Float64, bend: float) -> Float64:
    """Return the middle diagonal and the two below it of the energy's matrix, (N, 3)."""
    n = len(steps) + 1
    out = np.zeros((n, 3))
    out[:-1, 0] += steps
    out[1:, 0] += steps
    out[:-1, 1] -= steps
    if n > 2:
        c = 0.5 * bend * (steps[:-1] + steps[1:])  # of the triple f, f + 1, f + 2
        for k, inner in enumerate((1.0, 4.0, 1.0)):
            out[k : n - 2 + k, 0] += inner * c
        for k in (0, 1):
            out[k : n - 2 + k, 1] -= 2.0 * c
        out[: n - 2, 2] += c
    return out


def _solved(diagonals: Float64, free: npt.NDArray[np.bool_], fixed: Float64) -> Float64:
    """Minimise over the free frames, the others given."""
    n = len(free)
    if not free.any():
        return fixed
    pull = np.zeros_like(fixed)
    for k in (1, 2):
        pull[: n - k] -= diagonals[: n - k, k, None] * fixed[k:]
        pull[k:] -= diagonals[: n - k, k, None] * fixed[: n - k]
    number = np.cumsum(free) - 1
    rows = np.arange(n)[:, None] + np.arange(3)
    there = np.zeros((n, 3), bool)
    for k in range(3):
        there[: n - k, k] = free[: n - k] & free[k:]
    indices = number[np.minimum(rows, n - 1)][there].astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1)[free])]).astype(np.int64)
    size = int(free.sum())
    factor = SparseFactor((diagonals[there], indices, indptr, (size, size)), ordering="natural")
    out = fixed.copy()
    out[free] = factor.solve(np.ascontiguousarray(pull[free]))
    return out
