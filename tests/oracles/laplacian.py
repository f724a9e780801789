"""Slow twins of mien.geometry.laplacian: one triangle after the other, dense matrices."""

from __future__ import annotations

import numpy as np

SLIVER = 1e-6


def shape_of(p: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Scalar products of the edges that meet at each corner, doubled area, and what to divide by."""
    dots = np.array([(p[(k + 1) % 3] - p[k]) @ (p[(k + 2) % 3] - p[k]) for k in range(3)])
    doubled = float(np.linalg.norm(np.cross(p[1] - p[0], p[2] - p[0])))
    return dots, doubled, max(doubled, SLIVER * dots.sum(), 1e-280)


def cotangent(triangles: np.ndarray, positions: np.ndarray) -> np.ndarray:
    n = len(positions)
    out = np.zeros((n, n))
    for t in triangles:
        dots, _, divisor = shape_of(positions[t].astype(np.float64))
        for k in range(3):
            i, j, w = t[(k + 1) % 3], t[(k + 2) % 3], 0.5 * dots[k] / divisor
            out[i, j] -= w
            out[j, i] -= w
            out[i, i] += w
            out[j, j] += w
    return out


def uniform(triangles: np.ndarray, n_vertices: int) -> np.ndarray:
    out = np.zeros((n_vertices, n_vertices))
    for t in triangles:
        for i, j in ((0, 1), (1, 2), (2, 0)):
            if t[i] != t[j]:
                out[t[i], t[j]] = out[t[j], t[i]] = -1
    return out - np.diag(out.sum(axis=0))


def mass(triangles: np.ndarray, positions: np.ndarray, kind: str) -> np.ndarray:
    out = np.zeros(len(positions))
    for t in triangles:
        p = positions[t].astype(np.float64)
        dots, doubled, divisor = shape_of(p)
        squares = [((p[(k + 1) % 3] - p[(k + 2) % 3]) ** 2).sum() for k in range(3)]
        for k in range(3):
            if kind == "barycentric":
                part = doubled / 6
            elif dots.min() < 0:
                part = doubled / (4 if dots[k] < 0 else 8)
            else:
                part = sum(squares[j] * dots[j] for j in range(3) if j != k) / divisor / 8
            out[t[k]] += part
    return out


def gradient(triangles: np.ndarray, positions: np.ndarray) -> np.ndarray:
    out = np.zeros((3 * len(triangles), len(positions)))
    for row, t in enumerate(triangles):
        p = positions[t].astype(np.float64)
        normal = np.cross(p[1] - p[0], p[2] - p[0])
        _, _, divisor = shape_of(p)
        for k in range(3):
            edge = p[(k + 2) % 3] - p[(k + 1) % 3]
            out[3 * row : 3 * row + 3, t[k]] += np.cross(normal / divisor, edge) / divisor
    return out
