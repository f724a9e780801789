"""Values at key frames carried in time, by dense matrices and Lagrange multipliers."""

from __future__ import annotations

import numpy as np


def differences(frames: int, order: int) -> np.ndarray:
    return np.diff(np.eye(frames), order, axis=0)


def energy(values: np.ndarray, stiffness: float, cost: np.ndarray) -> float:
    """What is minimised, of values over frames that each `cost` stands between."""
    first, second = np.diff(values), np.diff(values, 2)
    return float((cost * first**2).sum() + stiffness**2 * (0.5 * (cost[:-1] + cost[1:]) * second**2).sum())


def carry(n, keys, start, end, stiffness, cost) -> np.ndarray:
    """Minimise on a timeline that goes on at rest beyond the ends, with every given value as a constraint."""
    low = 0 if start is None else min(start - 1, 0)
    high = n - 1 if end is None else max(end + 1, n - 1)
    frames = np.arange(low, high + 1)
    c = np.array([cost[min(max(f, 0), n - 2)] for f in frames[:-1]])
    matrix = differences(len(frames), 1).T @ np.diag(c) @ differences(len(frames), 1)
    if len(frames) > 2:
        bend = differences(len(frames), 2)
        matrix += stiffness**2 * bend.T @ np.diag(0.5 * (c[:-1] + c[1:])) @ bend
    given = {k: i for i, k in enumerate(keys)}
    held = [
        f
        for f in frames
        if f in given or (start is not None and f <= start) or (end is not None and f >= end)
    ]
    pick = np.array([frames == f for f in held], float)
    values = np.zeros((len(held), len(keys)))
    for row, f in enumerate(held):
        if f in given:
            values[row, given[f]] = 1
    zero = np.zeros((len(held), len(held)))
    saddle = np.block([[matrix, pick.T], [pick, zero]])
    solved = np.linalg.lstsq(
        saddle, np.concatenate([np.zeros((len(frames), len(keys))), values]), rcond=None
    )[0]
    return solved[: len(frames)][-low : n - low]
