"""Recombiner: the bits of recombine after any change to the list, and no more work than the change asks for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_editing import FRAMES, PERFORMANCES, bits, gains, mirrors, pastes, retimes, sculpts
from tests.test_smoothing import smooths

import mien
from mien.editing import EnvelopeRecipe

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


def test_lists_that_change_the_timeline_are_done_whole():
    recombiner = mien.Recombiner(PERF)
    for edits in ([mien.Gain(0.5)], [mien.Gain(0.5), mien.Remove(3, 5)], [mien.Gain(0.5)]):
        assert (bits(recombiner.apply(edits).positions) == bits(mien.recombine(PERF, edits).positions)).all()


def test_the_take_is_not_touched():
    before = PERF.take.positions.copy()
    result = mien.Recombiner(PERF).apply([mien.Gain(0.0)])
    assert (bits(before) == bits(PERF.take.positions)).all()
    assert not result.positions.flags.writeable
    with pytest.raises(TypeError, match="a Performance"):
        mien.Recombiner(PERF.take)
