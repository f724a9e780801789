"""The path of a head, as smooth as the take says it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien import _core
from mien.values.rigid import RigidMotion, exponential

__all__ = ["steady_path"]

Float64 = npt.NDArray[np.float64]

_LEAST = 1e-6  # of the radius: nothing is told apart below it


def steady_path(head: RigidMotion, centre: Float64, radius: float, weights: Float64) -> RigidMotion:
    """Take out of the path of a head what is noise by the measure of the path itself.

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

    Returns
    -------
    RigidMotion
        The same path, steadied.

    Notes
    -----
    White noise about a path whose third differences follow Student's distribution; how large either is, is learned
    from the take, once for turns and once for shifts, so a knock of a few frames is not taken for noise and heads
    without noise stay as they are. Turns are looked at as the running sum of those from frame to frame. Moving the
    take rigidly moves the answer with it. Cost O(F). Tarvainen, Ranta-aho, Karjalainen 2002, An advanced detrending
    method with application to HRV analysis, IEEE TBME 49(2) has the operator; Lange, Little, Taylor 1989, Robust
    statistical modeling using the t distribution, JASA 84(408) the weights.
    """
    if len(head) < 2:
        return head
    steps = RigidMotion(
        head.rotation[1:] @ head.rotation[:-1].transpose(0, 2, 1), np.zeros((len(head) - 1, 3))
    )
    turned = np.concatenate([np.zeros((1, 3)), np.cumsum(steps.rotation_vectors, axis=0)])
    placed = np.einsum("fij,j->fi", head.rotation, centre) + head.translation
    calm_turn, *_ = _core.steady_path(turned, weights, _LEAST)
    calm_place, *_ = _core.steady_path(placed, weights, _LEAST * radius)
    rotation = np.einsum("fij,fjk->fik", exponential(calm_turn - turned), head.rotation)
    translation = calm_place - np.einsum("fij,j->fi", rotation, centre)
    left = weights == 0
    rotation[left], translation[left] = head.rotation[left], head.translation[left]
    return RigidMotion(rotation, translation)
