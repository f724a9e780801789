"""Put meshes over time into few bytes that a browser unpacks without a library.

Positions are counted in steps of one grid that all frames share (int16), each frame is written as its difference from
the frame before it, and the bytes are deflated. Smooth motion makes small differences, so a take needs about a fifth
of its float32 size.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "Grid", "pack_bytes", "pack_floats", "pack_frames", "pack_integers"]

#: The int16 that stands in all three coordinates of a missing vertex.
MISSING = -32768
_LARGEST = 32766

# The level is a choice between time and size: 6 saves a tenth over 1 at twice the time.
_LEVEL = 6

# Vertices farther from the neutral than this many of its diagonals are drawn at that distance: a single tracking
# outlier must not take the precision of all others.
_REACH = 1.5


class Grid(NamedTuple):
    """Positions as int16: ``position = offset + step * count``, with one step for all axes.

    Parameters
    ----------
    offset : (3,) float64
        The position at count 0, scene units.
    step : float
        Scene units a count.
    """

    offset: npt.NDArray[np.float64]
    step: float

    @classmethod
    def around(cls, neutral: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> Grid:
        """Return the finest grid that holds the box from `low` to `high`, within reach of the neutral.

        Parameters
        ----------
        neutral : (V, 3) floats
            The face at rest; rows of NaN are missing.
        low, high : (3,) floats
            Corners of the box around all positions; +inf and -inf when there are none.
        """
        rest = np.asarray(neutral, dtype=np.float64)
        rest = rest[np.isfinite(rest).all(1)]
        least, most = (rest.min(0), rest.max(0)) if len(rest) else (np.zeros(3), np.zeros(3))
        reach = _REACH * max(float(np.linalg.norm(most - least)), 1e-12)
        lower = np.minimum(np.maximum(low, least - reach), least)
        upper = np.maximum(np.minimum(high, most + reach), most)
        step = float(np.float32(max(float((upper - lower).max()) / (2 * _LARGEST), 1e-30)))
        return cls((lower + upper) / 2, step)

    def counts(self, points: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """Return positions (..., 3) as counts; missing ones as `MISSING`, ones off the grid at its edge."""
        scaled = np.rint((points - self.offset) / self.step)
        missing = np.isnan(scaled).any(axis=-1, keepdims=True)
        return np.where(missing, MISSING, np.clip(scaled, -_LARGEST, _LARGEST)).astype(np.int16)

    def positions(self, counts: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        """Return counts (..., 3) as positions; missing ones as NaN."""
        out = self.offset + self.step * counts.astype(np.float64)
        out[(counts == MISSING).any(axis=-1)] = np.nan
        return out

    @property
    def precision(self) -> float:
        """How far a position may lie from the one it stands for, scene units."""
        return float(np.sqrt(3) / 2 * self.step)

    def holds(self, low: npt.NDArray[Any], high: npt.NDArray[Any]) -> bool:
        """Tell whether everything between two corners lies on the grid."""
        reach = self.step * (_LARGEST + 0.5)
        return bool(np.all(low >= self.offset - reach) and np.all(high <= self.offset + reach))


def pack_frames(frames: Iterable[npt.NDArray[np.int16]]) -> bytes:
    """Deflate frames of counts (V, 3), each as its difference from the one before; the first one from zero.

    Notes
    -----
    Differences wrap around at 16 bits. Within a frame come the low bytes of x, its high bytes, then y and z: high
    bytes are nearly always equal, and deflate likes them together.
    """
    deflate = zlib.compressobj(_LEVEL)
    parts: list[bytes] = []
    previous: npt.NDArray[np.int16] | None = None
    for frame in frames:
        change = frame if previous is None else frame - previous
        planes = np.ascontiguousarray(change.T.astype("<i2")).view(np.uint8).reshape(3, -1, 2)
        parts.append(deflate.compress(np.ascontiguousarray(planes.swapaxes(1, 2)).tobytes()))
        previous = frame
    parts.append(deflate.flush())
    return b"".join(parts)


def pack_integers(values: npt.NDArray[Any]) -> bytes:
    """Deflate integers (N,) as int32 differences from the one before."""
    flat = np.asarray(values, dtype=np.int64).ravel()
    return zlib.compress(np.diff(flat, prepend=0).astype("<i4").tobytes(), _LEVEL)


def pack_floats(values: npt.NDArray[Any]) -> bytes:
    """Deflate numbers as float32."""
    return zlib.compress(np.asarray(values).astype("<f4").tobytes(), _LEVEL)


def pack_bytes(values: npt.NDArray[Any]) -> bytes:
    """Deflate numbers as bytes; what is below 0 or above 255 is cut."""
    return zlib.compress(np.clip(values, 0, 255).astype(np.uint8).tobytes(), _LEVEL)
