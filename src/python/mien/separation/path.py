"""The path of a head: what of it is noise, and what is left without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.values.rigid import RigidMotion, exponential

__all__ = ["HeadNoise", "head_noise", "runs", "steady_path"]

Float64 = npt.NDArray[np.float64]

_LEAST = 1e-6  # of the radius: nothing is told apart below it
_RUN, _RUNS = 4, 24  # consecutive frames, how many such runs
_WHITE = 20.0  # variance of a third difference of white noise of variance 1
_MEDIAN = 0.79  # of a sum of three squared normal numbers, over its mean
_STILL_SHARE = 0.25  # of the vertices move so little from frame to frame that noise is all they show


class HeadNoise(NamedTuple):
    """Standard deviations of a coordinate: of a head's ``turn``, in radians, and of the ``shift`` of its centre."""

    turn: float
    shift: float


def runs(n_frames: int) -> npt.NDArray[np.int64]:
    """Return up to 24 runs of four consecutive frames spread over a take, one after the other (4 N,)."""
    if n_frames < _RUN:
        return np.zeros(0, np.int64)
    last = n_frames - _RUN
    starts = np.unique(np.linspace(0, last, min(_RUNS, last // _RUN + 1)).round().astype(np.int64))
    return np.asarray((starts[:, None] + np.arange(_RUN)).ravel())


def head_noise(
    positions: npt.NDArray[Any],
    head: RigidMotion,
    solve: Callable[[Float64], RigidMotion],
    centre: Float64,
) -> HeadNoise:
    """Return how far the noise of vertices alone moves heads.

    Parameters
    ----------
    positions : (4 N, S, 3) floats
        Vertices of N runs of four consecutive frames, world; missing ones are NaN.
    head : RigidMotion
        Their heads, as `solve` finds them.
    solve : callable
        Finds the heads of such frames.
    centre : (3,) floats
        The head's centre, in head space.

    Notes
    -----
    The noise of the vertices is what third differences in time leave, in head space, of the quarter of the vertices
    that moves least; other noise, that vertices share, is not seen. As much is added once more, and the heads are found
    again: by how far they move, they had moved already.
    """
    given = positions.astype(np.float64)
    local = head.apply_inverse(given).reshape(-1, _RUN, *given.shape[1:])
    third = (local[:, 3] - local[:, 0]) + 3 * (local[:, 1] - local[:, 2])
    squares = np.sum(third**2, axis=2) / (3 * _WHITE * _MEDIAN)
    shown = np.isfinite(squares).any(axis=0)
    if not shown.any():
        return HeadNoise(0.0, 0.0)
    noise = float(np.sqrt(np.quantile(np.nanmedian(squares[:, shown], axis=0), _STILL_SHARE)))
    more = np.random.default_rng(11).normal(0, noise, given.shape)  # in head space: the world does not matter
    again = solve(given + np.einsum("fij,fvj->fvi", head.rotation, more))
    turned = RigidMotion(
        np.einsum("fij,fkj->fik", again.rotation, head.rotation), np.zeros((len(head), 3))
    ).rotation_vectors
    shifted = again.apply(centre[None])[:, 0] - head.apply(centre[None])[:, 0]
    return HeadNoise(
        *(float(np.sqrt(np.median(np.sum(x**2, axis=1)) / (3 * _MEDIAN))) for x in (turned, shifted))
    )


def steady_path(
    head: RigidMotion, centre: Float64, radius: float, weights: Float64, noise: HeadNoise
) -> RigidMotion:
    """Take out of the path of a head what is noise by the measure of the take itself.

    Parameters
    ----------
    head : RigidMotion
        F frames, head → world.
    centre : (3,) floats
        The point of the head whose path is looked at, in head space.
    radius : float
        Root mean square distance of the face from it, scene units.
    weights : (F,) floats in [0, 1]
        How far each head is to be believed beside the others, as inverse variances. One of weight 0 stays as it is.
    noise : HeadNoise
        What noise can be at most.

    Returns
    -------
    RigidMotion
        The same path, steadied.

    Notes
    -----
    White noise about a path whose third differences follow Student's distribution; how large either is, is learned
    from the take, once for turns and once for shifts, so a knock of a few frames is not taken for noise and heads
    without noise stay as they are. A head may tremble by itself, so noise is not taken to be more than the vertices
    have. Turns are looked at as the running sum of those from frame to frame. Moving the take rigidly moves the answer
    with it. Cost O(F). Tarvainen, Ranta-aho, Karjalainen 2002, An advanced detrending method with application to HRV
    analysis, IEEE TBME 49(2) has the operator; Lange, Little, Taylor 1989, Robust statistical modeling using the t
    distribution, JASA 84(408) the weights.
    """
    if len(head) < 2:
        return head
    steps = RigidMotion(
        np.einsum("fij,fkj->fik", head.rotation[1:], head.rotation[:-1]), np.zeros((len(head) - 1, 3))
    )
    turned = np.concatenate([np.zeros((1, 3)), np.cumsum(steps.rotation_vectors, axis=0)])
    placed = np.einsum("fij,j->fi", head.rotation, centre) + head.translation
    calm_turn, *_ = _core.steady_path(turned, weights, _LEAST, noise.turn)
    calm_place, *_ = _core.steady_path(placed, weights, _LEAST * radius, noise.shift)
    rotation = np.einsum("fij,fjk->fik", exponential(calm_turn - turned), head.rotation)
    translation = calm_place - np.einsum("fij,j->fi", rotation, centre)
    left = weights == 0
    rotation[left], translation[left] = head.rotation[left], head.translation[left]
    return RigidMotion(rotation, translation)
