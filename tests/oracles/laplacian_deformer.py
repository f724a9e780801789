"""Slow twin of mien.geometry.deform.laplacian: dense matrices, one frame after the other."""

from __future__ import annotations

import numpy as np
from tests.oracles import laplacian as operators


def matrix(triangles: np.ndarray, neutral: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The Laplacian and the matrix of the energy."""
    laplacian = operators.cotangent(triangles, neutral)
    if kind == "laplacian":
        return laplacian, laplacian
    mass = operators.mass(triangles, neutral, "voronoi")
    mass = np.maximum(mass, 1e-8 * mass.sum() / max(1, np.count_nonzero(mass)))
    return laplacian, laplacian @ np.diag(1 / mass) @ laplacian


def best_rotation(rest: np.ndarray, moved: np.ndarray, weights: np.ndarray) -> np.ndarray:
    u, _, vt = np.linalg.svd(moved.T @ (weights[:, None] * rest))
    sign = np.array([1, 1, np.linalg.det(u) * np.linalg.det(vt)])
    return (u * sign) @ vt


def turned(laplacian: np.ndarray, base: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """The change of the Laplacian when every edge is turned by the mean rotation of its ends."""
    n = len(base)
    weights = np.where(np.eye(n, dtype=bool), 0, -laplacian)
    rotations = np.stack(
        [best_rotation(base[v] - base, moved[v] - moved, np.maximum(weights[v], 0)) for v in range(n)]
    )
    change = np.zeros((n, 3))
    for v in range(n):
        for j in np.flatnonzero(weights[v]):
            mean = 0.5 * (rotations[v] + rotations[j]) - np.eye(3)
            change[v] += weights[v, j] * mean @ (base[v] - base[j])
    return change


def deform(triangles, neutral, handles, targets, held, weights, kind, base, passes=0):
    """One frame: base + d with hard handles (infinite weights) and held vertices exactly in place."""
    laplacian, q = matrix(triangles, neutral.astype(np.float64), kind)
    n = len(base)
    base = base.astype(np.float64)
    hard = np.isinf(weights)
    fixed = held.copy()
    fixed[handles[hard]] = True
    known = np.zeros((n, 3))
    known[handles[hard]] = (targets - base[handles])[hard]
    a, rhs = q.copy(), np.zeros((n, 3))
    for h in np.flatnonzero(~hard):
        a[handles[h], handles[h]] += weights[h]
        rhs[handles[h]] += weights[h] * (targets[h] - base[handles[h]])
    free = ~fixed
    out = known
    for i in range(passes + 1):
        extra = np.zeros((n, 3))
        if i:
            extra = turned(laplacian, base, base + out)
            if kind == "bilaplacian":
                mass = operators.mass(triangles, neutral.astype(np.float64), "voronoi")
                extra = laplacian @ (extra / mass[:, None])
        out = known.copy()
        out[free] = np.linalg.solve(
            a[np.ix_(free, free)], (rhs + extra)[free] - a[np.ix_(free, fixed)] @ known[fixed]
        )
    return base + out
