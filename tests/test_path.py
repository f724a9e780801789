"""Paths as smooth as they say they are: laws, the slow twin, and what must not be smoothed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import mien
from mien import _core
from mien.separation.path import HeadNoise, head_noise, runs, steady_path
from oracles import path as oracle

CENTRE = np.array([1.0, 2.0, 3.0])
ALL = HeadNoise(10.0, 10.0)


def swaying(n_frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(n_frames)[:, None] / 30.0
    return np.sin(rng.uniform(1, 4, 3) * t + rng.uniform(0, 6, 3)) * rng.uniform(1, 3, 3)


def jitter(gap: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(gap, 2, axis=0), axis=1).mean())


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(8, 60),
    seed=st.integers(0, 99),
    noise=st.sampled_from([1e-3, 0.02, 1.0]),
    jolts=st.booleans(),
)
def test_agrees_with_dense_matrices(n, seed, noise, jolts):
    rng = np.random.default_rng(seed)
    places = swaying(n, seed) + rng.normal(0, noise, (n, 3))
    if jolts:
        places[n // 2 :] += 5
    weights = rng.uniform(0.1, 1, n)
    found = _core.steady_path(places, weights, 1e-6, 10.0)
    wanted = oracle.steady_path(places, weights, 1e-6, 10.0)
    np.testing.assert_allclose(found[0], wanted[0], rtol=0, atol=1e-5 * noise)
    np.testing.assert_allclose(found[1:], wanted[1:], rtol=1e-4)


def test_noise_goes_and_its_size_is_found():
    true, rng = swaying(600), np.random.default_rng(3)
    noise = rng.normal(0, 0.01, true.shape)
    path, measured, _ = _core.steady_path(true + noise, np.ones(600), 1e-6, 10.0)
    assert jitter(path - true) < 0.1 * jitter(noise)
    assert np.linalg.norm(path - true) < 0.7 * np.linalg.norm(noise)
    assert np.sqrt(measured) == pytest.approx(0.01, rel=0.1)


def test_without_noise_nothing_changes():
    true = swaying(200)
    path, *_ = _core.steady_path(true, np.ones(200), 1e-6, 10.0)
    assert np.abs(path - true).max() < 1e-4


def test_a_head_that_trembles_more_than_the_noise_is_let_be():
    true, rng = swaying(300), np.random.default_rng(4)
    trembling = true + rng.normal(0, 0.01, true.shape)
    path, measured, _ = _core.steady_path(trembling, np.ones(300), 1e-6, 1e-3)
    assert measured <= 1e-6 * 1.0001
    assert np.abs(path - trembling).max() < 2e-3
    assert np.array_equal(_core.steady_path(trembling, np.ones(300), 1e-6, 0.0)[0], trembling)


def test_a_jolt_is_not_smoothed():
    true, rng = swaying(200), np.random.default_rng(5)
    true[100:104] += np.array([0.7, 1.0, -0.6, 0.3])[:, None]
    path, *_ = _core.steady_path(true + rng.normal(0, 0.01, true.shape), np.ones(200), 1e-6, 10.0)
    assert np.abs(path - true)[98:106].max() < 0.05
    assert jitter((path - true)[:95]) < 0.01


def test_what_has_little_weight_follows_its_neighbours():
    true, rng = swaying(120), np.random.default_rng(6)
    places = true + rng.normal(0, 0.01, true.shape)
    weights = np.ones(120)
    weights[60], weights[80] = 0.0, 1e-3
    places[60] += 100
    places[80] += 0.2
    path, *_ = _core.steady_path(places, weights, 1e-6, 10.0)
    assert np.abs(path - true)[[60, 80]].max() < 0.03


def test_a_few_places_are_left_alone():
    places = np.random.default_rng(0).normal(size=(40, 3))
    weights = np.zeros(40)
    weights[:7] = 1
    assert np.array_equal(_core.steady_path(places, weights, 1e-6, 10.0)[0], places)
    assert len(_core.steady_path(places[:0], weights[:0], 1e-6, 10.0)[0]) == 0


@pytest.mark.parametrize(
    ("places", "weights", "least", "message"),
    [
        (np.zeros((9, 3)), np.full(9, 2.0), 1.0, "weights must be in"),
        (np.full((9, 3), np.nan), np.ones(9), 1.0, "finite, got another at frame 0"),
        (np.zeros((9, 3)), np.ones(9), 0.0, "`least` must be above 0"),
        (np.zeros((9, 3)), np.ones(8), 1.0, "`weights` has the wrong shape"),
    ],
)
def test_mistakes_are_named(places, weights, least, message):
    with pytest.raises(ValueError, match=message):
        _core.steady_path(places, weights, least, 10.0)


def shaken(n_frames: int, size: float) -> tuple[mien.RigidMotion, mien.RigidMotion]:
    """Return a head's path, and the same with noise."""
    rng = np.random.default_rng(8)
    true = mien.RigidMotion(
        Rotation.from_rotvec(0.3 * swaying(n_frames, 1)).as_matrix(), swaying(n_frames, 2)
    )
    turn = Rotation.from_rotvec(rng.normal(0, size, (n_frames, 3))).as_matrix()
    return true, true @ mien.RigidMotion(turn, CENTRE - turn @ CENTRE + rng.normal(0, size, (n_frames, 3)))


def test_heads_are_steadied_and_turn_with_the_world():
    true, noisy = shaken(200, 0.01)
    points = CENTRE + np.random.default_rng(1).normal(size=(20, 3))
    weights = np.ones(200)
    found = steady_path(noisy, CENTRE, 1.0, weights, ALL)
    gaps = [(head.apply(points) - true.apply(points)).reshape(200, -1) for head in (found, noisy)]
    assert jitter(gaps[0]) < 0.25 * jitter(gaps[1])
    assert np.abs(gaps[0]).mean() < 0.7 * np.abs(gaps[1]).mean()

    world = mien.RigidMotion(
        Rotation.from_rotvec([[1.0, -2.0, 0.5]]).as_matrix(), np.array([[30.0, -10.0, 5.0]])
    )
    moved = steady_path(world @ noisy, CENTRE, 1.0, weights, ALL)
    np.testing.assert_allclose(moved.apply(points), (world @ found).apply(points), atol=1e-7)


def test_a_lost_frame_keeps_its_head():
    _, noisy = shaken(60, 1e-3)
    weights = np.ones(60)
    weights[30] = 0
    found = steady_path(noisy, CENTRE, 1.0, weights, ALL)
    assert np.array_equal(found.rotation[30], noisy.rotation[30])
    assert np.array_equal(found.translation[30], noisy.translation[30])
    assert not np.array_equal(found.rotation[29], noisy.rotation[29])


@pytest.mark.parametrize("noise", [0.0, 0.004])
def test_the_noise_of_vertices_tells_that_of_heads(noise):
    """A third of the vertices moves; a head fitted to them all by least squares errs as the noise alone has it."""
    rng = np.random.default_rng(2)
    frames = runs(200)
    points = CENTRE + rng.normal(size=(300, 3))
    true, _ = shaken(200, 0.0)
    local = np.repeat(points[None], 200, axis=0)
    local[:, :100] += 0.2 * swaying(200, 5)[:, None]
    positions = true.apply(local)[frames]

    def solve(given: np.ndarray) -> mien.RigidMotion:
        fit = mien.align_frames(given, points)
        return mien.RigidMotion(fit.rotation, fit.translation)

    positions += rng.normal(0, noise, positions.shape)
    found = head_noise(positions, solve(positions), solve, CENTRE)
    assert found.shift == pytest.approx(noise / np.sqrt(300), rel=0.25, abs=1e-5)
    assert found.turn == pytest.approx(noise / np.sqrt(2 * 300), rel=0.25, abs=1e-5)


def test_runs_are_of_four_frames_within_the_take():
    for n in (0, 3, 4, 5, 8, 97, 1000):
        frames = runs(n).reshape(-1, 4)
        assert np.all(np.diff(frames, axis=1) == 1)
        assert len(frames) == 0 if n < 4 else frames.min() >= 0 and frames.max() < n
        assert len(frames) <= 24
