"""Rigid and similarity alignment of a reference to the frames of a take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.errors import NumericalError

__all__ = ["Alignment", "Stabilised", "align_frames", "extent", "fit_frames", "stabilise_frames"]

Float64 = npt.NDArray[np.float64]

# How a robust fit weighs a vertex; the order is the core's.
LOSSES = ("geman-mcclure", "huber", "tukey")


class Alignment(NamedTuple):
    """How a reference lies in every frame: ``positions[f] ≈ scale[f] rotation[f] reference + translation[f]``.

    Attributes
    ----------
    rotation : (F, 3, 3) float64
        Rotations on column vectors, reference → frame (head → world), determinant +1.
    translation : (F, 3) float64
        Translations, scene units.
    scale : (F,) float64
        Uniform scales; 1 unless they were asked for.
    residual : (F,) float64
        Root of the weighted mean squared distance under the final weights, scene units.
    support : (F,) float64
        Share of the prior weight that agrees with the fit, in [0, 1]. A vertex at distance r agrees by
        ``1 / (1 + (r / d)²)²``, d being 0.002 of the reference's `extent` (0.5 mm on a face), and by 0 when it
        is missing. Without ``robust`` every vertex that is present agrees.
    spread : (F,) float64
        Root mean square distance of the supporting vertices from their own principal axis, in the reference, scene
        units: the lever arm that holds the least certain rotation. 0 would be a line.
    sigma : (F,) float64
        Final scale of the loss, scene units; infinite without ``robust``.
    iterations : (F,) int32
        How many times the weights were found anew; 0 without ``robust``.
    """

    rotation: Float64
    translation: Float64
    scale: Float64
    residual: Float64
    support: Float64
    spread: Float64
    sigma: Float64
    iterations: npt.NDArray[np.int32]


class Stabilised(NamedTuple):
    """A take without its head motion.

    Attributes
    ----------
    alignment : Alignment
        How the reference lies in every frame.
    positions : (F, V, 3) array
        The frames where the reference lies: ``rotation[f]ᵀ (positions[f] - translation[f]) / scale[f]``, in head space.
    """

    alignment: Alignment
    positions: npt.NDArray[Any]


def align_frames(
    positions: npt.ArrayLike,
    reference: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    robust: bool | str = False,
    scale: bool = False,
    *,
    missing: bool = False,
    sigma: float | None = None,
    max_iterations: int = 200,
) -> Alignment:
    """Fit a reference to every frame by a rotation, a translation and, if asked for, a scale.

    Parameters
    ----------
    positions : (F, V, 3) or (V, 3) float32 or float64
        Frames in world space; (V, 3) counts as one frame. May be a memory map.
    reference : (V, 3) floats
        The shape that is fitted: the neutral, in head space.
    weights : (V,) or (F, V) floats, optional
        How much each vertex counts before the data has spoken; finite, at least 0. Defaults to 1.
    robust : bool or str
        Reweight vertices by their distance r from the fit, so that what moves does not pull it: by
        ``"geman-mcclure"`` 1 / (1 + (r/σ)²)², which True means; by ``"huber"`` min(1, σ/r); or by ``"tukey"``
        (1 - (r/σ)²)², 0 beyond σ.
    scale : bool
        Fit a uniform scale a frame as well.
    missing : bool
        Whether vertices may be missing: one with a coordinate that is not finite, in a frame or in the reference,
        then has weight 0.
    sigma : float, optional
        The scale σ of the robust loss, scene units, above 0. Defaults to what each frame's own residuals ask for.
    max_iterations : int
        The most times the weights are found anew, at least 1.

    Returns
    -------
    Alignment
        All arrays are float64 and independent of the number of threads and the instruction set, to the last bit.

    Raises
    ------
    TypeError
        An array is not made of floats.
    ValueError
        A shape is wrong, a weight is negative, or a coordinate is not finite while `missing` is False; frame and
        vertex are named. A loss that is not known; the known ones are listed.
    NumericalError
        A frame has fewer than three usable vertices, or they lie on a line; the frame is named.

    Notes
    -----
    The rotation is the dominant eigenvector of Horn's 4 x 4 matrix, which gives the best proper rotation for flat and
    mirrored data too. Robust fits lower the scale of the loss step by step to σ and then iterate to convergence; where
    σ is not given it is the lower quintile of the frame's own residuals (√2 times that for Tukey), never below 1e-6 of
    the reference's `extent`. float32 frames are summed in float lanes that are flushed to doubles, float64 frames in
    doubles. Cost O(F V) times the iterations (about 30); memory O(V) a thread.

    References
    ----------
    Horn 1987, Closed-form solution of absolute orientation using unit quaternions, J. Opt. Soc. Am. A 4(4).
    Geman, McClure 1987, Statistical methods for tomographic image reconstruction, Bull. ISI 52(4).
    Huber 1964, Robust estimation of a location parameter, Annals of Mathematical Statistics 35(1).
    Beaton, Tukey 1974, The fitting of power series, meaning polynomials, illustrated on band-spectroscopic data,
    Technometrics 16(2).
    Black, Rangarajan 1996, On the unification of line processes, outlier rejection, and robust statistics with
    applications in early vision, Int. J. Computer Vision 19(1).

    Examples
    --------
    >>> import numpy as np
    >>> corner = np.eye(3)
    >>> fit = align_frames(corner + [2.0, 5.0, 3.0], corner)
    >>> fit.translation.round(6).tolist()
    [[2.0, 5.0, 3.0]]
    """
    frames, about, prior, loss = _checked(positions, reference, weights, robust, missing)
    return fit_frames(
        frames,
        about,
        prior,
        robust=loss,
        scale=bool(scale),
        missing=bool(missing),
        called=lambda f: f"frame {f}",
        sigma=None if sigma is None else _validate.number("sigma", sigma, above=0),
        max_iterations=_validate.index("max_iterations", max_iterations, least=1),
    )


def stabilise_frames(
    positions: npt.ArrayLike,
    reference: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    robust: bool | str = False,
    scale: bool = False,
    *,
    missing: bool = False,
    sigma: float | None = None,
    max_iterations: int = 200,
    out: npt.NDArray[Any] | None = None,
) -> Stabilised:
    """Fit a reference to every frame and move every frame to where the reference lies.

    One pass over memory does what `align_frames` and ``RigidMotion.apply_inverse`` do in two.

    Parameters
    ----------
    positions, reference, weights, robust, scale, missing, sigma, max_iterations
        As in `align_frames`.
    out : (F, V, 3), optional
        Where to write, of the dtype of `positions`; may be `positions` itself. If a frame cannot be aligned, what
        `out` holds is undefined.

    Returns
    -------
    Stabilised
        The alignment and the positions in head space, of the dtype of `positions`. Missing vertices stay missing.
        float32 positions are within three units in the last place of the head's size from the exact result, however far
        from the origin the head is.

    Raises
    ------
    TypeError, ValueError, NumericalError
        As in `align_frames`; or `out` does not fit, or overlaps `positions` without being it.

    Examples
    --------
    >>> import numpy as np
    >>> corner = np.eye(3)
    >>> stabilise_frames(corner + [2.0, 5.0, 3.0], corner).positions[0].round(6).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    frames, about, prior, loss = _checked(positions, reference, weights, robust, missing)
    if out is None:
        out = np.empty(frames.shape, frames.dtype)
    target = out[None] if np.ndim(positions) == 2 and out.ndim == 2 else out
    if target.dtype != frames.dtype or target.shape != frames.shape or not target.flags.writeable:
        raise ValueError(
            f"`out` must be a writable {frames.dtype} array of shape {frames.shape}, got {out.dtype} {out.shape}"
        )
    same = target.strides == frames.strides and target.ctypes.data == frames.ctypes.data
    if not same and np.may_share_memory(target, frames):
        raise ValueError("`out` must be `positions` itself or share no memory with it, got an overlap")
    fit = fit_frames(
        frames,
        about,
        prior,
        robust=loss,
        scale=bool(scale),
        missing=bool(missing),
        called=lambda f: f"frame {f}",
        sigma=None if sigma is None else _validate.number("sigma", sigma, above=0),
        max_iterations=_validate.index("max_iterations", max_iterations, least=1),
        out=target,
    )
    return Stabilised(fit, target)


def _checked(
    positions: npt.ArrayLike,
    reference: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    robust: bool | str,
    missing: bool,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Float64 | None, str | None]:
    """Return frames (F, V, 3), reference, prior weights and the loss, or None without one."""
    dims = np.ndim(positions)
    frames = _validate.points("positions", positions, ("V", 3) if dims == 2 else ("F", "V", 3))
    frames = frames if dims == 3 else frames[None]
    n_vertices = frames.shape[1]
    about = _validate.points("reference", reference, ("V", 3), {"V": n_vertices})
    prior = None
    if weights is not None:
        shape = ("F", "V") if np.ndim(weights) == 2 else ("V",)
        prior = _validate.floats("weights", weights, shape, {"F": len(frames), "V": n_vertices})
        if prior.size and prior.min() < 0:
            where = np.unravel_index(prior.argmin(), prior.shape)
            place = f"vertex {where[-1]}" if prior.ndim == 1 else f"frame {where[0]}, vertex {where[1]}"
            raise ValueError(f"`weights` must be at least 0, got {prior.min():g} at {place}")
    loss = _validate.one_of("robust", robust, LOSSES) if isinstance(robust, str) else None
    if not missing:
        bad = _core.first_non_finite(about)
        if bad is not None:
            raise ValueError(f"`reference` must be finite, got {about[bad[1]].tolist()} at vertex {bad[1]}")
    return frames, about, prior, loss or (LOSSES[0] if robust else None)


def fit_frames(
    frames: npt.NDArray[Any],
    reference: npt.NDArray[Any],
    weights: Float64 | None,
    *,
    robust: bool | str | None,
    scale: bool,
    missing: bool,
    called: Callable[[int], str],
    sigma: float | None = None,
    max_iterations: int = 200,
    out: npt.NDArray[Any] | None = None,
) -> Alignment:
    """Do what `align_frames` does with arguments that have been checked; ``called(f)`` names a frame in messages."""
    if not len(frames):
        none = np.empty(0)
        return Alignment(
            np.empty((0, 3, 3)), np.empty((0, 3)), none, none, none, none, none, np.empty(0, np.int32)
        )
    problem, frame, arrays = _core.align_frames(
        frames,
        reference,
        weights,
        bool(robust),
        scale,
        missing,
        out=out,
        loss=LOSSES.index(robust) if isinstance(robust, str) else 0,
        sigma=sigma or 0.0,
        max_iterations=max_iterations,
    )
    if problem == "not_finite":
        f, v = _core.first_non_finite(frames) or (frame, 0)
        raise ValueError(
            f"`positions` must be finite, got {frames[f, v].tolist()} at {called(f)}, vertex {v} "
            "(missing=True allows missing vertices)"
        )
    if problem:
        own = weights[frame] if weights is not None and weights.ndim == 2 else weights
        why = why_degenerate(frames[frame], reference, own)
        raise NumericalError(f"{called(frame)} cannot be aligned: {why}")
    return Alignment(*arrays)


def extent(points: npt.NDArray[Any]) -> float:
    """Return how large a shape (V, 3) is: the diagonal of a solid box with the spread of its vertices.

    That is √12 times their root mean square distance from their centre. The diagonal of the bounding box would change
    as the shape is turned. Vertices that are not finite are left out.
    """
    finite = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    if not len(finite):
        return 0.0
    return float(np.sqrt(12 * np.mean(np.sum((finite - finite.mean(axis=0)) ** 2, axis=1))))


def why_degenerate(frame: npt.NDArray[Any], reference: npt.NDArray[Any], weights: Float64 | None) -> str:
    """Say why one frame (V, 3) has no unique rotation."""
    usable = np.isfinite(frame).all(1) & np.isfinite(reference).all(1)
    if weights is not None:
        usable &= weights > 0
    n = int(usable.sum())
    if n < 3:
        return f"expected at least 3 vertices that are present and have a weight above 0, got {n}"
    return f"expected vertices that do not lie on a line, got {n} that determine no rotation"
