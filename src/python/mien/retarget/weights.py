"""The weights of a rig that come nearest to an expression, between bounds and smooth in time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.geometry.bounded_least_squares import bounded_least_squares
from mien.values.rig import Rig

__all__ = ["WeightFit", "fit_weights", "solve_weights"]

Float64 = npt.NDArray[np.float64]


class WeightFit(NamedTuple):
    """Weights of a rig, and how good they are.

    Attributes
    ----------
    weights : (F, K) float64
        Within the bounds.
    optimality : (F,) float64
        How far from the minimum; see `mien.BoundedFit.residual`. At most 1e-9.
    ridge : float
        What was added to the regularisation because shapes depend on each other, as a share of a shape's mean square;
        0 if they do not.
    """

    weights: Float64
    optimality: Float64
    ridge: float


def solve_weights(
    rig: Rig,
    expression: npt.ArrayLike,
    *,
    bounds: npt.ArrayLike = (0.0, 1.0),
    regularisation: float = 0.0,
    smoothness: float = 0.0,
    region: npt.ArrayLike | None = None,
) -> Float64:
    """Return the weights (F, K) under which a rig comes nearest to an expression; see `fit_weights`.

    Examples
    --------
    >>> import numpy as np, mien
    >>> head = mien.datasets.head("preview")
    >>> wanted = np.zeros((1, head.rig.n_shapes))
    >>> wanted[0, 3] = 0.7
    >>> rig = mien.Rig(head.rig.topology, head.rig.neutral, head.rig.names, head.rig.deltas)
    >>> weights = mien.retarget.solve_weights(rig, rig.evaluate(wanted).positions)
    >>> bool(np.abs(weights - wanted).max() < 1e-3)
    True
    """
    options = {"regularisation": regularisation, "smoothness": smoothness, "region": region}
    return fit_weights(rig, expression, bounds=bounds, **options).weights  # type: ignore[arg-type]


def fit_weights(
    rig: Rig,
    expression: npt.ArrayLike,
    *,
    bounds: npt.ArrayLike = (0.0, 1.0),
    regularisation: float = 0.0,
    smoothness: float = 0.0,
    region: npt.ArrayLike | None = None,
) -> WeightFit:
    """Find the weights under which a rig comes nearest to an expression, for every frame.

    Parameters
    ----------
    rig : Rig
        With K shapes. Its correctives take no part: the fit is linear.
    expression : (F, V, 3) or (V, 3) float32 or float64
        Positions in head space, scene units, such as ``perf.expression``; may be a memory map. (V, 3) is one frame.
    bounds : pair of numbers or (K, 2) floats
        Lowest and highest weight, the same for all shapes or one pair each.
    regularisation : float
        At least 0: pulls weights to 0, as a share of what an average shape at weight 1 costs.
    smoothness : float
        At least 0: the same for the change of weights from a frame to the next.
    region : (V,) floats, optional
        How much each vertex counts, in [0, 1]; all count by default.

    Returns
    -------
    WeightFit

    Raises
    ------
    TypeError
        `rig` is not a rig, or an array does not hold floats.
    ValueError
        A shape or value is wrong; a position that counts is not finite (names the frame and vertex).

    Notes
    -----
    Minimises the sum over frames of ``sum_v r_v |n_v + sum_k w_fk delta_kv - x_fv|^2``, with r the region, plus
    ``regularisation s^2 |w_f|^2`` and ``smoothness s^2 |w_f - w_(f-1)|^2``, s^2 the mean over shapes of
    ``sum_v r_v |delta_kv|^2``.
    One pass over the expression, O(F V K) at most (vertices in blocks, each with the shapes that move it), then
    `mien.bounded_least_squares`. Vertices that no shape moves are not read. Memory: the dense shapes of each block.

    References
    ----------
    Lewis, Anjyo, Rhee, Zhang, Pighin and Deng 2014, Practice and Theory of Blendshape Facial Models, Eurographics STAR.
    """
    _validate.instance("rig", rig, Rig, "a Rig")
    k, v = rig.n_shapes, rig.n_vertices
    if k == 0:
        raise ValueError("`rig` must have at least one shape, got none")
    frames = _frames(expression, v)
    low, high = _bounds(bounds, k)
    pull = _validate.number("regularisation", regularisation, least=0)
    smooth = _validate.number("smoothness", smoothness, least=0)
    weights = None if region is None else _validate.unit_weights("region", region, "V", v)
    shapes = [rig.sparse(i) for i in range(k)]
    starts = np.cumsum([0, *(len(shape.vertices) for shape in shapes)], dtype=np.int64)
    vertices = np.concatenate([shape.vertices for shape in shapes])
    offsets = np.concatenate([shape.offsets for shape in shapes])
    gram, rhs, bad = _core.project_shapes(rig.neutral, starts, vertices, offsets, weights, frames)
    if bad is not None:
        f, vertex = bad
        raise ValueError(
            f"`expression` must be finite where it counts, got {frames[f, vertex]} at frame {f}, vertex {vertex}"
        )
    scale = float(np.trace(gram)) / k
    if scale == 0:
        raise ValueError("`rig` must have a shape that moves a vertex of the region, got none")
    gram[np.diag_indices(k)] += pull * scale
    fit = bounded_least_squares(gram, rhs, low, high, smoothness=smooth * scale)
    return WeightFit(fit.weights, fit.residual, fit.ridge / scale)


def _frames(expression: npt.ArrayLike, n_vertices: int) -> npt.NDArray[Any]:
    if np.ndim(expression) == 2:
        return _validate.points("expression", expression, ("V", 3), {"V": n_vertices})[None]
    return _validate.points("expression", expression, ("F", "V", 3), {"V": n_vertices})


def _bounds(bounds: npt.ArrayLike, k: int) -> tuple[Float64, Float64]:
    pair = np.ndim(bounds) == 1
    table = _validate.floats("bounds", bounds, (2,) if pair else ("K", 2), {"K": k})
    low, high = np.ascontiguousarray(np.broadcast_to(table, (k, 2)).T)
    if (low > high).any():
        i = int(np.argmax(low > high))
        raise ValueError(f"`bounds` must be (lowest, highest), got ({low[i]:g}, {high[i]:g})")
    return low, high
