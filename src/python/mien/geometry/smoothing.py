"""Take noise out of motion, and leave what is fast."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry.filters import fit_polynomials
from mien.values.rigid import RigidMotion
from mien.values.topology import Topology

__all__ = ["SMOOTHERS", "Neighbours", "NoiseLevel", "measure_noise", "odd_window", "smooth_frames"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

SMOOTHERS = ("savgol", "bilateral", "variational")

# What was removed comes back between these ratios to the energy of noise, in five frames and in one: noise itself
# hardly ever gets there. For what neighbours do together, and for what a vertex does alone.
_TOGETHER = np.array([2.0, 4.0, 5.0, 9.0])
_ALONE = np.array([2.5, 5.0, 6.0, 10.0])
_ENERGY_REACH = 2
# Frames to either side from which the bilateral filter takes a vertex's speed.
_PACE_REACH = 2
_POOLINGS = 2
# Squares of distances from the path, and of bends, in units of the noise's.
_RANGE, _BEND = 40.0, 8.0
_ITERATIONS = 4
# Frames that a variational answer depends on, as a multiple of the window.
_INFLUENCE = 2
# Where noise is measured: so many times, on at most so many vertices.
_NOISE_TIMES, _NOISE_VERTICES = 64, 4096


class Neighbours(NamedTuple):
    """Vertices beside each vertex: ``ends[begin[v]:begin[v + 1]]``, ascending."""

    begin: Int64
    ends: Int64

    @classmethod
    def of(cls, topology: Topology) -> Neighbours:
        """Take the ends of the edges."""
        edges = topology.edges.astype(np.int64)
        both = np.concatenate([edges, edges[:, ::-1]])
        both = both[np.lexsort((both[:, 1], both[:, 0]))]
        counts = np.bincount(both[:, 0], minlength=topology.n_vertices)
        return cls(np.concatenate([[0], np.cumsum(counts)]), np.ascontiguousarray(both[:, 1]))

    def around(self, vertices: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return the vertices with all from which their smoothing takes."""
        out = vertices
        owner = np.repeat(np.arange(len(self.begin) - 1), np.diff(self.begin))
        for _ in range(_POOLINGS):
            grown = out.copy()
            grown[self.ends[out[owner]]] = True
            out = grown
        return out

    def among(self, vertices: npt.NDArray[np.bool_]) -> Neighbours:
        """Return those among some vertices, numbered anew."""
        owner = np.repeat(np.arange(len(self.begin) - 1), np.diff(self.begin))
        kept = vertices[owner] & vertices[self.ends]
        number = np.cumsum(vertices) - 1
        counts = np.bincount(number[owner[kept]], minlength=int(vertices.sum()))
        return Neighbours(np.concatenate([[0], np.cumsum(counts)]), number[self.ends[kept]])


class NoiseLevel(NamedTuple):
    """Standard deviation of a coordinate, scene units: of vertices alone, and of means over their neighbourhoods."""

    alone: float
    pooled: float


def measure_noise(
    positions: npt.ArrayLike, head: RigidMotion | None = None, *, topology: Topology | None = None
) -> NoiseLevel:
    """Measure the noise of a take on what hardly moves.

    Parameters
    ----------
    positions : (F, V, 3) floats
        The take, or its expression when `head` is not given. What is missing (NaN) does not count.
    head : RigidMotion, optional
        Its head motion, which is taken out.
    topology : Topology, optional
        Says which vertices lie together; without it both levels are the same.

    Returns
    -------
    NoiseLevel. Medians over vertices and times of third differences; 0 for fewer than 4 frames.
    """
    frames = _validate.points("positions", positions, ("F", "V", 3))
    return _measured(frames, head, None if topology is None else Neighbours.of(topology))


def _measured(
    frames: npt.NDArray[Any], head: RigidMotion | None, neighbours: Neighbours | None
) -> NoiseLevel:
    n, vertices = frames.shape[:2]
    if n < 4 or vertices == 0:
        return NoiseLevel(0.0, 0.0)
    starts = np.unique(np.linspace(0, n - 4, _NOISE_TIMES).astype(np.int64))
    some = slice(None, None, -(-vertices // _NOISE_VERTICES))
    alone, pooled = [], []
    for start in starts:
        part = frames[start : start + 4].astype(np.float64)
        if head is not None:
            part = head[start : start + 4].apply_inverse(part)
        third = np.ascontiguousarray((part[3] - part[0]) - 3 * (part[2] - part[1])).reshape(1, -1)
        alone.append(third.reshape(-1, 3)[some])
        if neighbours is not None:
            pooled.append(_pooled(third, neighbours).reshape(-1, 3)[some])
    level = _deviation(alone)
    return NoiseLevel(level, level if neighbours is None else _deviation(pooled))


def _deviation(thirds: list[Float64]) -> float:
    size = np.abs(np.concatenate(thirds).ravel())
    size = size[np.isfinite(size)]
    # A normal distribution's median of |x| is 0.6745 sigma; the weights 1, 3, 3, 1 have squares that sum to 20.
    return float(np.median(size)) / 0.6744897501960817 / 20**0.5 if size.size else 0.0


def _pooled(rows: Float64, neighbours: Neighbours) -> Float64:
    from mien._kernels import smoothing as kernels  # Numba takes longer to import than all else

    for _ in range(_POOLINGS):
        out = np.empty_like(rows)
        kernels.pool(rows, neighbours.begin, neighbours.ends, out)
        rows = out
    return rows


def smooth_frames(
    positions: npt.ArrayLike,
    topology: Topology | None = None,
    *,
    method: str = "savgol",
    window: int = 25,
    noise: float | None = None,
) -> Float64:
    """Filter every vertex in time; what is faster than noise, such as a blink or a plosive, stays as it is.

    Parameters
    ----------
    positions : (F, V, 3) floats
        Expression, with the head taken out, scene units. A vertex that is missing (NaN) in a frame stays missing.
    topology : Topology, optional
        Says which vertices lie together. What they do together is told from noise far better than what each does alone.
    method : {"savgol", "bilateral", "variational"}
        Local parabolas; means of the frames around that lie on the vertex's path, which a first such mean has found; or
        least bending, with bends where the data insist.
    window : int
        Frames that take part, odd, at least 5. The variational stiffness is the one that takes out as much noise.
    noise : float, optional
        Standard deviation of the noise of a coordinate, scene units; by default measured (`measure_noise`).

    Returns
    -------
    (F, V, 3) float64. A copy when there is no noise.

    Raises
    ------
    ValueError
        The window is not odd, or the method not known.

    Notes
    -----
    What the filter removed is put back where its energy stands out of that of noise, in one frame or in five: first
    its mean over the neighbourhood, then what is left of it. O(F V window).

    References
    ----------
    Savitzky, Golay 1964, Analytical Chemistry 36(8); Tomasi, Manduchi 1998, Bilateral filtering for gray and color
    images, ICCV; Whittaker 1923, Proc. Edinburgh Math. Soc. 41; Geman, McClure 1987, Bull. ISI 52; Lee 1980, Digital
    image enhancement and noise filtering by use of local statistics, IEEE PAMI 2(2).
    """
    frames = _validate.points("positions", positions, ("F", "V", 3))
    neighbours = None
    if topology is not None:
        _validate.instance("topology", topology, Topology, "a Topology")
        _validate.points("positions", frames, ("F", "V", 3), {"V": topology.n_vertices})
        neighbours = Neighbours.of(topology)
    _validate.one_of("method", method, SMOOTHERS)
    odd_window("window", window)
    level = noise_level(frames, None, neighbours, noise)
    out = np.array(frames, dtype=np.float64, order="C")
    smooth_in_place(out, neighbours, method, window, level)
    return out


def noise_level(
    frames: npt.NDArray[Any], head: RigidMotion | None, neighbours: Neighbours | None, noise: float | None
) -> NoiseLevel:
    """Return the measured noise, or the given one in the measured proportion of pooled to alone."""
    measured = _measured(frames, head, neighbours)
    if noise is None:
        return measured
    given = _validate.number("noise", noise, least=0)
    return NoiseLevel(given, given * (measured.pooled / measured.alone if measured.alone else 1.0))


def frames_for(begin: int, end: int, n: int, window: int, method: str) -> tuple[int, int]:
    """Return the range of a take's `n` frames that the smoothed frames from `begin` to `end` depend on."""
    half = window // 2
    reach = {"savgol": half, "bilateral": half + _PACE_REACH, "variational": _INFLUENCE * window}[method]
    first, last = max(begin - reach - _ENERGY_REACH, 0), min(end + reach + _ENERGY_REACH, n)
    # At the ends of the take windows are whole, and their frame is not the middle.
    if last == n:
        first = min(first, max(n - window, 0))
    return first, max(last, min(window, n)) if first == 0 else last


def smooth_in_place(
    frames: Float64, neighbours: Neighbours | None, method: str, window: int, level: NoiseLevel
) -> None:
    """Smooth checked frames (F, V, 3); see `smooth_frames`."""
    from mien._kernels import smoothing as kernels  # Numba takes longer to import than all else

    if level.alone == 0 or len(frames) < 3 or frames.shape[1] == 0:
        return
    missing = ~np.isfinite(frames)
    target = frames.reshape(len(frames), -1)
    if missing.any():
        kernels.fill(target)
    given = frames.copy()
    own = _filter(kernels, given, window, method, 3 * level.alone**2, frames)
    removed = given.reshape(target.shape) - target
    together = removed if neighbours is None else _pooled(removed, neighbours)
    kernels.put_back(together, 3 * level.pooled**2 * (1 - own), _TOGETHER, target)
    if neighbours is not None:
        kernels.put_back(removed - together, 3 * level.alone**2 * (1 - own), _ALONE, target)
    frames[missing] = np.nan


def _filter(kernels: Any, frames: Float64, window: int, method: str, variance: float, out: Float64) -> float:
    """Filter with one window; return the weight of a frame in its own result."""
    half = window // 2
    own = 3 * (3 * half * (half + 1) - 1) / ((2 * half - 1) * (2 * half + 1) * (2 * half + 3))  # a parabola's
    rows, target = (x.reshape(len(x), -1) for x in (frames, out))
    if method == "bilateral":
        near = np.array([(1 - (k / (half + 1)) ** 2) ** 2 for k in range(half + 1)])
        first = np.empty_like(rows)
        kernels.bilateral(rows, rows, near, _RANGE * variance, first)
        kernels.bilateral(rows, first, near, _RANGE * variance, target)
        return own
    fit_polynomials(frames, window, 2, 0, out)
    if method == "variational":
        # A stiffness s takes noise down to the share 3 / (8 sqrt 2) s^(-1/4) of its variance, a parabola to `own`.
        stiffness = (3 / (8 * 2**0.5) / own) ** 4
        kernels.variational(rows, stiffness, _BEND * variance, _ITERATIONS, target.copy(), target)
    return own


def odd_window(name: str, value: int) -> int:
    """Return a number of frames that is odd and at least 5: a parabola through 3 is what was there."""
    out = _validate.index(name, value, least=5)
    if out % 2 == 0:
        raise ValueError(f"`{name}` must be an odd number of frames, got {out}")
    return out
