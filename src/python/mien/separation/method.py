"""The methods of separation: each one function from take and neutral to head, residual and confidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import align_frames, extent
from mien.separation.blocks import Progress, align_take
from mien.separation.confidence import confidence
from mien.separation.joint import learn
from mien.separation.modes import Modes, modes_of_prior
from mien.separation.prior import carry_prior
from mien.separation.rest import steadied
from mien.separation.typical import mobility_weights, settle, spread_frames
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = ["METHODS", "Separated", "methods"]

Float64 = npt.NDArray[np.float64]

_JOINT_VERTICES = 1000
_JOINT_FRAMES = 192
_JOINT_BLOCK = 128
# How far apart head and second opinion may lie until confidence is halved, of the extent: 0.5 mm on a face.
_HALF_TRUST = 0.5 / 250


class Separated(NamedTuple):
    """What a method finds: ``head`` of F frames, ``residual`` (F,) in scene units, ``confidence`` (F,) in [0, 1]."""

    head: RigidMotion
    residual: Float64
    confidence: Float64


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


def solve_jointly(
    take: MeshSequence,
    neutral: npt.NDArray[Any],
    weights: Float64 | None,
    progress: Progress | None,
    modes: Callable[[Float64, npt.NDArray[np.int64]], Modes],
    *,
    by_rest: bool,
) -> Separated:
    """Learn from up to 192 frames and about 1,000 vertices, then solve every frame, block by block.

    `by_rest` also asks what comes to rest: a model of faces in general needs that, a rig of the actor does not.
    """
    prior = np.ones(len(neutral)) if weights is None else weights
    usable = np.flatnonzero((prior > 0) & np.isfinite(neutral).all(axis=1))
    index = usable[:: max(1, len(usable) // _JOINT_VERTICES)]
    points = neutral[index].astype(np.float64)
    thin = MeshSequence(
        Topology([], [], len(index)),
        np.ascontiguousarray(take.positions[:, index]),
        fps=take.fps,
        start_frame=take.start_frame,
    )
    own = np.ascontiguousarray(prior[index])
    fit = align_take(thin, points, own, robust=True)
    head = RigidMotion(fit.rotation, fit.translation)
    seen = np.unique(np.linspace(0, len(take) - 1, min(_JOINT_FRAMES, len(take))).round().astype(np.int64))
    start = RigidMotion(head.rotation[seen], head.translation[seen])
    solver = learn(thin.positions[seen].astype(np.float64), points, own, start, modes(points, index))
    heads, trust = [], []
    for begin in range(0, len(take), _JOINT_BLOCK):
        stop = min(len(take), begin + _JOINT_BLOCK)
        block = thin.positions[begin:stop].astype(np.float64)
        found, confident = solver.refine(block, head[begin:stop])
        heads.append(found)
        trust.append(confident)
        if progress is not None:
            progress(stop, len(take))
    moved = RigidMotion(
        np.concatenate([part.rotation for part in heads]),
        np.concatenate([part.translation for part in heads]),
    )
    trusted = np.concatenate(trust)
    if by_rest:
        moved, apart = steadied(thin, points, own, moved)
        trusted /= 1 + (apart / (_HALF_TRUST * extent(points))) ** 2
    return Separated(moved, fit.residual, trusted)


METHODS: dict[str, Method] = {
    "joint": _joint,
    "sequence": _sequence,
    "robust": _robust,
    "procrustes": _procrustes,
}


def methods() -> tuple[str, ...]:
    """Return the names of the methods that `separate` knows."""
    return tuple(METHODS)
