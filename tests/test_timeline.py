"""Insert and Remove: frames that stay keep their bits, joins, the head, later edits, files, messages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import performances
from tests.performances import performance
from tests.test_edit_list import plain
from tests.test_editing import DONOR, FRAMES, REST, VERTICES, gains, other_topology, pastes

import mien
from mien.editing import EnvelopeRecipe
from mien.geometry.temporal import speed_statistics

PERF = performance()
EXACT = performance(dtype=np.float64)
MISSING = performance(missing=0.05)


def bits(positions: np.ndarray) -> np.ndarray:
    return positions.view(np.uint32 if positions.dtype == np.float32 else np.uint64)


@st.composite
def inserts(draw, n_frames: int = 25):
    source = draw(st.sampled_from([None, DONOR]))
    length = draw(st.integers(1, n_frames))
    first = draw(st.integers(0, n_frames - length))
    return mien.Insert(
        source,
        source_frames=(first, first + length),
        at=draw(st.integers(1, 24)),
        head=draw(st.sampled_from(["continue", "pause", "donor"])),
        blend=draw(st.integers(0, min(5, length // 2))),
    )


@st.composite
def removes(draw):
    start = draw(st.integers(1, 22))
    return mien.Remove(start, draw(st.integers(start + 1, 24)), blend=draw(st.integers(0, 9)))


@given(st.sampled_from([PERF, EXACT, MISSING]), inserts())
def test_frames_that_were_there_keep_their_bits(perf, edit):
    result = mien.recombine(perf, [edit]).positions
    assert result.shape == (FRAMES + edit.added_frames, VERTICES, 3)
    assert result.dtype == perf.take.positions.dtype
    kept = np.concatenate([result[: edit.at], result[edit.at + edit.added_frames :]])
    assert (bits(kept) == bits(perf.take.positions)).all()
    assert np.isfinite(result).all() or perf is MISSING


@given(st.sampled_from([PERF, EXACT, MISSING]), removes())
def test_only_the_first_frames_after_a_cut_change(perf, edit):
    result = mien.recombine(perf, [edit]).positions
    assert len(result) == FRAMES + edit.added_frames
    assert (bits(result[: edit.start]) == bits(perf.take.positions[: edit.start])).all()
    after = edit.start + edit.blend
    assert (bits(result[after:]) == bits(perf.take.positions[edit.stop + edit.blend :])).all()


@given(
    st.lists(
        st.one_of(inserts(), gains.filter(lambda g: not isinstance(g.envelope, np.ndarray))), max_size=3
    ),
    st.sampled_from([1, 3, 7]),
)
def test_the_block_size_does_not_matter_and_undo_is_exact(edits, block):
    whole = mien.recombine(PERF, edits).positions
    assert (bits(mien.recombine(PERF, edits, block_frames=block).positions) == bits(whole)).all()
    mien.recombine(PERF, [*edits, mien.Remove(3, 5)])
    assert (bits(mien.recombine(PERF, edits).positions) == bits(whole)).all()


def test_the_new_frames_hold_the_donors_expression_on_this_face():
    donor = performance(n_frames=25, seed=31, dtype=np.float64, gauge=GAUGE)
    edit = mien.Insert(donor, source_frames=(2, 22), at=15, blend=4)
    laid_out = edit.lay_out(EXACT)
    truth = performances.expressions(REST, 25, 31)[2:22]
    np.testing.assert_allclose(laid_out.expression[15 + 4 : 35 - 4], truth[4:-4], atol=1e-8)
    assert (mien.recombine(EXACT, [edit]).positions == laid_out.take.positions).all()
    assert len(laid_out.head) == len(laid_out.residual) == len(laid_out.confidence) == FRAMES + 20


GAUGE = mien.RigidMotion.from_quaternions([[0.3, 0.1, -0.2, 0.9]], [[5.0, 1.0, -4.0]])


def test_a_pause_comes_to_rest_and_a_donor_moves_as_it_did():
    hold = mien.Insert(source_frames=(0, 40), at=20, head="pause", blend=5).lay_out(EXACT)
    speed = np.linalg.norm(np.diff(hold.head.translation[20:60], axis=0), axis=1)
    own = np.linalg.norm(np.diff(EXACT.head.translation, axis=0), axis=1)
    assert speed[12:28].max() < own.mean()  # only the drift from where it stops to where it starts again
    donor = mien.Insert(DONOR, source_frames=(0, 25), at=20, head="donor", blend=3).lay_out(EXACT)
    start = donor.head[20].inverse() @ donor.head[21]
    there = DONOR.head[0].inverse() @ DONOR.head[1]
    np.testing.assert_allclose(start.rotation, there.rotation, atol=5e-3)


@pytest.mark.parametrize("head", ["continue", "pause", "donor"])
def test_joins_add_no_jump(head):
    acted = mien.datasets.performance(n_frames=160, seed=21)
    perf = mien.Performance(acted.take, acted.head_motion, acted.neutral, np.zeros(160), np.ones(160))
    own = speed_statistics(acted.take.positions).jump_p99
    insert = mien.Insert(source_frames=(20, 80), at=90, head=head, blend=16)
    jumps = speed_statistics(mien.recombine(perf, [insert]).positions).jump
    assert jumps[[87, 88, 89, 90, 147, 148, 149, 150]].max() <= 1.05 * own
    cut = mien.Remove(60, 80, blend=24)
    jumps = speed_statistics(mien.recombine(perf, [cut]).positions).jump
    assert jumps[[57, 58, 59, 60, 82, 83, 84]].max() <= 1.05 * own
    hard = speed_statistics(mien.recombine(perf, [mien.Remove(60, 80, blend=0)]).positions).jump
    assert hard[57:60].max() > 1.05 * own


def test_later_edits_count_the_new_frames_and_earlier_ones_the_old(tmp_path):
    insert = mien.Insert(source_frames=(0, 12), at=20, blend=2)
    later = mien.Gain(0.0, envelope=np.eye(1, FRAMES + 12, 45)[0])
    earlier = mien.Gain(0.0, envelope=np.eye(1, FRAMES, 35)[0])
    edits = mien.EditList([earlier, insert, later])
    result = mien.recombine(EXACT, edits).positions
    still = EXACT.head.apply(np.tile(REST, (FRAMES, 1, 1)))
    np.testing.assert_allclose(result[47], still[35], atol=1e-10)
    np.testing.assert_allclose(result[45], still[33], atol=1e-10)
    edits.save(tmp_path / "edits.json", EXACT)
    again = mien.EditList.load(tmp_path / "edits.json", EXACT)
    assert (mien.recombine(EXACT, again).positions == result).all()
    out = np.empty((FRAMES + 12, VERTICES, 3))
    mien.recombine(EXACT, edits, out=out)
    assert (out == result).all()
    with pytest.raises(ValueError, match=rf"`out` must be .*\({FRAMES + 12}, 99, 3\)"):
        mien.recombine(EXACT, edits, out=np.empty((FRAMES, VERTICES, 3)))


@given(st.lists(st.one_of(inserts(), removes(), pastes()), max_size=3), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_saving_and_loading_gives_the_same_edits(tmp_path, edits, with_take):
    edits = mien.EditList(edits)
    take = PERF if with_take else None
    edits.save(tmp_path / "edits.json", take)
    again = mien.EditList.load(tmp_path / "edits.json", take, sources={"donor": DONOR})
    assert [plain(e) for e in again] == [plain(e) for e in edits]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mien.Insert(source_frames=(0, 10), at=0, blend=2), "`at` must be at least 1"),
        (lambda: mien.Insert(source_frames=(0, 10), at=4, blend=6), "at most 5, got 6"),
        (
            lambda: mien.Insert(source_frames=(0, 10), at=4, blend=2, head="nod"),
            "'continue', 'pause', 'donor'",
        ),
        (lambda: mien.Insert(DONOR, source_frames=(20, 30), at=4), "<= 25"),
        (lambda: mien.Remove(0, 3), "`start` must be at least 1"),
        (lambda: mien.Remove(4, 4), "start < stop"),
        (lambda: mien.Remove(4, 9, blend=-1), "`blend`"),
    ],
)
def test_what_an_edit_says_when_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (mien.Insert(source_frames=(0, 10), at=40, blend=2), "`at` must be .*below 40, got 40"),
        (mien.Insert(source_frames=(35, 45), at=4, blend=2), "`source_frames`.*<= 40"),
        (mien.Insert(other_topology(), source_frames=(0, 10), at=4, blend=2), "topology of the performance"),
        (mien.Remove(30, 40), "`stop` must leave a frame after it, at most 39, got 40"),
    ],
)
def test_what_does_not_fit_names_the_edit_and_writes_nothing(edit, message):
    out = np.full_like(PERF.take.positions, 7)
    with pytest.raises(ValueError, match=rf"^edits\[1\] \({edit.kind}\): .*{message}"):
        mien.recombine(PERF, [mien.Gain(0.5), edit], out=out)
    assert (out == 7).all()


def test_an_edit_after_the_timeline_is_numbered_in_the_users_list():
    edits = [mien.Remove(3, 5), mien.Gain(0.5), mien.Gain(0.5, envelope=EnvelopeRecipe(60, 61, 62))]
    with pytest.raises(ValueError, match=r"^edits\[2\] \(gain\): .*from 0 to 37, got 61"):
        mien.recombine(PERF, edits)


def test_they_are_not_applied_frame_by_frame():
    with pytest.raises(TypeError, match="changes the timeline"):
        mien.Remove(3, 5).apply_to(None)
    assert dataclasses.replace(mien.Remove(3, 5), stop=9).added_frames == -6
