"""The methods of separation: each one function from take and neutral to head, residual and confidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import align_frames
from mien.separation.blocks import Progress, Separated, align_take
from mien.separation.confidence import confidence
from mien.separation.jointly import solve_jointly
from mien.separation.modes import modes_of_prior
from mien.separation.prior import carry_prior
from mien.separation.typical import mobility_weights, settle, spread_frames
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["METHODS", "Separated", "methods"]

Float64 = npt.NDArray[np.float64]

Method = Callable[[MeshSequence, npt.NDArray[Any], Float64 | None, Progress | None], Separated]


def _fitted(
    take: MeshSequence,
    reference: npt.NDArray[Any],
    weights: Float64 | None,
    progress: Progress | None,
    *,
    robust: bool,
) -> Separated:
    fit = align_take(take, reference, weights, robust=robust, progress=progress)
    head = RigidMotion(fit.rotation, fit.translation)
    return Separated(head, fit.residual, confidence(fit, reference, weights))


def _procrustes(
    take: MeshSequence, neutral: npt.NDArray[Any], weights: Float64 | None, progress: Progress | None
) -> Separated:
    """One weighted least-squares fit a frame."""
    return _fitted(take, neutral, weights, progress, robust=False)


def _robust(
    take: MeshSequence, neutral: npt.NDArray[Any], weights: Float64 | None, progress: Progress | None
) -> Separated:
    """Reweighted fits, each frame by itself."""
    return _fitted(take, neutral, weights, progress, robust=True)


def _sequence(
    take: MeshSequence, neutral: npt.NDArray[Any], weights: Float64 | None, progress: Progress | None
) -> Separated:
    """Reweighted fits to what the face mostly looks like, by what mostly stays put; then related to the neutral.

    A face is not at its neutral most of the time, but it has a place where it mostly is. Frames fitted to that median
    face, under weights learned from how far each vertex moves over the take, agree better among themselves; how the
    neutral lies to the median face is one more fit, the same for all frames.
    """
    if not len(take):
        return _robust(take, neutral, weights, progress)
    sample, index = spread_frames(take)
    typical, local = settle(sample, neutral, weights, index)
    still = mobility_weights(local, typical, weights)
    found = _fitted(take, typical, still, progress, robust=True)
    place = align_frames(typical, neutral, still, robust=True, missing=True)
    return Separated(
        found.head @ RigidMotion(place.rotation, place.translation),
        found.residual,
        found.confidence * confidence(place, neutral, still),
    )


def _joint(
    take: MeshSequence, neutral: npt.NDArray[Any], weights: Float64 | None, progress: Progress | None
) -> Separated:
    """Head and expression together, by what is known of faces; as `sequence` where no face is found."""
    finite = np.isfinite(neutral).all(axis=1)
    prior = carry_prior(take.topology, neutral) if len(take) and finite.all() else None
    if prior is None:
        return _sequence(take, neutral, weights, progress)
    return solve_jointly(
        take, neutral, weights, progress, lambda at, i: modes_of_prior(at, prior, i), by_rest=True
    )


METHODS: dict[str, Method] = {
    "joint": _joint,
    "sequence": _sequence,
    "robust": _robust,
    "procrustes": _procrustes,
}


def methods() -> tuple[str, ...]:
    """Return the names of the methods that `separate` knows."""
    return tuple(METHODS)
