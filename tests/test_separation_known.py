"""What an artist knows: bone, what to ignore, what is missing. What slips and twists. Where two separations differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mien
from mien.separation.known import known_weights

FRAMES = 48


@pytest.fixture(scope="module")
def acted():
    return mien.datasets.performance(n_frames=FRAMES, fps=30.0, seed=3, noise=0.05)


@pytest.fixture(scope="module")
def face(acted):
    return acted.head.regions["face"] > 0.3


def part(acted, keep):
    """The take of some vertices, as loose points, with its neutral."""
    take = mien.MeshSequence(
        mien.Topology([], [], int(keep.sum())), np.ascontiguousarray(acted.take.positions[:, keep])
    )
    return take, acted.neutral[keep]


def errors(perf, true, points):
    return np.linalg.norm(perf.head.apply(points) - true.apply(points), axis=2) * 10


@pytest.mark.parametrize("method", mien.separation.methods())
def test_teeth_settle_the_head(acted, face, method):
    teeth = acted.head.regions["upper_teeth"] > 0.5
    keep = face | teeth
    take, neutral = part(acted, keep)
    perf = mien.separate(take, neutral, method=method, static=teeth[keep])
    assert errors(perf, acted.head_motion, acted.neutral[face]).mean() < 0.06


def test_without_knowing_the_teeth_least_squares_are_far_off(acted, face):
    teeth = acted.head.regions["upper_teeth"] > 0.5
    take, neutral = part(acted, face | teeth)
    perf = mien.separate(take, neutral, method="procrustes")
    assert errors(perf, acted.head_motion, acted.neutral[face]).mean() > 0.3


@pytest.mark.parametrize("method", mien.separation.methods())
def test_what_is_ignored_does_not_matter(acted, face, method):
    take, neutral = part(acted, face)
    ignore = np.zeros(len(neutral))
    ignore[::3] = 1.0
    positions = take.positions.copy()
    positions[:, ::3] += np.random.default_rng(1).normal(0, 20, positions[:, ::3].shape).astype(np.float32)
    before = mien.separate(take, neutral, method=method, ignore=ignore)
    after = mien.separate(take.with_positions(positions), neutral, method=method, ignore=ignore)
    assert before.compare(after).furthest.max() * 10 < 0.005


@pytest.mark.parametrize("method", mien.separation.methods())
def test_what_is_not_valid_is_missing(acted, face, method):
    take, neutral = part(acted, face)
    rng = np.random.default_rng(2)
    valid = rng.random(take.positions.shape[:2]) > 0.1
    holes = take.positions.copy()
    holes[~valid] = np.nan
    wild = take.positions.copy()
    wild[~valid] = 1e4
    masked = mien.separate(take.with_positions(wild), neutral, method=method, valid=valid)
    missing = mien.separate(take.with_positions(holes), neutral, method=method)
    np.testing.assert_array_equal(masked.head.rotation, missing.head.rotation)
    assert np.isfinite(masked.take.positions).all()  # the take is kept as it came


def test_all_valid_is_no_copy(acted, face):
    take, neutral = part(acted, face)
    perf = mien.separate(take, neutral, valid=np.ones(take.positions.shape[:2], bool))
    assert perf.take is take
    np.testing.assert_array_equal(perf.head.rotation, mien.separate(take, neutral).head.rotation)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"static": np.ones(3)}, ValueError, "static.*shape"),
        ({"static": np.arange(10) < 2}, ValueError, "static.*at least 3"),
        ({"ignore": np.full(10, 2.0)}, ValueError, r"ignore.*\[0, 1\]"),
        ({"ignore": np.ones(10)}, ValueError, "ignore.*at least 3"),
        ({"valid": np.ones((2, 10))}, TypeError, "valid.*booleans"),
        ({"valid": np.ones((3, 10), bool)}, ValueError, r"valid.*\(2, 10\)"),
    ],
)
def test_what_is_refused(rng, options, error, words):
    neutral = rng.normal(size=(10, 3))
    take = mien.MeshSequence(mien.Topology([], [], 10), np.stack([neutral, neutral]))
    with pytest.raises(error, match=words):
        mien.separate(take, neutral, **options)


def test_masks_that_say_nothing_change_nothing():
    assert known_weights(4, None, None, None) is None
    np.testing.assert_array_equal(known_weights(4, None, np.zeros(4), np.zeros(4)), np.ones(4))
    given = np.array([0.5, 1, 0, 1, 1])
    np.testing.assert_array_equal(known_weights(5, given, None, [0, 0, 0, 1, 0]), [0.5, 1, 0, 0, 1])
    given.flags.writeable = False
    assert known_weights(5, given, [1, 1, 0, 1, 1], None)[0] == 0.5


# What slips and twists


def test_a_scalp_that_slides_leaves_the_head():
    """2 mm of scalp, ears and hair-cap over a skull that is seen only as skin."""
    acted = mien.datasets.performance(n_frames=FRAMES, fps=30.0, seed=4, noise=0.05, scalp_slip=2.0)
    skin = acted.head.regions["skin"] > 0.5
    take, neutral = part(acted, skin)
    perf = mien.separate(take, neutral, ignore=(acted.head.regions["scalp"] > 0)[skin])
    points = acted.neutral[acted.head.regions["face"] > 0.3]
    assert errors(perf, acted.head_motion, points).mean() < 0.15


def test_a_take_may_start_in_the_middle_of_an_expression(acted, face):
    take, neutral = part(acted, face)
    moved = np.linalg.norm(acted.head_motion.apply_inverse(take.positions) - neutral, axis=2).mean(axis=1)
    first = int(moved[: FRAMES // 2].argmax())
    assert 10 * moved[first] > 0.5  # millimetres over the whole face: far from rest
    rest = slice(first, FRAMES)
    true = mien.RigidMotion(acted.head_motion.rotation[rest], acted.head_motion.translation[rest])
    assert errors(mien.separate(take[rest], neutral), true, neutral).mean() < 0.1
    # Without a neutral, heads are right up to one constant motion.
    own = mien.separate(take[rest])
    gauge = own.head.inverse() @ true
    apart = np.linalg.norm((gauge.apply(neutral) - gauge.apply(neutral).mean(axis=0)), axis=2)
    assert 10 * apart.mean() < 0.1


def test_a_neck_that_twists_leaves_the_head():
    acted = mien.datasets.performance(n_frames=FRAMES, fps=30.0, seed=5, noise=0.05, neck=True, motion=1.5)
    skin = acted.head.regions["skin"] > 0.5
    take, neutral = part(acted, skin)
    perf = mien.separate(take, neutral)
    points = acted.neutral[acted.head.regions["face"] > 0.3]
    assert errors(perf, acted.head_motion, points).mean() < 0.15


def test_a_camera_that_slips_on_its_helmet_is_head_motion(acted, face):
    """A face does not know whether it or the camera moved: a jump of 3 mm stays out of the expression."""
    take, neutral = part(acted, face)
    jump = np.where(np.arange(FRAMES) < 20, 0.0, 1.0)[:, None]
    slip = mien.RigidMotion(
        Rotation.from_rotvec(jump * np.radians([[1.0, -0.5, 0.7]])).as_matrix(), jump * [[0.2, -0.1, 0.2]]
    )
    before = mien.separate(take, neutral)
    after = mien.separate(take.with_positions(slip.apply(take.positions)), neutral)
    assert np.abs(after.expression - before.expression).max() * 10 < 0.1
    gap = (slip @ acted.head_motion).apply(neutral) - after.head.apply(neutral)
    assert np.linalg.norm(gap, axis=2).mean() * 10 < 0.15


def test_blocks_do_not_matter(acted, face, monkeypatch):
    take, neutral = part(acted, face)
    whole = mien.separate(take, neutral)
    monkeypatch.setattr("mien.separation.jointly._BLOCK", 7)
    parts = mien.separate(take, neutral)
    np.testing.assert_array_equal(parts.head.rotation, whole.head.rotation)
    np.testing.assert_array_equal(parts.confidence, whole.confidence)


def test_confidence_tells_good_frames_from_bad_ones(acted, face):
    """Eight frames in a row of every 24 show half the face, with 0.5 mm of noise: these must stand back."""
    take, neutral = part(acted, face)
    rng = np.random.default_rng(4)
    bad = np.arange(FRAMES) // 8 % 3 == 1
    positions = take.positions.astype(np.float64)
    positions[bad] += rng.normal(0, 0.05, positions[bad].shape)
    positions[np.ix_(bad, neutral[:, 1] > np.median(neutral[:, 1]))] = np.nan
    perf = mien.separate(take.with_positions(positions), neutral)
    error = errors(perf, acted.head_motion, neutral).mean(axis=1)
    assert error[bad].mean() > 2 * error[~bad].mean()
    ranks = [np.argsort(np.argsort(x)) for x in (-perf.confidence, error)]
    assert np.corrcoef(*ranks)[0, 1] > 0.4
    assert np.median(perf.confidence[bad]) < np.quantile(perf.confidence[~bad], 0.2)
    assert error[perf.confidence >= 0.5].max() < 0.6


def test_single_bad_frames_are_steadied_by_their_neighbours(acted, face):
    """Every third frame shows half the face, with 0.5 mm of noise: by itself such a frame is 0.26 mm off."""
    take, neutral = part(acted, face)
    rng = np.random.default_rng(4)
    bad = np.arange(FRAMES) % 3 == 1
    positions = take.positions.astype(np.float64)
    positions[bad] += rng.normal(0, 0.05, positions[bad].shape)
    positions[np.ix_(bad, neutral[:, 1] > np.median(neutral[:, 1]))] = np.nan
    perf = mien.separate(take.with_positions(positions), neutral)
    error = errors(perf, acted.head_motion, neutral).mean(axis=1)
    assert error[bad].mean() < 0.1
    assert error[~bad].mean() < 0.04
    assert np.median(perf.confidence[bad]) < np.quantile(perf.confidence[~bad], 0.2)


# Where two separations differ


def test_a_separation_does_not_differ_from_itself(acted, face):
    take, neutral = part(acted, face)
    perf = mien.separate(take, neutral, method="procrustes")
    same = perf.compare(perf)
    assert len(same) == FRAMES
    assert same.distance.max() == 0
    assert same.angle.max() < 1e-6
    assert same.vertex_distance.shape == (len(neutral),)


def test_a_known_difference_is_shown(acted, face):
    take, neutral = part(acted, face)
    true = mien.Performance(take, acted.head_motion, neutral, np.zeros(FRAMES), np.ones(FRAMES))
    turned = Rotation.from_euler("x", np.where(np.arange(FRAMES) == 30, 2.0, 0.0)[:, None], degrees=True)
    centre = neutral.mean(axis=0)
    nod = mien.RigidMotion(turned.as_matrix(), centre - turned.as_matrix() @ centre)
    shift = mien.RigidMotion(
        np.tile(np.eye(3), (FRAMES, 1, 1)), np.where(np.arange(FRAMES) == 12, 0.5, 0.0)[:, None] * [[1, 0, 0]]
    )
    other = mien.Performance(
        take, acted.head_motion @ nod @ shift, neutral, np.zeros(FRAMES), np.ones(FRAMES)
    )
    seen = other.compare(true)
    np.testing.assert_allclose(seen.rotation[30], [2, 0, 0], atol=1e-9)
    np.testing.assert_allclose(seen.translation[30], 0, atol=1e-9)
    np.testing.assert_allclose(seen.translation[12], [0.5, 0, 0], atol=1e-9)
    np.testing.assert_allclose(seen.distance[12], 0.5)
    assert set(seen.frames(2)) == {12, 30}
    assert seen.furthest[30] == pytest.approx(
        np.radians(2) * np.linalg.norm((neutral - centre)[:, 1:], axis=1).max(), rel=1e-3
    )
    expected = np.linalg.norm(other.head.apply(neutral) - true.head.apply(neutral), axis=2)
    np.testing.assert_allclose(seen.vertex_distance, expected.mean(axis=0))
    np.testing.assert_allclose(seen.distance, expected.mean(axis=1), atol=1e-12)
    assert "frame 12" in repr(seen) or "frame 30" in repr(seen)


def test_other_takes_cannot_be_compared(acted, face):
    take, neutral = part(acted, face)
    perf = mien.separate(take, neutral, method="procrustes")
    with pytest.raises(ValueError, match="frames"):
        perf.compare(perf[:5])
    with pytest.raises(TypeError, match="Performance"):
        perf.compare(3)
    nothing = perf[:0].compare(perf[:0])
    assert len(nothing) == 0
    assert "no frames" in repr(nothing)
