"""A changed neutral, and composing by gradients: laws, independence of the head, files, messages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tests.performances import performance

import mien


@pytest.fixture(scope="module")
def perf() -> mien.Performance:
    return performance(dtype=np.float64)


@pytest.fixture(scope="module")
def bump(perf) -> np.ndarray:
    return mien.region(perf.take.topology, perf.neutral, [50], radius=6.0)


def expression(perf, positions=None):
    return perf.head.apply_inverse(perf.take.positions if positions is None else positions)


def sculpted(perf, bump, frame=20):
    shape = perf.take.positions[frame].copy()
    shape += bump[:, None] * [0, 0, 1.0] @ perf.head.rotation[frame].T
    return shape


def with_other_head(perf):
    """The same take, with heads that are wrong by some degrees and centimetres."""
    rng = np.random.default_rng(0)
    n = len(perf)
    wrong = mien.RigidMotion(
        Rotation.from_rotvec(rng.normal(0, 0.1, (n, 3))).as_matrix(), rng.normal(0, 1, (n, 3))
    )
    return mien.Performance(perf.take, perf.head @ wrong, perf.neutral, perf.residual, perf.confidence)


# Neutral


def test_sizes_scale_and_turns_turn(perf) -> None:
    result = mien.recombine(perf, [mien.Neutral(1.2 * perf.neutral)]).positions
    np.testing.assert_allclose(expression(perf, result), 1.2 * expression(perf), atol=1e-9)


def test_the_same_neutral_changes_no_bit(perf) -> None:
    for edit in (mien.Neutral(perf.neutral), mien.Neutral(perf.neutral + 1e-9)):
        assert np.array_equal(mien.recombine(perf, [edit]).positions, perf.take.positions)


def test_an_actor_at_rest_becomes_the_new_neutral(perf, bump) -> None:
    resting = mien.Performance(
        perf.take.with_positions(perf.head.apply(np.tile(perf.neutral, (len(perf), 1, 1)))),
        perf.head,
        perf.neutral,
        perf.residual,
        perf.confidence,
    )
    other = perf.neutral + bump[:, None] * [0.3, -0.2, 1.5]
    got = expression(perf, mien.recombine(resting, [mien.Neutral(other)]).positions)
    np.testing.assert_allclose(got, np.broadcast_to(other, got.shape), atol=1e-4)


def test_what_both_neutrals_share_keeps_its_bits_and_anchors_the_rest(perf, bump) -> None:
    other = perf.neutral + bump[:, None] * [0, 0, 1.5]
    result = mien.recombine(perf, [mien.Neutral(other)]).positions
    assert np.array_equal(result[:, bump == 0], perf.take.positions[:, bump == 0])
    change = np.linalg.norm(result - perf.take.positions, axis=2)
    assert change[:, bump > 0.5].min() > 0.5
    # No step at the edge of what changed.
    assert change[:, (bump > 0) & (bump < 0.02)].max() < 0.2


def test_region_and_envelope_limit_it(perf, bump) -> None:
    times = mien.envelope(len(perf), 5, 12, 30)
    result = mien.recombine(perf, [mien.Neutral(1.1 * perf.neutral, region=bump, envelope=times)]).positions
    same = perf.take.positions
    assert np.array_equal(result[times == 0], same[times == 0])
    assert np.array_equal(result[:, bump == 0], same[:, bump == 0])
    assert not np.array_equal(result[12], same[12])


@pytest.mark.parametrize("align", ["rigid", "similarity"])
def test_another_actor_is_aligned_first(perf, align) -> None:
    turn = Rotation.from_rotvec([0.3, -0.8, 0.2]).as_matrix()
    size = 1.0 if align == "rigid" else 10.0
    there = size * perf.neutral @ turn.T + [30, -5, 2]
    result = mien.recombine(perf, [mien.Neutral(there, align=align)]).positions
    np.testing.assert_allclose(result, perf.take.positions, atol=1e-6)


def test_the_head_and_the_block_size_do_not_matter(perf, bump) -> None:
    other = perf.neutral + bump[:, None] * [0, 0, 1.5]
    edits = [mien.Neutral(other)]
    whole = mien.recombine(perf, edits).positions
    for block in (1, 3, 17):
        assert np.array_equal(mien.recombine(perf, edits, block_frames=block).positions, whole)
    np.testing.assert_allclose(mien.recombine(with_other_head(perf), edits).positions, whole, atol=1e-10)


def test_neutral_says_what_is_wrong(perf) -> None:
    with pytest.raises(ValueError, match=r"edits\[0\] \(neutral\): `neutral` must have shape"):
        mien.recombine(perf, [mien.Neutral(perf.neutral[:-1])])
    with pytest.raises(ValueError, match="`align` must be"):
        mien.Neutral(perf.neutral, align="about")
    with pytest.raises(ValueError, match="`neutral`"):
        mien.Neutral(np.where(np.arange(len(perf.neutral))[:, None] == 3, np.nan, perf.neutral))
    with pytest.raises(
        ValueError, match=r"`take` must be finite for gradients, got .* at frame \d+, vertex \d+"
    ):
        mien.recombine(performance(dtype=np.float64, missing=0.01), [mien.Neutral(1.1 * perf.neutral)])


# Sculpt by gradients


def test_a_sculpt_is_met_at_its_frame_and_stays_in_its_region(perf, bump) -> None:
    shape = sculpted(perf, bump)
    for region in (None, (bump > 0.3).astype(float)):
        edit = mien.Sculpt(20, shape, region=region, compose="gradients")
        result = mien.recombine(perf, [edit]).positions
        weights = np.ones(len(bump)) if region is None else region
        want = perf.take.positions[20] + weights[:, None] * (shape - perf.take.positions[20])
        np.testing.assert_allclose(result[20], want, atol=1e-4)
        outside = (bump == 0) | (weights == 0)
        assert np.array_equal(result[:, outside], perf.take.positions[:, outside])
        assert np.array_equal(result[[0, 11, 29, 39]], perf.take.positions[[0, 11, 29, 39]])


def test_gradients_never_need_the_head_and_displacements_do(perf, bump) -> None:
    shape, other = sculpted(perf, bump), with_other_head(perf)
    for compose, least, most in (("gradients", 0.0, 1e-10), ("head", 0.05, np.inf)):
        edits = [mien.Sculpt(20, shape, compose=compose)]
        apart = mien.recombine(perf, edits).positions - mien.recombine(other, edits).positions
        assert least <= np.abs(apart).max() <= most


def test_a_sculpted_detail_turns_with_the_skin_under_it(perf, bump) -> None:
    """The face turns as a whole in its own head space: displacements stay behind, gradients follow."""
    turn = Rotation.from_rotvec([0, 0.7, 0]).as_matrix()
    positions = np.tile(perf.neutral, (3, 1, 1))
    positions[2] = positions[2] @ turn.T
    still = mien.RigidMotion(np.tile(np.eye(3), (3, 1, 1)), np.zeros((3, 3)))
    take = mien.MeshSequence(perf.take.topology, positions, fps=24.0, start_frame=1)
    acted = mien.Performance(take, still, perf.neutral, np.zeros(3), np.ones(3))
    shape = perf.neutral + bump[:, None] * [0, 0, 1.0]
    result = {
        compose: mien.recombine(
            acted, [mien.Sculpt(1, shape, envelope=np.ones(3), compose=compose)]
        ).positions[2]
        for compose in ("head", "gradients")
    }
    assert np.abs(result["gradients"] - shape @ turn.T).max() < 1e-4
    assert np.abs(result["head"] - shape @ turn.T).max() > 0.3


# Paste by gradients


def test_a_paste_over_itself_changes_nothing_and_others_never_need_the_head(perf, bump) -> None:
    itself = mien.Paste(source_frames=(5, 30), at=5, region=bump, compose="gradients")
    np.testing.assert_allclose(mien.recombine(perf, [itself]).positions, perf.take.positions, atol=1e-9)
    edits = [mien.Paste(source_frames=(2, 20), at=20, region=bump, blend=4, compose="gradients")]
    result, same = mien.recombine(perf, edits).positions, perf.take.positions
    assert np.abs(result - same).max() > 0.1
    assert np.array_equal(result[:, bump == 0], same[:, bump == 0])
    assert np.array_equal(result[:20], same[:20])
    np.testing.assert_allclose(mien.recombine(with_other_head(perf), edits).positions, result, atol=1e-8)
    assert np.array_equal(mien.recombine(perf, edits, block_frames=5).positions, result)


def test_pasted_expressions_are_the_true_ones_where_the_rest_is_still(perf) -> None:
    """Truth: an expression inside the region alone, under another head and on another actor of another pose."""
    inside = mien.region(perf.take.topology, perf.neutral, [50], radius=6.0)
    hold = mien.region(perf.take.topology, perf.neutral, [50], radius=9.0, hold=6.0)
    n = len(perf)
    acting = np.sin(np.arange(n) / 5)[:, None, None] * inside[:, None] * [0.2, 0.3, 1.0]

    def take_of(expression, head):
        take = perf.take.with_positions(head.apply(expression))
        return mien.Performance(take, head, perf.neutral, perf.residual, perf.confidence)

    still = take_of(np.tile(perf.neutral, (n, 1, 1)), perf.head)
    donor = with_other_head(take_of(perf.neutral + acting, perf.head[::-1]))
    edit = mien.Paste(donor, source_frames=(0, n), at=0, region=hold, blend=0, compose="gradients")
    want = perf.head.apply(perf.neutral + acting)
    assert np.abs(mien.recombine(still, [edit]).positions - want).max() < 1e-6


def test_paste_says_what_gradients_need(perf) -> None:
    with pytest.raises(
        ValueError, match=r"edits\[0\] \(paste\): `region` must leave a part of the face alone"
    ):
        mien.recombine(perf, [mien.Paste(source_frames=(0, 20), at=20, compose="gradients")])
    with pytest.raises(ValueError, match="`compose` must be 'head' where times are aligned"):
        mien.Paste(source_frames=(0, 20), at=10, length=30, align="linear", compose="gradients")


def test_files_keep_both(perf, bump, tmp_path) -> None:
    edits = mien.EditList(
        [
            mien.Neutral(
                perf.neutral + 0.1, region=bump, envelope=mien.envelope(40, 2, 9, 20), align="rigid"
            ),
            mien.Sculpt(20, sculpted(perf, bump), compose="gradients"),
            mien.Paste(source_frames=(0, 20), at=20, region=bump, compose="gradients"),
        ]
    )
    edits.save(tmp_path / "fix.json", perf)
    again = mien.EditList.load(tmp_path / "fix.json", perf)
    assert [type(edit).__name__ for edit in again] == ["Neutral", "Sculpt", "Paste"]
    assert [edit.compose for edit in again[1:]] == ["gradients", "gradients"]
    assert np.array_equal(mien.recombine(perf, again).positions, mien.recombine(perf, edits).positions)
    with pytest.raises(ValueError, match="`compose` must be"):
        mien.Sculpt(0, perf.neutral, compose="both")
