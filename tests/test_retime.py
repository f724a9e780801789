"""Retime: what happens when, the head's own time, joins, messages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from tests.performances import performance

import mien
from mien.geometry.temporal import speed_statistics

PERF = performance(n_frames=60, dtype=np.float64)


def test_an_expression_happens_later_under_the_head_as_acted():
    edit = mien.Retime([(10, 10), (30, 25), (50, 50)])
    result = mien.recombine(PERF, [edit]).positions
    expected = PERF.head[30].apply(PERF.expression[25])[0]
    np.testing.assert_allclose(result[30], expected, atol=1e-11)
    for outside in (slice(0, 11), slice(50, 60)):
        assert (result[outside].view(np.uint64) == PERF.take.positions[outside].view(np.uint64)).all()


def test_own_time_changes_no_bit():
    same = mien.recombine(PERF, [mien.Retime([(5, 5), (20, 20), (40, 40)])]).positions
    assert (same.view(np.uint64) == PERF.take.positions.view(np.uint64)).all()


def test_times_rise_and_are_smooth():
    edit = mien.Retime([(0, 0), (20, 8), (30, 26), (59, 59)])
    times = edit.times()
    assert (np.diff(times) > 0).all()
    assert times[[0, 20, 30, 59]].tolist() == [0, 8, 26, 59]
    inner = PchipInterpolator([0, 20, 30, 59], [0, 8, 26, 59])(np.arange(20, 31))
    np.testing.assert_allclose(times[20:31], inner, atol=1e-9)
    assert np.diff(times)[0] == pytest.approx(1, abs=0.1)
    assert np.diff(times)[-1] == pytest.approx(1, abs=0.1)


def test_between_frames_the_expression_runs_smoothly():
    acted = mien.datasets.performance(n_frames=90, seed=4)
    perf = mien.Performance(acted.take, acted.head_motion, acted.neutral, np.zeros(90), np.ones(90))
    edit = mien.Retime([(10, 10), (45, 41.5), (80, 80)])
    jumps = speed_statistics(mien.recombine(perf, [edit]).positions).jump
    own = speed_statistics(acted.take.positions).jump_p99
    assert jumps[[9, 10, 78, 79]].max() <= 1.05 * own


def test_edits_before_are_seen():
    result = mien.recombine(PERF, [mien.Gain(0.0), mien.Retime([(10, 10), (30, 25), (50, 50)])]).positions
    still = PERF.head.apply(np.tile(PERF.neutral, (60, 1, 1)))
    np.testing.assert_allclose(result, still, atol=1e-10)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([(1, 1)], "at least 2 pairs"),
        ([(0, 0), (0, 5), (9, 9)], "must rise in both columns"),
        ([(0, 0), (4, 6), (6, 5), (9, 9)], "must rise in both columns"),
        ([(0, 1), (9, 9)], "begin and end with a frame that is its own source"),
        ([(0.5, 0.5), (9, 9)], "whole numbers from 0 on"),
        ([(0, 0, 0), (9, 9, 9)], r"must have shape \(K, 2\)"),
    ],
)
def test_messages(keys, message):
    with pytest.raises(ValueError, match=message):
        mien.Retime(keys)


def test_keys_lie_in_the_take():
    with pytest.raises(
        ValueError, match=r"edits\[0\] \(retime\): `keys` must end in the take, at most at 59"
    ):
        mien.recombine(PERF, [mien.Retime([(10, 10), (60, 60)])])
