"""similar_expressions and envelopes by likeness: known repeats, other heads and takes, joins, files, messages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.performances import performance
from tests.test_blend import OTHER, REST, line
from tests.test_edit_list import plain
from tests.test_editing import DONOR, other_topology

import mien
from mien.editing import SimilarRecipe
from mien.geometry.temporal import speed_statistics

# One line three times over, under a head that goes on moving.
AGAIN = line(np.tile(np.arange(40.0), 3), 5)


def test_repeats_are_found():
    weights = mien.similar_expressions(AGAIN, 8, 0.3, ease=0)
    assert weights.shape == (120,)
    assert (weights[[8, 48, 88]] > 1 - 1e-12).all()
    assert weights[8] == 1
    apart = np.linalg.norm(AGAIN.expression - AGAIN.expression[8], axis=2)
    distance = np.sqrt((apart**2).mean(axis=1))
    assert ((weights > 0) == (distance < 0.3)).all()
    assert (np.diff(weights[np.argsort(distance)]) <= 1e-12).all()
    wider = mien.similar_expressions(AGAIN, 8, 0.6, ease=0)
    assert (wider >= weights - 1e-12).all()
    assert (wider > weights).any()


def test_only_the_region_counts():
    region = np.zeros(99)
    region[20] = 1
    weights = mien.similar_expressions(AGAIN, 35, 0.1, region=region, ease=0)
    assert (weights[[0, 25, 60]] > 0.9).all()  # at rest there, whatever the rest of the face does
    assert weights[8] == 0


def test_the_frame_may_be_of_another_take():
    weights = mien.similar_expressions(AGAIN, 7, 0.3, source=OTHER)
    assert set(np.flatnonzero(weights > 0.5) % 40) <= set(range(2, 15))
    assert weights.max() > 0.5
    gauge = mien.RigidMotion.from_quaternions([[0.3, 0.1, -0.2, 0.9]], [[5.0, 1.0, -4.0]])
    turned = mien.Performance(
        OTHER.take, OTHER.head @ gauge.inverse(), gauge.apply(REST)[0], OTHER.residual, OTHER.confidence
    )
    np.testing.assert_allclose(mien.similar_expressions(AGAIN, 7, 0.3, source=turned), weights, atol=1e-6)


def test_missing_vertices_do_not_count():
    positions = AGAIN.take.positions.copy()
    positions[48, 3:9] = np.nan
    positions[60] = np.nan
    perf = dataclasses.replace(AGAIN, take=AGAIN.take.with_positions(positions))
    weights = mien.similar_expressions(perf, 8, 0.3, ease=0)
    assert weights[48] > 1 - 1e-12
    assert weights[60] == 0


def test_one_correction_mends_every_such_expression():
    shape = AGAIN.take.positions[8].copy()
    shape[20:24] += AGAIN.head.rotation[8] @ [0.2, 0.3, 0.1]
    envelope = SimilarRecipe(8, 0.3)
    result = mien.recombine(AGAIN, [mien.Sculpt(8, shape, envelope=envelope)]).positions
    np.testing.assert_allclose(result[8], shape, atol=1e-10)
    mended = AGAIN.head.apply_inverse(result) - AGAIN.expression
    np.testing.assert_allclose(mended[[48, 88], 20], [[0.2, 0.3, 0.1]] * 2, atol=1e-9)
    untouched = mien.similar_expressions(AGAIN, 8, 0.3) == 0
    assert untouched.any()
    eased = mien.similar_expressions(AGAIN, 8, 0.3)
    assert (
        np.abs(np.diff(eased)).max() < np.abs(np.diff(mien.similar_expressions(AGAIN, 8, 0.3, ease=0))).max()
    )
    assert (result[untouched] == AGAIN.take.positions[untouched]).all()
    weights = mien.similar_expressions(AGAIN, 8, 0.3)
    same = mien.recombine(AGAIN, [mien.Sculpt(8, shape, envelope=weights)]).positions
    assert (same == result).all()


def test_joins_add_no_jump():
    acted = mien.datasets.performance(n_frames=160, seed=21)
    perf = mien.Performance(acted.take, acted.head_motion, acted.neutral, np.zeros(160), np.ones(160))
    before = speed_statistics(acted.take.positions)
    allowed = 1.05 * np.maximum(before.jump, before.jump_p99)  # a blink may jump more, and did
    envelope = SimilarRecipe(80, 0.12)
    weights = mien.similar_expressions(perf, 80, 0.12)
    ends = np.flatnonzero(np.diff((weights > 0).astype(int)))
    jumps = speed_statistics(mien.recombine(perf, [mien.Gain(0.7, envelope=envelope)]).positions).jump
    assert len(ends)
    for end in ends:
        around = slice(max(end - 2, 0), end + 2)
        assert (jumps[around] <= allowed[around]).all()


@pytest.mark.parametrize("with_take", [True, False])
def test_files(tmp_path, with_take):
    perf = performance()
    edits = mien.EditList(
        [
            mien.Gain(0.4, envelope=SimilarRecipe(12, 0.5)),
            mien.Gain(0.4, envelope=SimilarRecipe(3, 5.0, DONOR), region=np.ones(99)),
        ]
    )
    take = perf if with_take else None
    edits.save(tmp_path / "edits.json", take)
    text = (tmp_path / "edits.json").read_text()
    assert f'{{"similar_to": {1013 if with_take else 12}, "radius": 0.5}}' in text
    again = mien.EditList.load(tmp_path / "edits.json", take, sources={"donor": DONOR})
    for one, two in zip(edits, again, strict=True):
        assert plain(one).keys() == plain(two).keys()
        a, b = one.envelope, two.envelope
        assert (a.frame, a.radius, a.source) == (b.frame, b.radius, b.source)
    result = mien.recombine(perf, edits).positions
    assert (mien.recombine(perf, again).positions == result).all()


def test_messages():
    perf = performance()
    with pytest.raises(ValueError, match="`radius` must be above 0"):
        SimilarRecipe(3, 0.0)
    with pytest.raises(ValueError, match=r"edits\[0\] \(gain\): `frame` must be .*below 40, got 50"):
        mien.recombine(perf, [mien.Gain(0.4, envelope=SimilarRecipe(50, 1.0))])
    with pytest.raises(
        ValueError, match=r"edits\[0\] \(gain\): `envelope` must find a frame like 3 within 1e-06"
    ):
        mien.recombine(perf, [mien.Gain(0.4, envelope=SimilarRecipe(3, 1e-6, DONOR))])
    with pytest.raises(ValueError, match="topology of the performance"):
        mien.similar_expressions(perf, 3, 1.0, source=other_topology())
    gone = perf.take.positions.copy()
    gone[3] = np.nan
    with pytest.raises(ValueError, match="`frame` must have a vertex of the region that is there, got 3"):
        mien.similar_expressions(dataclasses.replace(perf, take=perf.take.with_positions(gone)), 3, 1.0)
    with pytest.raises(TypeError, match="a Performance"):
        mien.similar_expressions(perf.take, 3, 1.0)
