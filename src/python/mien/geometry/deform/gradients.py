"""How every triangle of a surface is stretched and turned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.values.topology import Topology

__all__ = ["GradientSplit", "deformation_gradients", "nearest_rotations", "split_gradients"]

Points = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


class GradientSplit(NamedTuple):
    """Gradients as a stretch, then a rotation: ``gradients = rotation @ stretch``.

    Attributes
    ----------
    rotation : (..., 3, 3) float64
        The nearest rotations, determinant +1.
    stretch : (..., 3, 3) float64
        Symmetric; the least eigenvalue is negative where a gradient turns a triangle inside out.
    """

    rotation: Float64
    stretch: Float64


def deformation_gradients(topology: Topology, neutral: npt.ArrayLike, positions: npt.ArrayLike) -> Points:
    """Measure the affine map that takes each triangle of the neutral, with its normal, to that of every frame.

    Parameters
    ----------
    topology : Topology
        Faces with more than three corners are taken as fans of triangles, `Topology.triangles`.
    neutral : (V, 3) float32 or float64
        The face at rest, scene units.
    positions : (F, V, 3) or (V, 3) float32 or float64
        Frames, scene units.

    Returns
    -------
    (F, T, 3, 3) or (T, 3, 3), of the dtype of `positions`, on column vectors. The identity where the neutral's triangle
    has no area.

    Raises
    ------
    ValueError
        A shape is wrong, or a position is not finite; the first frame and vertex are named.

    Notes
    -----
    ``[x2 - x1, x3 - x1, m(x)] [v2 - v1, v3 - v1, m(v)]⁻¹`` with the fourth vertex along the normal,
    ``m = n / √|n|``, so that a triangle scaled by s has the gradient s. Cost O(F T).

    References
    ----------
    Sumner, Popović 2004, Deformation transfer for triangle meshes, ACM Trans. Graph. 23(3).
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    n = topology.n_vertices
    rest = _finite("neutral", _validate.points("neutral", neutral, ("V", 3), {"V": n}))
    single = np.ndim(positions) == 2
    frames = _validate.points("positions", positions, ("V", 3) if single else ("F", "V", 3), {"V": n})
    _finite("positions", frames)
    view = frames[None] if single else frames
    out = np.empty((len(view), len(topology.triangles), 3, 3), view.dtype)
    if out.size:
        _core.deformation_gradients(rest, topology.triangles, view, out)
    return out[0] if single else out


def split_gradients(gradients: npt.ArrayLike) -> GradientSplit:
    """Split gradients into the nearest rotation and a symmetric stretch.

    Parameters
    ----------
    gradients : (..., 3, 3) floats

    Returns
    -------
    GradientSplit
        ``.rotation`` and ``.stretch``, (..., 3, 3) each: a gradient is their product.

    Raises
    ------
    ValueError
        The shape is another, or a number is not finite.

    Notes
    -----
    The polar decomposition, but for gradients with a negative determinant, which get a rotation and no reflection.
    Horn's quaternion by Jacobi, then Newton's method, sixteen matrices side by side.

    References
    ----------
    Horn 1987, Closed-form solution of absolute orientation using unit quaternions, J. Opt. Soc. Am. A 4(4).
    """
    flat = _matrices("gradients", gradients)
    rotation, stretch = np.empty_like(flat), np.empty_like(flat)
    if len(flat):
        _core.split_gradients(flat, rotation, stretch)
    shape = np.shape(gradients)
    return GradientSplit(rotation.reshape(shape), stretch.reshape(shape))


def nearest_rotations(matrices: npt.ArrayLike) -> Float64:
    """Find the rotation nearest to each matrix.

    Parameters
    ----------
    matrices : (..., 3, 3) floats
        Any matrices; those of rank 2, and mirrored ones, have a nearest rotation as well.

    Returns
    -------
    (..., 3, 3) float64
        The rotations, determinant +1, with the smallest sum of squared differences to `matrices`.

    Raises
    ------
    TypeError
        The matrices are not made of floats.
    ValueError
        The shape is wrong, or an entry is not finite.

    Notes
    -----
    Horn's quaternion by Jacobi, then Newton's method, sixteen matrices side by side, in double. Where two rotations are
    equally near (rank 1, or a reflection of a matrix without a direction of its own) it is one of them. Cost O(N).

    References
    ----------
    Horn 1987, Closed-form solution of absolute orientation using unit quaternions, J. Opt. Soc. Am. A 4(4).

    Examples
    --------
    >>> import numpy as np
    >>> (nearest_rotations(np.diag([2.0, 3.0, -0.5])) + 0.0).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    flat = _matrices("matrices", matrices)
    rotation = np.empty_like(flat)
    if len(flat):
        _core.split_gradients(flat, rotation, None)
    return rotation.reshape(np.shape(matrices))


def _matrices(name: str, matrices: npt.ArrayLike) -> Float64:
    shape = np.shape(matrices)
    if len(shape) < 2 or shape[-2:] != (3, 3):
        raise ValueError(f"`{name}` must have shape (..., 3, 3), got {shape}")
    return _validate.floats(name, np.reshape(np.asarray(matrices), (-1, 3, 3)), ("N", 3, 3))


def _finite(name: str, points: Points) -> Points:
    place = _core.first_non_finite(points)
    if place is not None:
        at = points[place] if points.ndim == 3 else points[place[1]]
        where = f"frame {place[0]}, vertex {place[1]}" if points.ndim == 3 else f"vertex {place[1]}"
        raise ValueError(f"`{name}` must be finite, got {at.tolist()} at {where}")
    return points
