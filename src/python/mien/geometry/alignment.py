"""Rigid and similarity alignment of a reference to the frames of a take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.errors import NumericalError

__all__ = ["Alignment", "align_frames", "extent", "fit_frames"]

Float64 = npt.NDArray[np.float64]


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
        Final Geman-McClure scale, scene units; infinite without ``robust``.
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


def align_frames(
    positions: npt.ArrayLike,
    reference: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    robust: bool = False,
    scale: bool = False,
    *,
    missing: bool = False,
) -> Alignment:
    """Fit a reference to every frame by a rotation, a translation and, if asked for, a scale.

    Parameters
    ----------
    positions : (F, V, 3) or (V, 3) float32 or float64
        Frames in world space; (V, 3) counts as one frame. May be a memory map.
    reference : (V, 3) floats
        The shape that is fitted: the neutral, in head space.
    weights : (V,) floats, optional
        How much each vertex counts before the data has spoken; finite, at least 0. Defaults to 1.
    robust : bool
        Reweight vertices by how well they fit (Geman-McClure), so that what moves does not pull the fit.
    scale : bool
        Fit a uniform scale a frame as well.
    missing : bool
        Whether vertices may be missing: one with a coordinate that is not finite, in a frame or in the reference,
        then has weight 0.

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
        vertex are named.
    NumericalError
        A frame has fewer than three usable vertices, or they lie on a line; the frame is named.

    Notes
    -----
    The rotation is the dominant eigenvector of Horn's 4 x 4 matrix, which gives the best proper rotation for flat and
    mirrored data too. Robust fits lower the scale of Geman and McClure's loss step by step to the lower quintile of
    the frame's own residuals, never below 1e-6 of the reference's `extent`, and then iterate to convergence. Cost
    O(F V) times the iterations (about 60); memory O(V) a thread.

    References
    ----------
    Horn 1987, Closed-form solution of absolute orientation using unit quaternions, J. Opt. Soc. Am. A 4(4).
    Geman, McClure 1987, Statistical methods for tomographic image reconstruction, Bull. ISI 52(4).
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
    dims = np.ndim(positions)
    frames = _validate.points("positions", positions, ("V", 3) if dims == 2 else ("F", "V", 3))
    n_vertices = frames.shape[-2]
    about = _validate.points("reference", reference, ("V", 3), {"V": n_vertices})
    prior = None
    if weights is not None:
        prior = _validate.floats("weights", weights, ("V",), {"V": n_vertices})
        if prior.size and prior.min() < 0:
            raise ValueError(
                f"`weights` must be at least 0, got {prior.min():g} at vertex {int(prior.argmin())}"
            )
    if not missing:
        place = _core.first_non_finite(about)
        if place is not None:
            raise ValueError(
                f"`reference` must be finite, got {about[place[1]].tolist()} at vertex {place[1]}"
            )
    return fit_frames(
        frames if dims == 3 else frames[None],
        about,
        prior,
        robust=bool(robust),
        scale=bool(scale),
        missing=bool(missing),
        called=lambda f: f"frame {f}",
    )


def fit_frames(
    frames: npt.NDArray[Any],
    reference: npt.NDArray[Any],
    weights: Float64 | None,
    *,
    robust: bool,
    scale: bool,
    missing: bool,
    called: Callable[[int], str],
) -> Alignment:
    """Do what `align_frames` does with arguments that have been checked; ``called(f)`` names a frame in messages."""
    if not len(frames):
        none = np.empty(0)
        return Alignment(
            np.empty((0, 3, 3)), np.empty((0, 3)), none, none, none, none, none, np.empty(0, np.int32)
        )
    problem, frame, arrays = _core.align_frames(frames, reference, weights, robust, scale, missing)
    if problem == "not_finite":
        f, v = _core.first_non_finite(frames) or (frame, 0)
        raise ValueError(
            f"`positions` must be finite, got {frames[f, v].tolist()} at {called(f)}, vertex {v} "
            "(missing=True allows missing vertices)"
        )
    if problem:
        why = why_degenerate(frames[frame], reference, weights)
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
