"""Slow twin of the rig: one vertex, one shape, one addition at a time."""

from __future__ import annotations

import numpy as np


def evaluate(neutral, deltas, weights, correctives=(), dtype=None):
    """Return positions (F, V, 3); `correctives` holds (indices of drivers, delta (V, 3))."""
    frames, shapes = weights.shape
    out = np.empty((frames, *neutral.shape), neutral.dtype if dtype is None else dtype)
    for f in range(frames):
        active = [(weights[f, k], deltas[k]) for k in range(shapes)]
        for drivers, delta in correctives:
            w = 1.0
            for driver in drivers:
                w *= weights[f, driver]
            active.append((w, delta))
        for v in range(len(neutral)):
            for c in range(3):
                total = float(neutral[v, c])
                for w, delta in active:
                    if w != 0 and any(delta[v]):
                        total += float(w) * float(delta[v, c])
                out[f, v, c] = total
    return out
