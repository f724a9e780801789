"""Distances along a surface by brute force: a graph over many points on every edge."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra


def distance(
    triangles: np.ndarray, positions: np.ndarray, seeds: list[int], per_edge: int = 24
) -> np.ndarray:
    """Return distances (V,) that are too long by less than about ``edge / per_edge**2`` for each triangle crossed."""
    n = len(positions)
    edges = np.unique(
        np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0, return_inverse=False
    )
    share = np.arange(1, per_edge + 1) / (per_edge + 1)
    between = positions[edges[:, :1]] * (1 - share[:, None]) + positions[edges[:, 1:]] * share[:, None]
    points = np.concatenate([positions, between.reshape(-1, 3)])
    first = {tuple(edge): n + i * per_edge for i, edge in enumerate(edges.tolist())}
    rows, columns = [], []
    for triangle in triangles.tolist():
        around = list(triangle)
        for a, b in ((0, 1), (1, 2), (2, 0)):
            begin = first[tuple(sorted((triangle[a], triangle[b])))]
            around += range(begin, begin + per_edge)
        i, j = np.meshgrid(around, around)
        rows.append(i.ravel())
        columns.append(j.ravel())
    once = np.unique(np.concatenate(rows) * len(points) + np.concatenate(columns))
    pairs = np.stack([once // len(points), once % len(points)], axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    graph = csr_matrix((np.maximum(lengths, 1e-300), (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    return dijkstra(graph, indices=seeds, min_only=True)[:n]


def along_edges(triangles: np.ndarray, positions: np.ndarray, seeds: list[int]) -> np.ndarray:
    """Return the lengths (V,) of the shortest ways that keep to edges: what a shortcut would give."""
    return distance(triangles, positions, seeds, per_edge=0)
