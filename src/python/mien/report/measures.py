"""The numbers that pictures show, one frame or a few at a time so that takes may be larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = [
    "check_result",
    "moved",
    "shortened",
    "Lengths",
    "Movement",
    "choose_frames",
    "head_movement",
    "lengths",
    "movement",
    "nice_above",
    "runs",
]

Float64 = npt.NDArray[np.float64]
_BLOCK = 16  # frames looked at together


class Lengths(NamedTuple):
    """How lengths are shown: ``shown = factor * scene units``, in `unit`."""

    factor: float
    unit: str


class Movement(NamedTuple):
    """How far vertices move, scene units: the largest and the root mean square of each frame, (F,) both."""

    largest: Float64
    rms: Float64


def check_result(perf: Performance, result: MeshSequence | None) -> None:
    """Raise unless there is something to show, and `result` has the frames and topology of the performance."""
    _validate.instance("perf", perf, Performance, "a Performance")
    if len(perf) == 0 or perf.take.n_vertices == 0:
        raise ValueError("`perf` must have at least one frame and one vertex, got none")
    if result is None:
        return
    _validate.instance("result", result, MeshSequence, "a MeshSequence")
    if len(result) != len(perf):
        raise ValueError(f"`result` must have F = {len(perf)} frames, got {len(result)}")
    if result.topology != perf.take.topology:
        raise ValueError("`result` must have the topology of the take, got another one")


def lengths(take: MeshSequence) -> Lengths:
    """Return millimetres, or scene units where the take does not say how long its unit is."""
    if take.metres_per_unit is None:
        return Lengths(1.0, "units")
    return Lengths(1000.0 * take.metres_per_unit, "mm")


def movement(
    perf: Performance, result: MeshSequence | None, progress: Callable[[int, int], None] | None = None
) -> Movement:
    """Return how far `result` is from the take or, without one, the expression from the neutral. NaN is left out."""
    largest, rms = np.zeros(len(perf)), np.zeros(len(perf))
    for start in range(0, len(perf), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(perf)))
        distances = moved(perf, result, np.arange(part.start, part.stop))
        known = np.isfinite(distances)
        kept = np.where(known, distances, 0.0)
        largest[part] = kept.max(1, initial=0.0)
        rms[part] = np.sqrt((kept * kept).sum(1) / np.maximum(known.sum(1), 1))
        if progress is not None:
            progress(part.stop, len(perf))
    return Movement(largest, rms)


def moved(perf: Performance, result: MeshSequence | None, frames: npt.NDArray[np.intp]) -> Float64:
    """Return the distances of `movement` for some frames, (len(frames), V) in scene units."""
    world = perf.take.positions[frames].astype(np.float64)
    if result is not None:
        difference = result.positions[frames] - world
    else:
        difference = perf.head[frames].apply_inverse(world) - perf.neutral
    distances: Float64 = np.sqrt((difference * difference).sum(-1))
    return distances


def choose_frames(frames: int | Sequence[int] | npt.NDArray[Any], activity: Float64) -> npt.NDArray[np.intp]:
    """Return frame indices, rising: those given, or as many as asked for, denser where `activity` is high.

    The frame of the highest activity is always among the chosen.
    """
    n = len(activity)
    if not hasattr(frames, "__len__"):
        count = min(_validate.index("frames", frames, least=1), n)
        # The root gives small movements their place beside large ones; the mean keeps some for quiet frames.
        strength = np.sqrt(np.asarray(activity, dtype=np.float64))
        share = strength + max(0.5 * float(strength.mean()), 1e-300)
        reached = np.cumsum(share) / share.sum()
        chosen = np.searchsorted(reached, (np.arange(count) + 0.5) / count)
        best = int(np.argmax(activity))
        chosen[np.argmin(np.abs(chosen - best))] = best
        # Where two fell on one frame, move apart, first towards the end and then back from it.
        for k in range(1, count):
            chosen[k] = max(chosen[k], chosen[k - 1] + 1)
        limit = n - count + np.arange(count)
        return np.asarray(np.minimum(chosen, limit), dtype=np.intp)
    given = _validate.array("frames", frames, ("F",), np.int64)
    if not given.size:
        raise ValueError("`frames` must name at least one frame, got none")
    if given.min() < 0 or given.max() >= n:
        raise ValueError(f"`frames` must lie in 0 to {n - 1}, got {int(given.min())} to {int(given.max())}")
    return given.astype(np.intp)


def head_movement(head: RigidMotion, neutral: npt.NDArray[Any]) -> tuple[Float64, Float64]:
    """Return how the head turns and moves against its mean pose: degrees (F, 3) and scene units (F, 3).

    Both in world axes: turns about x, y and z as one rotation vector, and the way of the middle of the neutral. Neither
    depends on how the neutral lies in head space, so that estimates compare with a truth.
    """
    mean = head.scaled(0.0).rotation
    turns = np.degrees(
        RigidMotion(head.rotation @ mean.transpose(0, 2, 1), np.zeros((len(head), 3))).rotation_vectors
    )
    finite = neutral[np.isfinite(neutral).all(1)]
    middle = finite.mean(0, dtype=np.float64) if len(finite) else np.zeros(3)
    way = head.rotation @ middle + head.translation
    return turns, way - way.mean(0)


def runs(active: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open ranges in which `active` is true."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(steps[::2], steps[1::2], strict=True)]


def nice_above(value: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten that is at least `value`; 1 for 0."""
    if not value > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(
        next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))
    )


def shortened(name: str) -> str:
    """Return a name that fits a title: of long ones the end, which tells versions apart."""
    return name if len(name) <= 32 else "…" + name[-31:]
