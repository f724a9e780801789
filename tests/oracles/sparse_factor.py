"""Slow twins of the factorisation: dense elimination, one column after the other."""

from __future__ import annotations

import numpy as np

__all__ = ["bad_pivot", "cholesky", "pattern"]


def pattern(matrix: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return which entries of L (V, V) are there when `matrix` is eliminated in this order, by symbolic elimination."""
    there = matrix[np.ix_(order, order)] != 0
    np.fill_diagonal(there, True)
    for k in range(len(order)):
        below = np.flatnonzero(there[k + 1 :, k]) + k + 1
        there[np.ix_(below, below)] = True
    return np.tril(there)


def cholesky(matrix: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, int]:
    """Return L (V, V) with L Lᵀ = P A Pᵀ, and the first column whose pivot is not positive, or -1."""
    left = matrix[np.ix_(order, order)].astype(np.float64)
    factor = np.zeros_like(left)
    for k in range(len(order)):
        pivot = left[k, k]
        if not pivot > 0:
            return factor, k
        factor[k:, k] = left[k:, k] / np.sqrt(pivot)
        left[k + 1 :, k + 1 :] -= np.outer(factor[k + 1 :, k], factor[k + 1 :, k])
    return factor, -1


def bad_pivot(matrix: np.ndarray, order: np.ndarray) -> int:
    """Return the unknown at which elimination in this order finds that `matrix` is not positive definite, or -1."""
    column = cholesky(matrix, order)[1]
    return -1 if column < 0 else int(order[column])
