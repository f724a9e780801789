"""What the report shows of a separation: the right faces, numbers and frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import mien
from mien.report import head_removed
from mien.report.sheet import Stage

pytest.importorskip("matplotlib", reason="pictures with words need the extra `report`")


@pytest.fixture(scope="module")
def perf() -> mien.Performance:
    """A face that turns and speaks for 24 frames, its head known."""
    made = mien.datasets.performance(mien.datasets.head("preview"), n_frames=24, seed=3)
    return mien.Performance(
        made.take, made.head_motion, made.neutral, np.linspace(0, 0.02, 24), np.linspace(1, 0.2, 24)
    )


def still(perf: mien.Performance) -> mien.Performance:
    """Make a performance of the same head whose face stays at rest."""
    rest = perf.head.apply(np.broadcast_to(perf.neutral, perf.take.positions.shape))
    return dataclasses.replace(
        perf, take=perf.take.with_positions(rest.astype(perf.take.positions.dtype)), neutral=perf.neutral
    )


def test_a_face_at_rest_looks_the_same_in_every_frame_once_its_head_is_removed(perf, tmp_path):
    image = head_removed(still(perf), frames=[0, 12, 23], path=tmp_path / "strip.png")
    assert (tmp_path / "strip.png").is_file()
    width, height = 270, 320
    cells = [image[160 : 160 + height, 28 + c * width : 28 + (c + 1) * width].astype(int) for c in range(6)]
    captured, removed = cells[0::2], cells[1::2]
    for other in removed[1:]:
        assert np.mean(np.abs(other - removed[0]).max(-1) > 12) < 0.002
    assert np.mean(np.abs(captured[2] - captured[0]).max(-1) > 12) > 0.02


def test_the_stage_is_the_same_however_head_space_lies(perf):
    other = mien.RigidMotion.from_quaternions([[0.3, -0.2, 0.4, 0.8]], [[4.0, 5.0, -6.0]])
    turned = dataclasses.replace(
        perf,
        head=perf.head @ other.inverse(),
        neutral=other.apply(perf.neutral.astype(np.float64))[0],
    )
    one = Stage.of(perf, (60, 80)).drawn(perf, np.asarray(perf.neutral)[None])
    two = Stage.of(turned, (60, 80)).drawn(turned, np.asarray(turned.neutral)[None])
    assert np.mean(np.abs(one.astype(int) - two).max(-1) > 8) < 0.01


def test_frames_that_are_not_there_are_named(perf):
    with pytest.raises(ValueError, match="`frames` must lie in 0 to 23, got 0 to 24"):
        head_removed(perf, frames=[0, 24])
