"""How much a vertex counts by its distance from a fit, with losses of one's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.errors import NumericalError
from mien.geometry.alignment import LOSSES, Alignment, align_frames

__all__ = ["align_frames_by", "robust_weights"]

Float64 = npt.NDArray[np.float64]
Weight = Callable[[float], float]


def robust_weights(residuals: npt.ArrayLike, sigma: float, loss: str | Weight = "geman-mcclure") -> Float64:
    """Weigh residuals: 1 at none, less the farther they are from it.

    Parameters
    ----------
    residuals : floats of any shape
        Distances, in the unit of `sigma`; finite. Their signs do not matter.
    sigma : float
        The scale of the loss, above 0.
    loss : str or callable
        ``"geman-mcclure"`` 1 / (1 + u)², ``"huber"`` min(1, 1/√u), ``"tukey"`` max(0, 1 - u)², or a function of u,
        with u = (residual / sigma)². A function is compiled by Numba, once a session, or is compiled already.

    Returns
    -------
    float64 of the shape of `residuals`.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or value; a loss that is not known (the known ones are listed).

    Examples
    --------
    >>> robust_weights([0.0, 1.0, 3.0], 1.0).round(4).tolist()
    [1.0, 0.25, 0.01]
    >>> robust_weights([0.0, 1.0, 3.0], 1.0, lambda u: 1 / (1 + u)).round(4).tolist()
    [1.0, 0.5, 0.1]
    """
    from mien._kernels import robust as kernels  # Numba takes longer to import than all else

    values = np.asarray(residuals)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    _validate.floats("residuals", values.reshape(-1), ("N",))
    inverse = 1 / _validate.number("sigma", sigma, above=0)
    out = np.empty(values.shape)
    flat = np.ascontiguousarray(values).reshape(-1)
    if callable(loss):
        kernels.weigh_by(kernels.compiled(loss), flat, inverse, out.reshape(-1))
    else:
        kernels.LOSSES[_validate.one_of("loss", loss, LOSSES)](flat, inverse, out.reshape(-1))
    return out


def align_frames_by(
    positions: npt.ArrayLike,
    reference: npt.ArrayLike,
    loss: str | Weight,
    sigma: float,
    weights: npt.ArrayLike | None = None,
    scale: bool = False,
    *,
    max_iterations: int = 50,
) -> Alignment:
    """Fit a reference to every frame by a loss of one's own: `align_frames` with the weights found anew each time.

    Parameters
    ----------
    positions, reference, weights, scale : as in `align_frames`
        Frames must be finite.
    loss, sigma : as in `robust_weights`
    max_iterations : int
        The most times the weights are found anew, at least 1; they are once nothing moves by 1e-9 of the reference.

    Returns
    -------
    Alignment
        As of the last weighted fit; `support` is the share of the prior weight that the loss has left, `sigma` the one
        given, and `iterations` the same for all frames.

    Raises
    ------
    As `align_frames` does; NumericalError names the frame if the loss leaves fewer than three vertices.

    Notes
    -----
    The scale does not fall from one reweighting to the next as that of `align_frames` does: begin with a large sigma
    where the loss has many minima. Memory O(F V); the built-in losses are faster in `align_frames`.
    """
    frames = _validate.points("positions", positions, ("F", "V", 3))
    shape = np.asarray(reference, np.float64)
    most = _validate.index("max_iterations", max_iterations, least=1)
    size = _validate.number("sigma", sigma, above=0)
    fit = align_frames(frames, reference, weights, scale=scale)
    prior = np.ones(frames.shape[1]) if weights is None else np.asarray(weights, np.float64)
    extent = float(np.abs(shape - shape.mean(axis=0)).max(initial=0))
    count, kept = 0, np.ones(frames.shape[:2])
    while count < most and frames.size:
        count += 1
        for f in range(len(frames)):  # a frame at a time: no second take in memory
            there = fit.scale[f] * shape @ fit.rotation[f].T + fit.translation[f]
            away = np.linalg.norm(frames[f] - there, axis=1)
            kept[f] = robust_weights(away, size, loss)
            if (
                np.count_nonzero(kept[f] * prior.reshape(-1, frames.shape[1])[f if prior.ndim == 2 else 0])
                < 3
            ):
                raise NumericalError(f"frame {f} cannot be aligned: the loss leaves fewer than 3 vertices")
        before, fit = fit, align_frames(frames, reference, prior * kept, scale=scale)
        turned = np.abs(before.rotation - fit.rotation).max() * extent
        if max(turned, np.abs(before.translation - fit.translation).max()) <= 1e-9 * extent:
            break
    share = (prior * kept).sum(axis=1) / np.broadcast_to(prior, kept.shape).sum(axis=1)
    n = len(frames)
    return fit._replace(support=share, sigma=np.full(n, size), iterations=np.full(n, count, dtype=np.int32))
