"""What scanners and trackers do to a take: noise, slip of the scalp, gross outliers, missing vertices.

Each has a stream of random numbers of its own: turning one on or off leaves the others as they were.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.datasets.acting import stream

__all__ = ["missing_vertices", "outlying_vertices", "scalp_slip", "scanner_noise"]

Floats = npt.NDArray[np.float64]
_WAVES = 96


def scanner_noise(
    positions: npt.NDArray[np.float32], neutral: Floats, sigma: float, length: float, seed: int
) -> None:
    """Add Gaussian noise in place.

    Parameters
    ----------
    positions : (F, V, 3) float32
        Changed in place.
    neutral : (V, 3) floats
        Where vertices are, for the correlation.
    sigma : float
        Standard deviation of each coordinate, centimetres.
    length : float
        Distance over which noise is alike, centimetres; 0 makes every vertex independent.
    seed : int
        Which noise.

    References
    ----------
    A. Rahimi, B. Recht, Random Features for Large-Scale Kernel Machines, NIPS 2007: the waves whose sum is correlated
    like a Gaussian of the distance.
    """
    rng = stream(seed, 10)
    if length > 0:
        phase = neutral @ rng.normal(0.0, 1.0 / length, (3, _WAVES)) + rng.uniform(0, 2 * np.pi, _WAVES)
        waves = (np.cos(phase) * np.sqrt(2.0 / _WAVES)).astype(np.float32)
    for frame in positions:
        if length > 0:
            frame += sigma * (waves @ rng.standard_normal((_WAVES, 3), dtype=np.float32))
        else:
            frame += sigma * rng.standard_normal(frame.shape, dtype=np.float32)


def scalp_slip(
    times: Floats, neutral: Floats, scalp: Floats, amount: float, seed: int
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return which vertices slip and by how much, (n,) and (F, n, 3), head space, centimetres.

    The scalp turns slowly about the middle of the skull, like a cap that does not sit tight; `amount` is the largest
    shift.
    """
    rng = stream(seed, 11)
    vertices = np.flatnonzero(scalp > 0)
    turn = np.zeros((len(times), 3))
    for k in range(3):
        for _ in range(3):
            turn[:, k] += np.sin(2 * np.pi * rng.uniform(0.08, 0.5) * times + rng.uniform(0, 2 * np.pi))
    arm = neutral[vertices] - np.array([0.0, 3.0, -0.8])
    shift = np.cross(turn[:, None], arm[None]) * scalp[vertices, None]
    largest = np.sqrt((shift**2).sum(-1)).max(initial=0.0)
    return vertices, np.asarray(shift * (amount / largest if largest > 0 else 0.0))


def outlying_vertices(
    n_frames: int, n_vertices: int, fraction: float, seed: int
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return which vertices are gross outliers, (F, V) bool, and where they land, (n, 3), 0.5 to 5 cm off."""
    rng = stream(seed, 12)
    outlying = rng.random((n_frames, n_vertices), dtype=np.float32) < fraction
    direction = rng.standard_normal((int(outlying.sum()), 3))
    direction /= np.sqrt((direction**2).sum(-1, keepdims=True))
    return outlying, direction * np.exp(rng.uniform(np.log(0.5), np.log(5.0), (len(direction), 1)))


def missing_vertices(
    neutral: Floats, n_frames: int, fraction: float, fps: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Return which vertices are missing, (F, V) bool: two thirds in patches that last for a while, the rest alone."""
    rng = stream(seed, 13)
    out = np.zeros((n_frames, len(neutral)), dtype=bool)
    start = 0
    while start < n_frames:
        stop = min(n_frames, start + max(1, round(fps * rng.uniform(0.05, 0.3))))
        patch = np.zeros(len(neutral), dtype=bool)
        while patch.mean() < fraction * 2 / 3:
            distance = ((neutral - neutral[rng.integers(len(neutral))]) ** 2).sum(-1)
            wanted = min(fraction * 2 / 3 - patch.mean(), fraction * rng.uniform(0.2, 0.5))
            count = max(1, int(np.ceil(wanted * len(neutral))))
            patch[np.argpartition(distance, count - 1)[:count]] = True
        out[start:stop] = patch
        start = stop
    alone = rng.random(out.shape, dtype=np.float32)
    share = np.clip((fraction - out.mean(1)) / np.maximum(1.0 - out.mean(1), 1e-9), 0.0, 1.0)
    out |= alone < share[:, None]
    return out
