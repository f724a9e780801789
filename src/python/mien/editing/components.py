"""Directions in which a face moves: shapes of a rig, or what a take does most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry.alignment import align_frames
from mien.values.performance import Performance
from mien.values.rig import Rig

__all__ = ["amounts", "onto_performance", "principal_component", "rig_component"]

Float64 = npt.NDArray[np.float64]

# Frames of a take that its principal components are found from.
_SAMPLED = 64
_SWEEPS = 30


def onto_performance(rig: Rig, performance: Performance) -> Float64:
    """Return what turns and sizes displacements of a rig for a performance, (3, 3)."""
    if rig.topology != performance.take.topology:
        raise ValueError(
            f"`rig` must have the topology of the performance, {performance.take.topology}, got {rig.topology}"
        )
    fit = align_frames(performance.neutral[None], rig.neutral, robust=True, scale=True, missing=True)
    turn: Float64 = fit.scale[0] * fit.rotation[0]
    return turn


def rig_component(rig: Rig, name: str, performance: Performance) -> Float64:
    """Return a shape of a rig in the head space of a performance, (V, 3)."""
    delta, turn = rig.delta(name).astype(np.float64), onto_performance(rig, performance)
    # By elements: a BLAS product differs between machines in the last bit.
    out: Float64 = sum(delta[:, k, None] * turn[:, k] for k in range(3))  # type: ignore[assignment]
    return out


def principal_component(performance: Performance, index: int) -> Float64:
    """Return the direction that takes most of what those before it leave of the take's motion, (V, 3).

    From the departures from the neutral at up to 64 frames; vertices that are missing in one of them stay still.
    """
    n = len(performance)
    frames = np.unique(np.linspace(0, n - 1, _SAMPLED).astype(np.int64))
    _validate.index("component", index, least=0, below=len(frames))
    taken = performance.take.positions[frames].astype(np.float64)
    departure = performance.head[frames].apply_inverse(taken) - performance.neutral
    departure[:, ~np.isfinite(departure).all(axis=(0, 2))] = 0.0
    rows = departure.reshape(len(frames), -1)
    values, vectors = _eigen(np.array([[np.add.reduce(a * b) for b in rows] for a in rows]))
    best = np.argsort(-values, kind="stable")[index]
    if values[best] <= 1e-12 * values.max():
        raise ValueError(f"`component` must be one that the take has, got {index}: it moves in fewer ways")
    out: Float64 = np.add.reduce(vectors[:, best, None, None] * departure, axis=0)
    return out


def _eigen(matrix: Float64) -> tuple[Float64, Float64]:
    """Return eigenvalues and vectors (columns) of a symmetric matrix by Jacobi rotations, element by element.

    Half of the rows turn with the other half at once; partners change as in a tournament, so that in a sweep every pair
    meets once. An odd count gets a row of zeros, with which nobody turns.
    """
    n = len(matrix)
    half = (n + 1) // 2
    a = np.zeros((2 * half, 2 * half))
    a[:n, :n] = matrix
    vectors, order = np.eye(2 * half), np.arange(2 * half)
    for _ in range(_SWEEPS):
        if np.abs(a - np.diag(np.diag(a))).max(initial=0) <= 1e-14 * np.abs(np.diag(a)).max():
            break
        for _ in range(2 * half - 1):
            p, q = order[:half], order[: half - 1 : -1]
            between = a[p, q]
            meet = between != 0
            theta = (a[q, q] - a[p, p]) / np.where(meet, 2 * between, 1.0)
            slope = np.where(theta >= 0, 1.0, -1.0) / (np.abs(theta) + np.sqrt(theta * theta + 1))
            t = np.where(meet, slope, 0.0)
            c = 1 / np.sqrt(t * t + 1)
            s = t * c
            for table in (a, a.T, vectors.T):
                rows, others = table[p], table[q]
                table[p] = c[:, None] * rows - s[:, None] * others
                table[q] = s[:, None] * rows + c[:, None] * others
            order = np.concatenate([order[:1], order[-1:], order[1:-1]])
    return np.diag(a)[:n].copy(), vectors[:n, :n]


def amounts(departure: Float64, component: Float64, weights: Float64 | None) -> Float64:
    """Return how far each departure (n, V, 3) goes along a component, by weighted least squares over what is there."""
    along = component if weights is None else component * weights[:, None]
    out = np.zeros(len(departure))
    for f, frame in enumerate(departure):
        there = np.isfinite(frame).all(axis=1, keepdims=True)
        size = np.add.reduce(np.where(there, along * component, 0.0), axis=None)
        out[f] = np.add.reduce(np.where(there, along * frame, 0.0), axis=None) / size if size > 0 else 0.0
    return out
