"""A small performance with known parts, for tests of editing: a bumpy sheet that moves under a known head."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

import mien


def sheet(rows: int = 9, columns: int = 11) -> tuple[mien.Topology, np.ndarray]:
    """Quads in centimetres, curved like a mask; 99 vertices, so that blocks of 32 do not come out even."""
    x, y = np.meshgrid(np.linspace(-7, 7, rows), np.linspace(-9, 9, columns), indexing="ij")
    index = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    z = 6 - 0.06 * x**2 - 0.03 * y**2
    return mien.Topology.from_polygons(quads), np.stack([x, y, z], axis=-1).reshape(-1, 3)


def curves(n_frames: int, count: int, seed: int) -> np.ndarray:
    """Smooth curves in time, (F, count)."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_frames)[:, None] / 12
    return sum(
        np.sin((k + 1) * time + rng.uniform(0, 6.3, count)) * rng.normal(0, 1 / (k + 1), count)
        for k in range(3)
    )


def head_motion(n_frames: int, seed: int) -> mien.RigidMotion:
    path = curves(n_frames, 6, seed)
    return mien.RigidMotion(
        Rotation.from_rotvec(0.3 * path[:, :3]).as_matrix(), 3 * path[:, 3:] + [10, 150, -20]
    )


def expressions(neutral: np.ndarray, n_frames: int, seed: int) -> np.ndarray:
    """Two bumps that come and go, (F, V, 3) in head space."""
    rng = np.random.default_rng(seed)
    out = np.tile(neutral, (n_frames, 1, 1))
    for k, curve in enumerate(curves(n_frames, 2, seed + 1).T):
        near = np.exp(-((neutral - neutral[rng.integers(len(neutral))]) ** 2).sum(axis=1) / (10 + 10 * k))
        out += curve[:, None, None] * near[:, None] * rng.normal(0, 0.8, 3)
    return out


def performance(
    *,
    n_frames: int = 40,
    seed: int = 7,
    dtype: type = np.float32,
    neutral: np.ndarray | None = None,
    gauge: mien.RigidMotion | None = None,
    missing: float = 0.0,
    start_frame: int = 1001,
    name: str = "take",
) -> mien.Performance:
    """Return a performance; `gauge` is a rigid motion of one frame by which its head space is turned."""
    topology, rest = sheet()
    neutral = rest if neutral is None else neutral
    head = head_motion(n_frames, seed)
    positions = head.apply(expressions(neutral, n_frames, seed)).astype(dtype)
    if missing:
        positions[np.random.default_rng(seed).random(positions.shape[:2]) < missing] = np.nan
    take = mien.MeshSequence(topology, positions, fps=60.0, start_frame=start_frame, name=name)
    if gauge is not None:
        head, neutral = head @ gauge.inverse(), gauge.apply(neutral)[0]
    return mien.Performance(take, head, neutral, np.zeros(n_frames), np.ones(n_frames))
