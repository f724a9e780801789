"""Blends of takes by region and envelope, and takes at other times."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry.filters import finite_frames, room_for, weigh_frames

__all__ = ["blend", "resample"]

INTERPOLATIONS = ("cubic", "linear")


def blend(
    positions: npt.ArrayLike,
    goal: npt.ArrayLike,
    region: npt.ArrayLike | None = None,
    envelope: npt.ArrayLike | None = None,
    *,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Move a take towards another, where and when one asks.

    Parameters
    ----------
    positions : (F, V, 3) float32 or float64
        Scene units; may be a memory map. Frames that are not contiguous are copied.
    goal : (F, V, 3) or (V, 3), of the dtype of `positions`
        Another take, or one shape for all frames.
    region : (V,) floats in [0, 1], optional
        How far each vertex goes; 1 by default.
    envelope : (F,) floats in [0, 1], optional
        How far each frame goes; 1 by default.
    out : (F, V, 3) array, optional
        Where the result goes, of the dtype of `positions` and apart from it.

    Returns
    -------
    (F, V, 3) array
        ``positions + envelope[f] region[v] (goal - positions)``; the bits of `positions` where the product is 0,
        whatever the goal is there, and those of `goal` where it is 1.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, shape or value.

    Examples
    --------
    >>> import numpy as np
    >>> blend(np.zeros((3, 1, 3)), np.full((1, 3), 4.0), envelope=[0.0, 0.25, 1.0])[:, 0, 0].tolist()
    [0.0, 1.0, 4.0]
    """
    from mien._kernels import blending as kernels  # Numba takes longer to import than all else

    frames = _validate.points("positions", positions, ("F", "V", 3))
    n, v = frames.shape[:2]
    shape = ("V", 3) if np.ndim(goal) == 2 else ("F", "V", 3)
    other = _validate.points("goal", goal, shape, {"F": n, "V": v})
    if other.dtype != frames.dtype:
        raise TypeError(f"`goal` must be {frames.dtype} as `positions` are, got {other.dtype}")
    where = np.ones(v) if region is None else _validate.unit_weights("region", region, "V", v)
    when = np.ones(n) if envelope is None else _validate.unit_weights("envelope", envelope, "F", n)
    result = room_for(out, frames)
    if frames.size:
        rows, target = (
            np.asarray(np.require(a.reshape(-1, 3 * v), None, ["C", "A"])) for a in (frames, other)
        )
        spread, much = where.astype(frames.dtype), when.astype(frames.dtype)
        kernels.towards(rows, target, spread, much, result.reshape(n, 3 * v))
    return result


def resample(
    positions: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    interpolation: str = "cubic",
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Look at a take at other times.

    Parameters
    ----------
    positions : (F, V, 3) float32 or float64
        Scene units, F at least 1; may be a memory map. Frames that are not contiguous are copied in parts.
    times : (G,) floats
        Frames, zero-based, in [0, F - 1]: 2.5 is halfway between frames 2 and 3.
    interpolation : {"cubic", "linear"}
        ``cubic`` goes through the frames with a velocity that does not jump (Catmull, Rom 1974); it may swing past
        them. ``linear`` does neither.
    out : (G, V, 3) array, optional
        Where the result goes, of the dtype of `positions` and apart from it.

    Returns
    -------
    (G, V, 3) array
        At whole times the frames, bit for bit.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, shape or value, or a coordinate is not finite (frame and vertex are named).

    Notes
    -----
    Cost O(G V). Vertices go along straight or cubic paths: a head that turns much between frames is better resampled
    apart from the expression.

    References
    ----------
    Catmull, Rom 1974, A class of local interpolating splines, in Computer Aided Geometric Design, Academic Press.

    Examples
    --------
    >>> import numpy as np
    >>> take = np.zeros((3, 1, 3))
    >>> take[:, 0, 0] = [0, 1, 4]
    >>> resample(take, [0.0, 0.5, 1.5], interpolation="linear")[:, 0, 0].tolist()
    [0.0, 0.5, 2.5]
    """
    frames = finite_frames(positions)
    n = len(frames)
    if n == 0:
        raise ValueError("`positions` must have at least one frame, got none")
    when = _validate.floats("times", times, ("G",))
    if when.size and (when.min() < 0 or when.max() > n - 1):
        raise ValueError(
            f"`times` must lie in [0, {n - 1}], got values from {when.min():g} to {when.max():g}"
        )
    word = _validate.one_of("interpolation", interpolation, INTERPOLATIONS)
    result = room_for(out, frames, len(when))
    if result.size:
        about = np.minimum(np.floor(when).astype(np.int64), n - 1)
        t = (when - about)[:, None]
        # What the frames before, at, after and after that count; those of the frame itself are not needed.
        if word == "linear":
            taps = np.concatenate([0 * t, 1 - t, t, 0 * t], axis=1)
        else:
            taps = 0.5 * np.concatenate(
                [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], axis=1
            )
            _reflect_ends(taps, about, n)
        first = np.clip(about - 1, 0, max(n - 4, 0))
        moved = np.zeros_like(taps)
        for k in range(4):
            place = about - 1 + k - first
            there = (place >= 0) & (place < 4) & (about - 1 + k < n) & (about - 1 + k >= 0)
            moved[there, place[there]] = taps[there, k]
        weigh_frames(frames, about, first, moved, result)
    return result


def _reflect_ends(taps: npt.NDArray[np.float64], about: npt.NDArray[np.int64], n: int) -> None:
    """Give the taps of frames beyond the ends to their images: x[-1] = 2 x[0] - x[1], x[n] likewise."""
    if n == 1:
        return
    early = about == 0
    taps[early, 1] += 2 * taps[early, 0]
    taps[early, 2] -= taps[early, 0]
    taps[early, 0] = 0
    late = about == n - 2
    taps[late, 2] += 2 * taps[late, 3]
    taps[late, 1] -= taps[late, 3]
    taps[late, 3] = 0
