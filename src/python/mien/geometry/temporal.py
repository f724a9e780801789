"""How fast vertices move from frame to frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate

__all__ = ["SpeedStatistics", "speed_statistics"]

Float64 = npt.NDArray[np.float64]


class SpeedStatistics(NamedTuple):
    """How fast a take moves. Multiply speeds by fps for scene units a second, jumps by fps² for accelerations.

    Attributes
    ----------
    largest : (F - 1,) float64
        Largest speed of a vertex between frames f and f + 1, scene units a frame.
    mean : (F - 1,) float64
        Mean speed of the vertices, the same.
    jump : (F - 2,) float64
        Largest change of a vertex's velocity at frame f + 1, scene units a frame a frame.
    largest_p99, jump_p99 : float
        99th percentile of `largest` and `jump` over the take; 0 where there are none.
    """

    largest: Float64
    mean: Float64
    jump: Float64
    largest_p99: float
    jump_p99: float


def speed_statistics(positions: npt.ArrayLike) -> SpeedStatistics:
    """Measure speeds and velocity jumps of a take, such as to judge whether an edit's ends are smooth (law 7).

    Parameters
    ----------
    positions : (F, V, 3) float32 or float64
        Scene units; may be a memory map. A vertex that is missing (NaN) in a frame does not count there.

    Returns
    -------
    SpeedStatistics
        NaN at frames where no vertex can be compared; those are left out of the percentiles.

    Raises
    ------
    TypeError
        The positions are not floats.
    ValueError
        The shape is wrong.

    Notes
    -----
    One pass for speeds and one for jumps, O(F V), no copy of the take. The first call compiles, or loads from Numba's
    cache, for a fraction of a second.

    Examples
    --------
    >>> import numpy as np
    >>> take = np.zeros((4, 2, 3))
    >>> take[:, 1, 0] = [0, 1, 2, 5]
    >>> speeds = speed_statistics(take)
    >>> speeds.largest.tolist(), speeds.mean.tolist(), speeds.jump.tolist()
    ([1.0, 1.0, 3.0], [0.5, 0.5, 1.5], [0.0, 2.0])
    """
    from mien._kernels import temporal as kernels  # Numba takes longer to import than all else

    frames = _validate.points("positions", positions, ("F", "V", 3))
    n = len(frames)
    largest, mean, jump = np.empty(max(n - 1, 0)), np.empty(max(n - 1, 0)), np.empty(max(n - 2, 0))
    rows = frames.reshape(n, 3 * frames.shape[1])
    kernels.speeds(rows, largest, mean)
    kernels.jumps(rows, jump)
    return SpeedStatistics(largest, mean, jump, _p99(largest), _p99(jump))


def _p99(values: Float64) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, 99)) if len(known) else 0.0
