"""As-rigid-as-possible deformation, slowly: dense matrices, one SVD a vertex."""

from __future__ import annotations

import numpy as np


def cells(triangles, neutral, energy):
    """Return the dense weights (V, V) and for each vertex its cell: edges (a, b) with weights."""
    n = len(neutral)
    weights, rims = np.zeros((n, n)), [[] for _ in range(n)]
    for triangle in triangles:
        for k in range(3):
            i, a, b = triangle[k], triangle[(k + 1) % 3], triangle[(k + 2) % 3]
            p, q = neutral[a] - neutral[i], neutral[b] - neutral[i]
            half = 0.5 * (p @ q) / np.linalg.norm(np.cross(p, q))
            weights[a, b] += half
            weights[b, a] += half
            rims[i].append((a, b, half))
    found = []
    for i in range(n):
        cell = [(i, j, weights[i, j]) for j in np.flatnonzero(weights[i])]
        found.append(cell + (rims[i] if energy == "spokes-and-rims" else []))
    return weights, found


def rotation(cell, neutral, positions):
    covariance = sum(w * np.outer(neutral[a] - neutral[b], positions[a] - positions[b]) for a, b, w in cell)
    u, _, vt = np.linalg.svd(covariance)
    flip = np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
    return vt.T @ flip @ u.T


def energy(triangles, neutral, positions, kind):
    total = 0.0
    for cell in cells(triangles, neutral, kind)[1]:
        turn = rotation(cell, neutral, positions)
        for a, b, w in cell:
            total += w * np.sum(((positions[a] - positions[b]) - turn @ (neutral[a] - neutral[b])) ** 2)
    return total


def solve(triangles, neutral, held, targets, start, iterations, kind):
    """Alternate rotations and positions from `start` (V, 3); `held` (H,) lie at `targets` (H, 3)."""
    weights, found = cells(triangles, neutral, kind)
    laplacian = np.diag(weights.sum(1)) - weights
    free = np.setdiff1d(np.arange(len(neutral)), held)
    positions = np.array(start, np.float64)
    positions[held] = targets
    share = 2 if kind == "spokes" else 3
    for _ in range(iterations):
        right = np.zeros_like(positions)
        for cell in found:
            turn = rotation(cell, neutral, positions) / share
            for a, b, w in cell:
                right[a] += w * turn @ (neutral[a] - neutral[b])
                right[b] -= w * turn @ (neutral[a] - neutral[b])
        known = right[free] - laplacian[np.ix_(free, held)] @ targets
        positions[free] = np.linalg.solve(laplacian[np.ix_(free, free)], known)
    return positions
