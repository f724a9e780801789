"""A smooth path by dense matrices: one round of expectation maximisation after another."""

from __future__ import annotations

import numpy as np


def steady_path(places: np.ndarray, weights: np.ndarray, least: float, most: float, rounds: int = 60):
    """Return the path (F, C) and the two variances, as the core does."""
    n, count = places.shape
    third = np.diff(np.eye(n), 3, axis=0)
    squares = np.sum((third @ places) ** 2, axis=1)
    typical = np.sort(squares)[len(squares) // 2] / (0.79 * count)
    measured, driven = np.clip(typical / 40, least**2, most**2), max(typical / 2, least**2)
    calm = (4 + count) / (4 + squares / (2 * driven))

    def solved():
        inverse = np.linalg.inv(np.diag(weights) + measured / driven * third.T @ (calm[:, None] * third))
        return inverse, places - inverse @ third.T @ (measured / driven * calm[:, None] * (third @ places))

    for _ in range(rounds):
        inverse, path = solved()
        off = np.sum((places - path) ** 2, axis=1) + count * measured * np.diag(inverse)
        jolts = np.sum((third @ path) ** 2, axis=1)
        jolts += count * measured * np.diag(third @ inverse @ third.T)
        calm = (4 + count) / (4 + jolts / driven)
        ratios = (
            np.sum(weights * off) / (count * np.count_nonzero(weights)) / measured,
            np.mean(calm * jolts) / count,
        )
        ratios = ratios[0], ratios[1] / driven
        measured = np.clip(measured * ratios[0] ** 1.5, least**2, most**2)
        driven = max(driven * ratios[1] ** 1.5, measured / 1e8, least**2 / 1e8)
        if max(abs(ratio - 1) for ratio in ratios) < 0.01:
            break
    return solved()[1], measured, driven
