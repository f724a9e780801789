"""Smooth a take in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate

__all__ = ["bilateral", "savitzky_golay"]

Float64 = npt.NDArray[np.float64]

# Where exp(-d²/2σ²) is cut: the largest exponent. A sixty-fourth of it is what the kernel's series is for.
_CUT = 20.0


def savitzky_golay(
    positions: npt.ArrayLike,
    window: int = 7,
    order: int = 2,
    *,
    derivative: int = 0,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Smooth every vertex's path by polynomials through the frames around each frame.

    Parameters
    ----------
    positions : (F, V, 3) float32 or float64
        Scene units; may be a memory map. Frames that are not contiguous are copied in parts.
    window : int
        Frames that a polynomial goes through, odd, above `order`. Near the ends the window does not reach beyond them;
        a take with fewer frames is one window.
    order : int
        The polynomial's, at least 0. Motion that is such a polynomial over the window stays as it is.
    derivative : int
        0 for positions, 1 for velocities (scene units a frame), 2 for accelerations; at most `order`.
    out : (F, V, 3) array, optional
        Where the result goes, of the dtype of `positions` and apart from it.

    Returns
    -------
    (F, V, 3) array
        Of the dtype of `positions`; `out` where given. A vertex that stands still within the window keeps its place to
        the bit.

    Raises
    ------
    TypeError
        The positions are not floats.
    ValueError
        A shape is wrong, the window is even or not above the order, or a coordinate is not finite (frame and vertex are
        named).

    Notes
    -----
    Cost O(window F V); the take is read from memory once. No memory besides the result. The first call compiles, or
    loads from Numba's cache.

    References
    ----------
    Savitzky, Golay 1964, Smoothing and differentiation of data by simplified least squares procedures, Analytical
    Chemistry 36(8).

    Examples
    --------
    >>> import numpy as np
    >>> take = np.zeros((5, 1, 3))
    >>> take[:, 0, 0] = [0, 1, 0, 1, 0]
    >>> savitzky_golay(take, window=3, order=1)[:, 0, 0].round(3).tolist()
    [0.167, 0.333, 0.667, 0.333, 0.167]
    """
    frames = finite_frames(positions)
    width = _validate.index("window", window, least=1)
    degree = _validate.index("order", order, least=0)
    if width % 2 == 0 or width <= degree:
        raise ValueError(f"`window` must be odd and above `order` = {degree}, got {width}")
    step = _validate.index("derivative", derivative, least=0)
    if step > degree:
        raise ValueError(f"`derivative` must be at most `order` = {degree}, got {step}")
    result = room_for(out, frames)
    if frames.size == 0:
        return result
    fit_polynomials(frames, width, degree, step, result)
    return result


def bilateral(
    positions: npt.ArrayLike,
    sigma_frames: float = 2.0,
    sigma_distance: float = 0.1,
    *,
    out: npt.NDArray[Any] | None = None,
) -> npt.NDArray[Any]:
    """Smooth every vertex's path by means over frames in which it is near where it is now: noise goes, moves stay.

    Parameters
    ----------
    positions : (F, V, 3) float32 or float64
        Scene units; may be a memory map. Frames that are not contiguous are copied in parts.
    sigma_frames : float
        How fast a frame's weight falls with its distance in time: standard deviation, frames, above 0.
    sigma_distance : float
        How fast it falls with the distance that the vertex has gone: standard deviation, scene units, above 0; some
        times the noise.
    out : (F, V, 3) array, optional
        Where the result goes, of the dtype of `positions` and apart from it.

    Returns
    -------
    (F, V, 3) array
        Of the dtype of `positions`; `out` where given. A vertex that stands still keeps its place to the bit.

    Raises
    ------
    TypeError
        The positions are not floats.
    ValueError
        A shape is wrong, a sigma is not above 0, or a coordinate is not finite (frame and vertex are named).

    Notes
    -----
    Windows reach three times `sigma_frames`, and end where the take does. The weight of a distance is a Gaussian to
    1e-5 of itself, and what it is at 6.3 sigma beyond that. Cost O(sigma_frames F V).

    References
    ----------
    Tomasi, Manduchi 1998, Bilateral filtering for gray and color images, ICCV.
    """
    frames = finite_frames(positions)
    pace = _validate.number("sigma_frames", sigma_frames, above=0)
    size = _validate.number("sigma_distance", sigma_distance, above=0)
    result = room_for(out, frames)
    if frames.size == 0:
        return result
    from mien._kernels import filters as kernels  # Numba takes longer to import than all else

    reach = min(math.ceil(3 * pace), len(frames) - 1)
    near = np.array([math.exp(-0.5 * (k / pace) ** 2) for k in range(reach + 1)], frames.dtype)
    shape = np.array([0.5 / size**2 / 64, _CUT / 64, *(1 / k for k in range(1, 7))], frames.dtype)
    over_columns(
        frames, result, lambda rows, to, begin, end: kernels.bilateral(rows, near, shape, to, begin, end)
    )
    return result


def weigh_frames(
    frames: npt.NDArray[Any],
    about: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    taps: Float64,
    out: npt.NDArray[Any],
    *,
    base: float = 1.0,
) -> None:
    """Write a sum of consecutive frames for every frame of `out`; arguments have been checked.

    ``out[f] = base frames[about[f]] + Σ_k taps[f, k] (frames[first[f] + k] - frames[about[f]])``, base 0 or 1.
    """
    from mien._kernels import filters as kernels  # Numba takes longer to import than all else

    padded = np.zeros((len(taps), -(-taps.shape[1] // 4) * 4), frames.dtype)
    padded[:, : taps.shape[1]] = taps
    at, begins = (np.ascontiguousarray(a, np.int64) for a in (about, first))
    factor = frames.dtype.type(base)
    over_columns(
        frames,
        out,
        lambda rows, to, begin, end: kernels.weighted_rows(rows, at, begins, padded, factor, to, begin, end),
    )


def fit_polynomials(
    frames: npt.NDArray[Any], window: int, degree: int, derivative: int, out: npt.NDArray[Any]
) -> None:
    """Write what `savitzky_golay` does; arguments have been checked."""
    n = len(frames)
    width = min(window, n)
    first = np.clip(np.arange(n) - width // 2, 0, n - width)
    taps = _polynomial_taps(width, min(degree, width - 1), derivative)[np.arange(n) - first]
    weigh_frames(frames, np.arange(n), first, taps, out, base=float(derivative == 0))


def _polynomial_taps(width: int, degree: int, derivative: int) -> Float64:
    """Return what frames count (width, width): row c is for the frame at place c of the window."""
    rows = np.zeros((width, width))
    if derivative > degree:  # of a take with too few frames
        return rows
    mirrored = -1 if derivative % 2 else 1
    for place in range((width + 1) // 2):
        rows[place] = _taps(range(-place, width - place), degree, derivative)
        rows[width - 1 - place] = mirrored * rows[place, ::-1]
    return rows


def _taps(times: range, degree: int, derivative: int) -> list[float]:
    """Solve the normal equations for one coefficient in fractions: rounded once, the same bits on every machine."""
    size = degree + 1
    sums = [sum(t**power for t in times) for power in range(2 * size - 1)]
    rows = [
        [Fraction(sums[i + j]) for j in range(size)] + [Fraction(int(i == derivative))] for i in range(size)
    ]
    for i in range(size):
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    shares = [math.factorial(derivative) * rows[j][size] for j in range(size)]
    return [float(sum((share * t**j for j, share in enumerate(shares)), Fraction(0))) for t in times]


def finite_frames(positions: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return positions (F, V, 3), or raise an error that names the first frame and vertex that is not finite."""
    frames = _validate.points("positions", positions, ("F", "V", 3))
    bad = _core.first_non_finite(frames) if frames.size else None
    if bad is not None:
        f, v = bad
        raise ValueError(f"`positions` must be finite, got {frames[f, v].tolist()} at frame {f}, vertex {v}")
    return frames


def room_for(
    out: npt.NDArray[Any] | None, frames: npt.NDArray[Any], count: int | None = None
) -> npt.NDArray[Any]:
    """Return `out`, checked, or a new array for `count` frames like `frames`, as many by default."""
    shape = (len(frames) if count is None else count, *frames.shape[1:])
    if out is None:
        return np.empty(shape, frames.dtype)
    _validate.instance("out", out, np.ndarray, "an array")
    if out.dtype != frames.dtype or out.shape != shape or not out.flags.c_contiguous:
        raise ValueError(
            f"`out` must be a contiguous {frames.dtype} array of shape {shape}, got {out.dtype} {out.shape}"
        )
    if not out.flags.writeable:
        raise ValueError("`out` must be writable, got a read-only array")
    if np.may_share_memory(out, frames):
        raise ValueError("`out` must share no memory with `positions`, got an overlap")
    return out


def over_columns(
    frames: npt.NDArray[Any], out: npt.NDArray[Any], work: Callable[[Any, Any, int, int], None]
) -> None:
    """Call ``work(rows, out_rows, begin, end)`` for ranges of columns that together are all, on all threads.

    Rows are frames (F, V) or (F, V, 3) as flat lines; ranges begin at multiples of 3072.
    """
    n_columns = int(np.prod(frames.shape[1:]))
    rows = np.asarray(frames).reshape(len(frames), n_columns)
    to = out.reshape(len(out), n_columns)
    plain = rows.flags.c_contiguous and rows.flags.aligned
    block = 3072 * max(1, (1 << 20) // (3072 * max(1, len(rows))))

    def part(begin: int) -> None:
        end = min(begin + block, n_columns)
        if plain:
            work(rows, to, begin, end)
        else:
            packed = np.ascontiguousarray(rows[:, begin:end])
            result = np.empty((len(to), end - begin), to.dtype)
            work(packed, result, 0, end - begin)
            to[:, begin:end] = result

    parts = range(0, n_columns, block)
    threads = min(_core.thread_count(), len(parts))
    if threads < 2:
        for begin in parts:
            part(begin)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, parts))
