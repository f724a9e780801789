"""Deformation transfer, slowly: dense least squares over positions and fourth vertices."""

from __future__ import annotations

import numpy as np


def frame(points, triangle):
    a, b, c = points[triangle]
    n = np.cross(b - a, c - a)
    return np.stack([b - a, c - a, n / np.sqrt(np.linalg.norm(n))], axis=1)


def gradients(triangles, neutral, positions):
    return np.array([frame(positions, t) @ np.linalg.inv(frame(neutral, t)) for t in triangles])


def transfer(source_triangles, source, triangles, target, expression, follow, pinned):
    """Minimise sum area |T(x) - S|^2, x (V, 3) and a fourth vertex a triangle unknown, x[pinned] kept."""
    wanted = gradients(source_triangles, source, expression)
    n, rows, right = len(target), [], []
    for k, triangle in enumerate(triangles):
        inverse = np.linalg.inv(frame(target, triangle))
        a, b, c = target[triangle]
        root = np.sqrt(0.5 * np.linalg.norm(np.cross(b - a, c - a)))
        stretch = np.eye(3) if follow[k] < 0 else wanted[follow[k]]
        for j in range(3):
            row = np.zeros(n + len(triangles))
            row[triangle[1]] += inverse[0, j]
            row[triangle[2]] += inverse[1, j]
            row[n + k] += inverse[2, j]
            row[triangle[0]] -= inverse[:, j].sum()
            rows.append(root * row)
            right.append(root * stretch[:, j])
    matrix, values = np.array(rows), np.array(right)
    free = np.setdiff1d(np.arange(matrix.shape[1]), pinned)
    values = values - matrix[:, pinned] @ target[pinned]
    out = target.astype(float).copy()
    found = np.linalg.lstsq(matrix[:, free], values, rcond=None)[0]
    out[free[free < n]] = found[: (free < n).sum()]
    return out
