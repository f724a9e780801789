"""Slow twins of mien.bounded_least_squares and mien.retarget.fit_weights, in NumPy."""

from __future__ import annotations

import itertools

import numpy as np


def bounded(gram: np.ndarray, rhs: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Try every way of holding variables at their bounds; the one that is optimal, for one right-hand side."""
    n = len(rhs)
    best, least = np.clip(np.zeros(n), lower, upper), np.inf
    for places in itertools.product((-1, 0, 1), repeat=n):
        place = np.array(places)
        w = np.where(place < 0, lower, upper).astype(float)
        free = place == 0
        if free.any():
            held = gram[np.ix_(free, ~free)] @ w[~free]
            w[free] = np.linalg.lstsq(gram[np.ix_(free, free)], rhs[free] - held, rcond=None)[0]
        if (w < lower - 1e-12).any() or (w > upper + 1e-12).any():
            continue
        energy = 0.5 * w @ gram @ w - rhs @ w
        if energy < least:
            best, least = w, energy
    return best


def energy(gram: np.ndarray, rhs: np.ndarray, weights: np.ndarray, smoothness: float = 0.0) -> float:
    fit = 0.5 * np.einsum("fi,ij,fj->", weights, gram, weights) - np.sum(rhs * weights)
    return float(fit + 0.5 * smoothness * np.sum(np.diff(weights, axis=0) ** 2))


def gradient(gram: np.ndarray, rhs: np.ndarray, weights: np.ndarray, smoothness: float = 0.0) -> np.ndarray:
    out = weights @ gram - rhs
    step = smoothness * np.diff(weights, axis=0)
    out[1:] += step
    out[:-1] -= step
    return out


def optimality(
    gram: np.ndarray,
    rhs: np.ndarray,
    weights: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    smoothness: float = 0.0,
) -> float:
    """Return the largest projected diagonal Newton step, and infinity outside the bounds."""
    if (weights < lower).any() or (weights > upper).any():
        return np.inf
    diagonal = np.where(np.diag(gram) > 0, np.diag(gram), 1.0)
    step = weights - gradient(gram, rhs, weights, smoothness) / diagonal
    return float(np.abs(weights - np.clip(step, lower, upper)).max(initial=0))


def normal_equations(rig, expression: np.ndarray, region: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    shapes = rig.deltas.astype(np.float64).reshape(rig.n_shapes, -1)
    r = np.repeat(np.ones(rig.n_vertices) if region is None else region, 3)
    seen = np.where(
        r > 0, (expression - rig.neutral.astype(np.float64)).reshape(len(expression), 3 * rig.n_vertices), 0
    )
    return (shapes * r) @ shapes.T, (seen * r) @ shapes.T
