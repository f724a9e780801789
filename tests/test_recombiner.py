"""Recombiner: the bits of recombine after any change to the list, and no more work than the change asks for."""

from __future__ import annotations

import dataclasses
import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_editing import FRAMES, PERFORMANCES, bits, gains, mirrors, pastes, retimes, sculpts
from tests.test_smoothing import smooths

import mien
from mien.editing import EnvelopeRecipe
from mien.editing import recombiner as recombiner_module
from mien.editing.apply import fill

PERF = PERFORMANCES["missing"]
some = st.one_of(gains, pastes(), sculpts(), mirrors, retimes(), smooths)


@given(st.lists(some, min_size=2, max_size=4), st.data())
@settings(max_examples=15)
def test_it_has_the_bits_of_recombine_whatever_changes(edits, data):
    recombiner = mien.Recombiner(PERF)
    for _ in range(4):
        result = recombiner.apply(edits)
        expected = mien.recombine(PERF, edits).positions
        assert (bits(result.positions) == bits(expected)).all()
        i = data.draw(st.integers(0, len(edits)))
        change = data.draw(st.sampled_from(["insert", "replace", "remove"]))
        new = [] if change == "remove" else [data.draw(some)]
        edits = [*edits[:i], *new, *edits[i + (change != "insert") :]]


def twenty() -> list[mien.editing.Edit]:
    return [mien.Gain(0.5, envelope=EnvelopeRecipe(2 * k - 2, 2 * k, 2 * k + 2)) for k in range(20)]


def test_changing_one_of_twenty_does_that_one_over():
    edits, recombiner = twenty(), mien.Recombiner(PERF)
    recombiner.apply(edits)
    assert len(recombiner.redone) == FRAMES
    kept = edits[9]
    edits[9] = dataclasses.replace(kept, gain=0.1)
    recombiner.apply(edits)
    assert recombiner.redone.tolist() == [17, 18, 19]
    recombiner.apply(edits)
    assert recombiner.redone.tolist() == []
    edits[9] = kept
    assert (bits(recombiner.apply(edits).positions) == bits(mien.recombine(PERF, edits).positions)).all()


def test_an_edit_that_looked_at_a_changed_frame_is_worked_out_anew():
    sculpt = mien.Sculpt(10, PERF.neutral, space="head", envelope=np.r_[np.ones(15), np.zeros(25)])
    still = mien.Gain(0.7, envelope=EnvelopeRecipe(29, 31, 33))
    gain = mien.Gain(0.5, envelope=EnvelopeRecipe(9, 10, 11))
    recombiner = mien.Recombiner(PERF)
    recombiner.apply([gain, sculpt, still])
    edits = [dataclasses.replace(gain, gain=0.2), sculpt, still]
    result = recombiner.apply(edits).positions
    assert recombiner.redone.tolist() == list(range(15))  # not only frame 10
    assert (bits(result) == bits(mien.recombine(PERF, edits).positions)).all()


def test_an_edit_that_does_not_fit_leaves_the_last_result():
    recombiner = mien.Recombiner(PERF)
    before = recombiner.apply([mien.Gain(0.5)]).positions.copy()
    with pytest.raises(ValueError, match=r"^edits\[1\] \(sculpt\): `frame`"):
        recombiner.apply([mien.Gain(0.2), mien.Sculpt(40, PERF.neutral)])
    again = recombiner.apply([mien.Gain(0.5)]).positions
    assert (bits(recombiner.apply([]).positions) == bits(PERF.take.positions)).all()
    assert len(recombiner.redone) == FRAMES
    assert before.shape == again.shape


local = st.builds(
    lambda gain, at: mien.Gain(gain, envelope=EnvelopeRecipe(at - 3, at, at + 3)),
    st.floats(-1, 2),
    st.integers(0, 45),
)
lookers = st.sampled_from(
    [
        mien.Gain(0.5, component=0),
        mien.Gain(0.3, envelope=mien.editing.SimilarRecipe(7, 2.0)),
        mien.Sculpt(9, PERF.neutral, space="world", envelope=EnvelopeRecipe(5, 9, 12)),
        mien.Propagate({4: mien.Gain(0.4), 17: mien.Gain(1.3)}, end=24),
    ]
)
on_any_timeline = st.one_of(
    local, st.builds(mien.Gain, st.floats(0, 1)), lookers, pastes(), retimes(), smooths
)
timeline_edits = st.one_of(
    st.builds(
        lambda at, n, head: mien.Insert(source_frames=(3, 3 + n), at=at, head=head, blend=2),
        st.integers(1, 30),
        st.sampled_from([5, 9]),
        st.sampled_from(["continue", "pause", "donor"]),
    ),
    st.builds(lambda start, n: mien.Remove(start, start + n, blend=2), st.integers(1, 25), st.integers(1, 6)),
)


def result_or_message(make, *arguments):
    try:
        return make(*arguments).positions, ""
    except ValueError as error:
        return None, str(error)


@given(st.lists(on_any_timeline, max_size=2), timeline_edits, st.lists(local, max_size=2), st.data())
@settings(max_examples=30, deadline=None)
def test_it_has_the_bits_of_recombine_on_new_timelines_too(head, timeline_edit, tail, data):
    recombiner, edits = mien.Recombiner(PERF), [*head, timeline_edit, *tail]
    shown = last = None
    for _ in range(5):
        expected, message = result_or_message(mien.recombine, PERF, edits)
        result, told = result_or_message(recombiner.apply, edits)
        assert told == message
        if result is not None:
            assert result.shape == expected.shape
            assert (bits(result) == bits(expected)).all()
            # What is said to be as before is as before, wherever it moved from.
            if last is not None:
                known = {frame.tobytes() for frame in last}
                others = np.setdiff1d(np.arange(len(result)), recombiner.redone)
                assert all(result[f].tobytes() in known for f in others)
            shown, last = result, result.copy()
        elif last is not None:
            assert (bits(shown) == bits(last)).all()
        i = data.draw(st.integers(0, len(edits)))
        change = data.draw(st.sampled_from(["insert", "replace", "remove"]))
        new = [] if change == "remove" else [data.draw(st.one_of(on_any_timeline, local, timeline_edits))]
        edits = [*edits[:i], *new, *edits[i + (change != "insert") :]]


@pytest.fixture
def worked_on(monkeypatch):
    """Numbers of frames that `fill` was asked for, one for each stretch of the list without Insert and Remove."""
    counts = []

    def counted(performance, plan, target, block_frames, progress, wanted=None):
        counts.append(len(target) if wanted is None else int(wanted.sum()))
        fill(performance, plan, target, block_frames, progress, wanted)

    monkeypatch.setattr(recombiner_module, "fill", counted)
    return counts


def around(frame: int, gain: float = 0.5) -> mien.Gain:
    """An edit that acts on three frames."""
    return mien.Gain(gain, envelope=EnvelopeRecipe(frame - 2, frame, frame + 2))


def test_on_new_timelines_frames_are_done_over_where_the_change_lands(worked_on):
    # Five frames come in at 20, and 30 and 31 go: what was 35 is 38.
    edits = [around(8), around(35), mien.Insert(source_frames=(11, 16), at=20, blend=2)]
    edits += [around(15), mien.Remove(30, 32, blend=1), around(10), around(38), mien.Gain(0.9)]
    changes = [
        (0, around(8, 0.1), [7, 8, 9], [3, 3, 3]),
        (1, around(35, 0.1), [37, 38, 39], [3, 3, 3]),
        (3, around(15, 0.1), [14, 15, 16], [3, 3]),
        (6, around(38, 0.1), [37, 38, 39], [3]),
        (2, mien.Insert(source_frames=(11, 16), at=20, blend=2, head="pause"), list(range(20, 25)), [5, 5]),
        (4, mien.Remove(30, 32, blend=2), [30, 31], [2]),
    ]
    recombiner = mien.Recombiner(PERF)
    recombiner.apply(edits)
    for i, new, redone, counts in changes:
        edits[i] = new
        worked_on.clear()
        result = recombiner.apply(edits).positions
        assert recombiner.redone.tolist() == redone, i
        assert [n for n in worked_on if n] == counts, i
        assert (bits(result) == bits(mien.recombine(PERF, edits).positions)).all()


def test_frames_that_only_move_are_not_done_over(worked_on):
    recombiner = mien.Recombiner(PERF)
    edits = [around(8), around(35), mien.Insert(source_frames=(11, 16), at=20, blend=2), around(10)]
    recombiner.apply(edits)
    edits[2] = mien.Insert(source_frames=(11, 18), at=20, blend=2)
    worked_on.clear()
    result = recombiner.apply(edits).positions
    # The weights of the last edit may be others now; of frames before and after what was inserted nothing else.
    assert recombiner.redone.tolist() == [9, 10, 11, *range(20, 27)]
    assert worked_on[0] == 0
    assert (bits(result) == bits(mien.recombine(PERF, edits).positions)).all()
    del edits[2]
    assert (bits(recombiner.apply(edits).positions) == bits(mien.recombine(PERF, edits).positions)).all()
    assert recombiner.redone.tolist() == [9, 10, 11]


def test_an_edit_that_does_not_fit_a_new_timeline_leaves_the_last_result():
    edits = [around(8), mien.Insert(source_frames=(11, 16), at=20, blend=2), around(30)]
    recombiner = mien.Recombiner(PERF)
    result = recombiner.apply(edits).positions
    before = result.copy()
    with pytest.raises(ValueError, match=r"^edits\[2\] \(sculpt\): `frame`"):
        recombiner.apply([around(8, 0.1), edits[1], mien.Sculpt(45, PERF.neutral)])
    with pytest.raises(ValueError, match=r"^edits\[1\] \(insert\): `at`"):
        recombiner.apply([around(9), mien.Insert(source_frames=(11, 16), at=40, blend=2)])
    assert (bits(result) == bits(before)).all()
    assert (bits(recombiner.apply(edits).positions) == bits(before)).all()
    assert recombiner.redone.tolist() == []
    shorter = recombiner.apply(edits[:1]).positions
    assert (bits(shorter) == bits(mien.recombine(PERF, edits[:1]).positions)).all()


def test_an_edit_that_looked_at_the_take_on_a_new_timeline_is_worked_out_anew():
    paste = mien.Paste(source_frames=(5, 12), at=28, blend=2)
    edits = [around(8), mien.Insert(source_frames=(11, 16), at=20, blend=2), paste, around(40)]
    recombiner = mien.Recombiner(PERF)
    recombiner.apply(edits)
    edits[0] = around(8, 0.1)
    result = recombiner.apply(edits).positions
    assert recombiner.redone.tolist() == [7, 8, 9, *range(28, 35)]
    assert (bits(result) == bits(mien.recombine(PERF, edits).positions)).all()


def test_a_kept_edit_does_not_keep_former_takes():
    edits = [around(8), mien.Insert(source_frames=(11, 16), at=20, blend=2), around(30)]
    recombiner = mien.Recombiner(PERF)
    former = []
    for gain in (0.1, 0.2, 0.3, 0.4):
        edits[0] = around(8, gain)
        recombiner.apply(edits)
        former.append(weakref.ref(recombiner._stages[1].timeline.performance))
    gc.collect()
    assert [reference() is not None for reference in former] == [False, False, False, True]


def test_the_take_is_not_touched():
    before = PERF.take.positions.copy()
    result = mien.Recombiner(PERF).apply([mien.Gain(0.0)])
    assert (bits(before) == bits(PERF.take.positions)).all()
    assert not result.positions.flags.writeable
    with pytest.raises(TypeError, match="a Performance"):
        mien.Recombiner(PERF.take)
