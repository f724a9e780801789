"""The laws users buy, on the built-in face with everything that a scanner does to a take."""

from __future__ import annotations

import numpy as np
import pytest

import mien
from mien.geometry.temporal import speed_statistics


@pytest.fixture(scope="module", params=["clean", "spoilt"])
def acted(request):
    spoilt = {"noise": 0.1, "scalp_slip": 2.0, "outliers": 0.02, "missing": 0.1, "neck": True}
    return mien.datasets.performance(n_frames=120, seed=21, **(spoilt if request.param == "spoilt" else {}))


@pytest.fixture(scope="module")
def perf(acted):
    return mien.separate(acted.take, neutral=acted.neutral)


def edits_for(acted, perf) -> mien.EditList:
    marks = acted.head.landmarks
    corners = [marks["mouth_corner_left"], marks["mouth_corner_right"]]
    mouth = mien.region(acted.take.topology, perf.neutral, seeds=corners, radius=4.0)
    return mien.EditList(
        [
            mien.Gain(0.2, region=mouth, envelope=mien.envelope(120, start=10, peak=30, end=50)),
            mien.Paste(source_frames=(0, 40), at=60, region=mouth, blend=15),
        ]
    )


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == b.tobytes()


def test_1_no_op(acted, perf):
    assert same_bits(mien.recombine(perf).positions, acted.take.positions)
    assert same_bits(mien.recombine(perf, mien.EditList([])).positions, acted.take.positions)


def test_2_locality_and_3_the_head_is_sacred(acted, perf):
    before = perf.head.rotation.copy(), perf.head.translation.copy()
    edits = edits_for(acted, perf)
    result, take = mien.recombine(perf, edits).positions, acted.take.positions
    outside = np.setdiff1d(np.arange(120), [*range(11, 50), *range(60, 100)])
    assert same_bits(result[outside], take[outside])
    untouched = edits[0].region == 0
    assert same_bits(result[:, untouched], take[:, untouched])
    assert same_bits(result[:, acted.skull], take[:, acted.skull])
    assert not same_bits(result, take)
    assert (perf.head.rotation == before[0]).all()
    assert (perf.head.translation == before[1]).all()


@pytest.mark.parametrize("known", [True, False], ids=["neutral given", "neutral estimated"])
def test_4_the_world_does_not_matter(known):
    acted = mien.datasets.performance(n_frames=40, seed=22, noise=0.05)
    # In float64, so that what is compared is the method and not the rounding of a take moved two metres away.
    take = acted.take.with_positions(acted.take.positions.astype(np.float64))
    turn = mien.RigidMotion.from_quaternions([[0.5, -0.1, 0.8, 0.2]], [[90.0, -40.0, 180.0]])
    world = mien.RigidMotion(np.tile(turn.rotation, (40, 1, 1)), np.tile(turn.translation, (40, 1)))
    moved = take.with_positions(world.apply(take.positions))
    neutral = acted.neutral if known else None
    one, two = mien.separate(take, neutral=neutral), mien.separate(moved, neutral=neutral)
    assert np.abs(two.expression - one.expression).max() < 1e-6
    expected = turn @ one.head
    assert np.abs(two.head.rotation - expected.rotation).max() < 1e-7
    assert np.abs(two.head.translation - expected.translation).max() < 1e-5


def test_5_a_sculpt_is_met_at_its_frame():
    acted = mien.datasets.performance(n_frames=60, seed=23)
    perf = mien.separate(acted.take, neutral=acted.neutral)
    target = acted.take.positions[30].astype(np.float64)
    target[acted.head.landmarks["chin"]] += [0.0, -0.5, 0.3]
    result = mien.recombine(perf, mien.EditList([mien.Sculpt(30, target)]))
    assert np.abs(result.positions[30] - target).max() < 1e-5


def test_7_smooth_joins():
    acted = mien.datasets.performance(n_frames=120, seed=21)
    perf = mien.separate(acted.take, neutral=acted.neutral)
    own = speed_statistics(acted.take.positions).jump_p99
    jumps = speed_statistics(mien.recombine(perf, edits_for(acted, perf)).positions).jump
    joins = [8, 9, 10, 48, 49, 50, 58, 59, 60, 98, 99, 100]  # jump[i] is the one at frame i + 1
    assert jumps[np.array(joins) - 1].max() <= 1.05 * own


@pytest.mark.parametrize("suffix", [".npz", ".abc", ".pc2", ".mdd"])
def test_8_nothing_lost(tmp_path, suffix):
    take = mien.datasets.performance(n_frames=12, seed=24).take
    report = mien.write(tmp_path / f"take{suffix}", take)
    back = mien.read(
        tmp_path / f"take{suffix}", topology=take.topology if suffix in (".pc2", ".mdd") else None
    )
    assert same_bits(np.ascontiguousarray(back.positions), take.positions)
    assert back.topology == take.topology
    for field in ("fps", "start_frame", "metres_per_unit", "up_axis", "name"):
        kept = getattr(back, field) == getattr(take, field)
        assert kept or any(sentence.startswith(field) for sentence in report.not_kept), field
