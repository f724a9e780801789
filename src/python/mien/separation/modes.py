"""The displacements that a face may make beside its head: modes with the size each is expected to have."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import extent
from mien.separation.prior import FacePrior
from mien.values.rig import Rig
from mien.values.shapes import dense

__all__ = ["Modes", "modes_of_prior", "modes_of_rig", "rigid_modes"]

Float64 = npt.NDArray[np.float64]

# A face is about 250 mm in extent: lengths below are in 250ths of the extent, which are about millimetres.
_PARTS = 250.0
_CENTRES = 24  # of smooth bumps that stand for what the basis does not know
_REACH = 15.0  # standard deviation of a bump
_BUMP = 0.3  # its expected size, in the mobility of the place
_RIG_WEIGHT = 0.35  # expected root mean square of a rig's weights
_PRIOR_SCALE = 1.5  # a frame shows more than one shape of a rig at a time


class Modes(NamedTuple):
    """Fields ``basis`` (K, S, 3) and the standard deviation ``sigma`` (K,) of their coefficients."""

    basis: Float64
    sigma: Float64


def rigid_modes(points: Float64) -> tuple[Float64, Float64, float]:
    """Return small rigid motions (S, 3, 6) about the centre of points (S, 3), the centre, and the rms radius.

    The first three turn by 1 / radius, the others shift by 1, so that all move points by about one unit.
    """
    centre = points.mean(axis=0)
    about = points - centre
    radius = float(np.sqrt(np.mean(np.sum(about**2, axis=1))))
    out = np.zeros((len(points), 3, 6))
    for i in range(3):
        axis = np.zeros(3)
        axis[i] = 1
        out[:, :, i] = np.cross(axis, about) / radius
        out[:, i, 3 + i] = 1
    return out, centre, radius


def modes_of_prior(points: Float64, prior: FacePrior, index: npt.NDArray[np.int64]) -> Modes:
    """Return the prior's modes at the vertices `index`, and smooth bumps for what it does not know.

    A bump is a Gaussian about one of 24 places spread over the points (S, 3), in each axis, times the mobility of each
    vertex, so that skin over bone is not explained away.
    """
    unit = extent(points) / _PARTS
    mobility = prior.mobility + (1 - prior.trust) * 2 * np.median(prior.mobility)
    moves = mobility[index] + 0.05 * unit
    squares = np.sum((points[:, None] - points[_spread(points, _CENTRES)]) ** 2, axis=2)
    bumps = np.exp(-squares / (2 * (_REACH * unit) ** 2)).T * (moves / moves.mean())
    smooth = np.zeros((3 * len(bumps), len(points), 3))
    for axis in range(3):
        smooth[axis::3, :, axis] = bumps
    return Modes(
        np.concatenate([prior.basis[:, index], smooth]),
        np.concatenate([_PRIOR_SCALE * prior.sigma, np.full(len(smooth), _BUMP * unit)]),
    )


def modes_of_rig(rig: Rig, index: npt.NDArray[np.int64]) -> Modes:
    """Return the shapes of a rig, correctives too, at the vertices `index`."""
    shapes: list[npt.NDArray[Any]] = [rig.delta(name)[index] for name in rig.names]
    shapes += [dense(corrective.sparse, rig.n_vertices)[index] for corrective in rig.correctives]
    kept = [shape for shape in shapes if np.any(shape)]
    basis = np.array(kept, dtype=np.float64).reshape(-1, len(index), 3)
    return Modes(basis, np.full(len(basis), _RIG_WEIGHT))


def _spread(points: Float64, count: int) -> list[int]:
    """Return up to `count` points, each the farthest from those before it."""
    squares = np.sum((points - points.mean(axis=0)) ** 2, axis=1)
    out = [int(squares.argmax())]
    squares = np.sum((points - points[out[0]]) ** 2, axis=1)
    while len(out) < min(count, len(points)):
        out.append(int(squares.argmax()))
        squares = np.minimum(squares, np.sum((points - points[out[-1]]) ** 2, axis=1))
    return out
