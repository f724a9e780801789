"""Skinning, slowly: a vertex at a time, dual quaternions by SciPy's rotations and the Hamilton product."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def linear(neutral, weights, rotation, translation):
    out = np.zeros((len(rotation), len(neutral), 3))
    for f in range(len(rotation)):
        for v, rest in enumerate(neutral):
            for j, weight in enumerate(weights[v] / weights[v].sum()):
                out[f, v] += weight * (rotation[f, j] @ rest + translation[f, j])
    return out


def product(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return np.array([a[0] * b[0] - a[1:] @ b[1:], *(a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:]))])


def dual_quaternion(neutral, weights, rotation, translation):
    out = np.zeros((len(rotation), len(neutral), 3))
    for f in range(len(rotation)):
        real = np.roll(Rotation.from_matrix(rotation[f]).as_quat(), 1, axis=1)
        dual = np.array([product([0.0, *t], q) / 2 for t, q in zip(translation[f], real, strict=True)])
        for v, rest in enumerate(neutral):
            first = real[np.flatnonzero(weights[v])[0]]
            sign = np.where(real @ first < 0, -1.0, 1.0) * weights[v]
            q, d = sign @ real, sign @ dual
            size = np.linalg.norm(q)
            q, d = q / size, d / size
            inverse = q * [1, -1, -1, -1]
            turned = product(product(q, np.array([0.0, *rest])), inverse)[1:]
            out[f, v] = turned + 2 * product(d, inverse)[1:]
    return out
