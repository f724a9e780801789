"""When a head is told to be still, and when not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mien
from mien.separation.path import HeadNoise
from mien.separation.still import still_head

POINTS = np.random.default_rng(0).normal(size=(200, 3)) * 60
UNIT = 1.0
QUIET = HeadNoise(0.0, 0.0)
N = 80


def heads(moved: np.ndarray) -> mien.RigidMotion:
    """Return a head that looks somewhere, shifted by (F, 3) in the world."""
    turn = Rotation.from_rotvec([0.4, -1.0, 2.0]).as_matrix()
    return mien.RigidMotion(np.repeat(turn[None], N, axis=0), np.array([100.0, 1500.0, -300.0]) + moved)


def wandering() -> tuple[np.ndarray, np.ndarray]:
    """Return shifts and predicted errors: a face that is calm at both ends and wild between."""
    wild = np.sin(np.pi * np.arange(N) / (N - 1)) ** 2
    rng = np.random.default_rng(1)
    return 0.3 * wild[:, None] * rng.normal(size=3), 0.01 + 0.3 * wild


def test_one_pose_is_found_where_calm_frames_agree():
    moved, error = wandering()
    pose = still_head(heads(moved), error, QUIET, POINTS, UNIT)
    assert pose is not None
    assert len(pose) == 1
    assert np.abs(pose.apply(POINTS) - heads(0 * moved)[:1].apply(POINTS)).max() < 0.02


@pytest.mark.parametrize("size", [0.2, 1.0, 30.0])
def test_a_drift_is_motion(size):
    moved, error = wandering()
    drift = size * np.linspace(0, 1, N)[:, None] * [0.0, 1.0, 0.0]
    assert still_head(heads(moved + drift), error, QUIET, POINTS, UNIT) is None


def test_a_knock_is_motion():
    moved, error = wandering()
    moved[40:44] += 4.0
    assert still_head(heads(moved), error, QUIET, POINTS, UNIT) is None


def test_what_is_lost_has_no_say():
    moved, error = wandering()
    moved[40:44], error[40:44] = 1000.0, np.inf
    assert still_head(heads(moved), error, QUIET, POINTS, UNIT) is not None


def test_calm_frames_must_lie_wide():
    moved, error = wandering()
    error[N // 3 :] = np.maximum(error[N // 3 :], 0.2)
    assert still_head(heads(moved), error, QUIET, POINTS, UNIT) is None
    assert still_head(heads(moved), np.full(N, 0.2), QUIET, POINTS, UNIT) is None


def test_noise_of_heads_is_no_motion():
    moved, error = wandering()
    moved += np.random.default_rng(2).normal(0, 0.05, moved.shape)
    assert still_head(heads(moved), error, QUIET, POINTS, UNIT) is None
    assert still_head(heads(moved), error, HeadNoise(0.0, 0.05), POINTS, UNIT) is not None
