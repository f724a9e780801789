"""Smooth and smooth_frames: noise out with the truth known, blinks and plosives left, kernels, laws, messages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles import smoothing as oracle
from tests.oracles.editing import frame_weights, vertex_weights
from tests.performances import performance, sheet
from tests.test_editing import FRAMES, VERTICES, bits, envelopes, gains, regions

import mien
from mien._kernels import smoothing as kernels
from mien.geometry import smoothing

METHODS = smoothing.SMOOTHERS
PERF = performance()


def noisy(n: int, vertices: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    path = np.sin(np.arange(n)[:, None, None] / 5 + rng.uniform(0, 6, (vertices, 3)))
    path[n // 2 :, 0] += 4.0
    return path + rng.normal(0, 0.05, path.shape)


@pytest.fixture(scope="module")
def acted():
    return mien.datasets.performance(n_frames=90, seed=2, noise=0.1, resolution="shot")


@pytest.mark.parametrize("method", METHODS)
def test_noise_goes_and_blinks_and_plosives_stay(acted, method):
    """On a face with 0.1 mm of scanner noise, of which everything is known; speeds of patches of 20 vertices."""
    truth = acted.expression.astype(np.float64)
    taken = acted.head_motion.apply_inverse(acted.take.positions.astype(np.float64))
    smoothed = mien.smooth_frames(taken, acted.take.topology, method=method)
    before, after = (np.sqrt(np.mean((x - truth) ** 2)) for x in (taken, smoothed))
    assert after <= 0.4 * before, 1 - after / before
    for shape in ("eyeBlinkLeft", "mouthClose"):
        patch = np.argsort(np.abs(acted.head.rig.delta(shape)).max(axis=1))[-20:]
        real, kept = (
            np.linalg.norm(np.diff(x[:, patch].mean(axis=1), axis=0), axis=1) for x in (truth, smoothed)
        )
        peaks = [f for f in range(1, len(real) - 1) if real[f - 1] <= real[f] > real[f + 1]]
        fast = [f for f in peaks if real[f] > 0.05]  # half a millimetre a frame
        assert len(fast) > 1
        assert all(kept[f - 1 : f + 2].max() >= 0.95 * real[f] for f in fast), shape


def test_a_plain_filter_of_that_window_would_lose_them(acted):
    truth = acted.expression[:, :2000].astype(np.float64)
    plain = mien.savitzky_golay(truth, 25, 2)
    speed = [np.linalg.norm(np.diff(x, axis=0), axis=2).max() for x in (truth, plain)]
    assert speed[1] < 0.8 * speed[0]


def test_the_noise_is_measured(acted):
    level = smoothing.measure_noise(acted.take.positions, acted.head_motion, topology=acted.take.topology)
    assert level.alone == pytest.approx(0.01, rel=0.1)  # centimetres
    assert level.pooled < 0.5 * level.alone
    still = smoothing.measure_noise(np.zeros((9, 4, 3)))
    assert still == (0.0, 0.0)
    assert smoothing.measure_noise(np.zeros((3, 4, 3))) == (0.0, 0.0)


@given(st.sampled_from([1, 2, 3, 4, 7, 40]), st.sampled_from([3, 5, 21]), st.integers(0, 9))
@settings(max_examples=20)
def test_kernels_follow_their_slow_twins(n, window, seed):
    frames = noisy(n, 2, seed)
    rows, out = frames.reshape(n, -1), np.empty((n, 6))
    half = window // 2
    plain = mien.savitzky_golay(frames, window, min(2, window - 1)).reshape(n, -1)
    near = np.linspace(1, 0.1, half + 1)
    kernels.bilateral(rows, plain, near, 0.02, out)
    expected = [oracle.bilateral(frames[:, v], plain[:, 3 * v : 3 * v + 3], near, 0.02) for v in range(2)]
    np.testing.assert_allclose(out, np.concatenate(expected, axis=1), atol=1e-12)
    kernels.variational(rows, 30.0, 0.01, 3, plain, out)
    expected = [
        oracle.variational(frames[:, v], 30.0, 0.01, 3, plain[:, 3 * v : 3 * v + 3]) for v in range(2)
    ]
    np.testing.assert_allclose(out, np.concatenate(expected, axis=1), atol=1e-9)
    out[...] = 0
    kernels.put_back(rows, 0.5, smoothing._TOGETHER, out)
    expected = [oracle.put_back(frames[:, v], 0.5, smoothing._TOGETHER) for v in range(2)]
    np.testing.assert_allclose(out, np.concatenate(expected, axis=1), atol=1e-12)


def test_neighbours_and_their_means():
    topology, rest = sheet()
    near = smoothing.Neighbours.of(topology)
    assert near.ends[near.begin[12] : near.begin[13]].tolist() == [1, 11, 13, 23]
    pooled = smoothing._pooled(rest.reshape(1, -1), near).reshape(-1, 3)
    means = np.array(
        [(rest[v] + rest[near.ends[near.begin[v] : near.begin[v + 1]]].sum(0)) for v in range(99)]
    )
    means /= (np.diff(near.begin) + 1)[:, None]
    twice = np.array(
        [(means[v] + means[near.ends[near.begin[v] : near.begin[v + 1]]].sum(0)) for v in range(99)]
    )
    np.testing.assert_allclose(pooled, twice / (np.diff(near.begin) + 1)[:, None], atol=1e-12)


def test_missing_vertices_stay_missing_and_do_not_spoil_others():
    frames = noisy(30, 5)
    gone = np.random.default_rng(1).random(frames.shape[:2]) < 0.2
    gone[:, 4] = True
    holes = np.where(gone[..., None], np.nan, frames)
    for method in METHODS:
        out = mien.smooth_frames(holes, method=method, noise=0.05, window=7)
        assert (np.isnan(out).all(axis=2) == gone).all()
        assert np.nanmax(abs(out - frames)) < 0.5


def test_without_noise_nothing_changes():
    frames = noisy(10, 3)
    for noise in (0, 0.0):
        assert (mien.smooth_frames(frames, noise=noise) == frames).all()
    assert mien.smooth_frames(frames[:2]).shape == (2, 3, 3)


smooths = st.builds(
    mien.Smooth,
    st.sampled_from(METHODS),
    window=st.sampled_from([5, 7, 25]),
    noise=st.sampled_from([None, 0.02, 0.3]),
    region=regions,
    envelope=envelopes,
)


@given(st.lists(st.one_of(smooths, gains), max_size=3), st.sampled_from([1, 3, 7, 1000]))
@settings(max_examples=12)
def test_laws(edits, block):
    whole = mien.recombine(PERF, edits).positions
    assert (bits(mien.recombine(PERF, edits, block_frames=block).positions) == bits(whole)).all()
    reached = np.zeros((FRAMES, VERTICES), bool)
    for edit in edits:
        reached |= (frame_weights(edit, FRAMES)[:, None] * vertex_weights(edit, PERF)) > 0
    assert (bits(whole) == bits(PERF.take.positions))[~reached].all()


@pytest.mark.parametrize("method", ["savgol", "bilateral"])
def test_it_is_what_smooth_frames_gives_inside_and_a_region_changes_no_bit_there(method):
    n = 65  # one frame more than two groups: its window begins far before it
    perf = performance(n_frames=n, dtype=np.float64)
    noise = np.random.default_rng(2).normal(0, 0.01, (n, 99, 3))
    perf = dataclasses.replace(perf, take=perf.take.with_positions(perf.take.positions + noise))
    whole = mien.recombine(perf, [mien.Smooth(method, noise=0.01)]).positions
    expected = mien.smooth_frames(perf.expression, perf.take.topology, method=method, noise=0.01)
    np.testing.assert_allclose(whole, perf.head.apply(expected), atol=1e-10)
    region = np.zeros(99)
    region[30:40] = 1
    part = mien.recombine(perf, [mien.Smooth(method, noise=0.01, region=region)]).positions
    assert (bits(part)[:, 30:40] == bits(whole)[:, 30:40]).all()
    assert (bits(part)[:, 40:] == bits(perf.take.positions)[:, 40:]).all()


def test_files(tmp_path):
    edits = mien.EditList([mien.Smooth("variational", window=9, noise=0.02), mien.Smooth()])
    edits.save(tmp_path / "fix.json", PERF)
    one, two = mien.EditList.load(tmp_path / "fix.json", PERF)
    assert (one.method, one.window, one.noise, two.method, two.window, two.noise) == (
        ("variational", 9, 0.02, "savgol", 25, None)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "median"}, "'savgol', 'bilateral', 'variational', got 'median'"),
        ({"window": 8}, "`window` must be an odd number of frames, got 8"),
        ({"window": 3}, "`window` must be at least 5"),
        ({"noise": -1.0}, "`noise` must be at least 0"),
    ],
)
def test_messages(arguments, message):
    with pytest.raises(ValueError, match=message):
        mien.Smooth(**arguments)
    with pytest.raises(ValueError, match=message):
        mien.smooth_frames(noisy(9, 2), **arguments)
