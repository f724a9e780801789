"""A take posed by joints, and points followed on it: against NumPy and libigl.

MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_skinning.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.spatial.transform

import mien

FRAMES, JOINTS, INFLUENCES, POINTS = 64, 24, 4, 5_000


@pytest.mark.sizes("preview", "shot")
def test_skinning(compare, face, size) -> None:
    """Twenty-four joints, four of them at a vertex."""
    rest = face(size).positions.astype(np.float32)
    rng = np.random.default_rng(0)
    weights = np.zeros((len(rest), JOINTS))
    chosen = np.argsort(rng.random(weights.shape), axis=1)[:, :INFLUENCES]
    np.put_along_axis(weights, chosen, rng.random(chosen.shape) + 0.1, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    turns = scipy.spatial.transform.Rotation.from_rotvec(rng.normal(0, 0.3, (FRAMES * JOINTS, 3)))
    rotation = turns.as_matrix().reshape(FRAMES, JOINTS, 3, 3)
    translation = rng.normal(size=(FRAMES, JOINTS, 3))
    homogeneous = np.concatenate([rest, np.ones((len(rest), 1), np.float32)], axis=1)
    lbs = (
        (weights[:, :, None] * homogeneous[:, None]).reshape(len(rest), -1).astype(np.float32)
    )  # igl's lbs_matrix
    stacked = np.concatenate([rotation.transpose(0, 1, 3, 2), translation[:, :, None]], axis=2)
    poses = stacked.reshape(FRAMES, -1, 3).astype(np.float32)
    wanted = np.stack([lbs @ pose for pose in poses[:2]])

    def check(name: str, answer: np.ndarray) -> None:
        if "dual" not in name:
            assert np.abs(answer[:2] - wanted).max() < 1e-4, name

    rows: dict[str, Any] = {}
    out = np.empty((FRAMES, *rest.shape), np.float32)
    for method in ("linear", "dual-quaternion"):
        skin = mien.Skin(rest, weights, method=method)
        rows[f"mien {method}"] = lambda s=skin: s.pose(rotation, translation, out=out)
    rows["NumPy, libigl's matrix"] = lambda: np.matmul(lbs, poses)
    compare("skinning", rows, size=size, check=check, work={"bytes": float(out.nbytes)})


@pytest.mark.sizes("preview", "shot")
def test_surface_points(compare, face, size) -> None:
    """Five thousand points through a take."""
    mesh = face(size)
    rng = np.random.default_rng(0)
    take = (mesh.positions + rng.normal(0, 0.1, (FRAMES, 1, 3))).astype(np.float32)
    triangles = np.sort(rng.integers(0, len(mesh.topology.triangles), POINTS)).astype(np.int32)
    weights = rng.dirichlet(np.ones(3), POINTS)
    corners, weights32 = mesh.topology.triangles[triangles], weights.astype(np.float32)

    def gathered() -> np.ndarray:
        out = take[:, corners[:, 0]] * weights32[:, :1]
        out += take[:, corners[:, 1]] * weights32[:, 1:2]
        out += take[:, corners[:, 2]] * weights32[:, 2:]
        return np.asarray(out)

    wanted = gathered()

    def check(name: str, answer: np.ndarray) -> None:
        assert np.abs(answer - wanted).max() < 1e-4, name

    rows = {"mien": lambda: mien.surface_points(mesh.topology, take, triangles, weights), "NumPy": gathered}
    compare("points on a surface", rows, size=size, check=check)
