"""The laws over lists with kinds that look at other frames or other faces, and with new frame numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.performances import performance
from tests.test_editing import DONOR, FRAMES, PERFORMANCES, REST, VERTICES, bits, gains, pastes, regions

import mien
from mien.editing import EnvelopeRecipe

SHAPES = np.random.default_rng(8).normal(0, 0.4, (2, VERTICES, 3)) * (REST[:, :1] > 0)
RIG = mien.Rig(PERFORMANCES["float32"].take.topology, REST, ["jaw", "smile"], SHAPES)
OLDER = REST * [1.05, 1.0, 1.1]

envelopes = st.sampled_from([EnvelopeRecipe(4, 12, 20), EnvelopeRecipe(15, (20, 24), 33)])
offsets = st.builds(
    lambda w, region, envelope: mien.Offset(RIG, {"jaw": w, "smile": 0.3}, region=region, envelope=envelope),
    st.floats(-1, 1),
    st.sampled_from([None, np.where(REST[:, 0] > 0, 0.5, 0.25)]),
    envelopes,
)
blends = st.builds(
    lambda align, amount, region: mien.Blend(
        DONOR, source_frames=(2, 22), frames=(8, 30), align=align, amount=amount, region=region, blend=4
    ),
    st.sampled_from(["linear", "dtw"]),
    st.floats(0.1, 1),
    regions,
)
smooths = st.builds(
    lambda method, envelope: mien.Smooth(method, window=9, envelope=envelope),
    st.sampled_from(["savgol", "bilateral", "variational"]),
    envelopes,
)
neutrals = st.builds(lambda envelope: mien.Neutral(OLDER, envelope=envelope), envelopes)
retimes = st.just(mien.Retime([(5, 5), (15, 18.5), (30, 30)]))
# The sheet folded over, 2 mm from itself: its halves touch as lips do.
SIDE = np.sign(np.round(REST[:, 0], 6))
FOLDED = performance(neutral=np.stack([abs(REST[:, 0]), REST[:, 1], REST[:, 2] + 0.1 * SIDE], axis=1))
TAKES = {**{name: PERFORMANCES[name] for name in ("float32", "float64")}, "folded": FOLDED}
contacts = st.builds(
    lambda yields, envelope: mien.Contact(
        SIDE < 0, SIDE > 0, yields=yields, distance=0.5, reach=4.0, envelope=envelope
    ),
    st.sampled_from(["both", "first"]),
    st.one_of(st.none(), envelopes),
)
plain = st.one_of(gains, pastes(), offsets, blends, smooths, neutrals, retimes, contacts)
inserts = st.builds(
    lambda at, head: mien.Insert(source_frames=(3, 12), at=at, head=head, blend=3),
    st.integers(1, FRAMES - 1),
    st.sampled_from(["continue", "pause", "donor"]),
)
removes = st.builds(
    lambda start, n: mien.Remove(start, start + n, blend=2), st.integers(1, 20), st.integers(1, 6)
)


@given(
    st.sampled_from(sorted(TAKES)),
    st.lists(plain, min_size=1, max_size=3),
    st.sampled_from([1, 3, 7]),
)
@settings(max_examples=25, deadline=None)
def test_blocks_and_undo(name, edits, block):
    perf = TAKES[name]
    whole = mien.recombine(perf, edits).positions
    assert (bits(mien.recombine(perf, edits, block_frames=block).positions) == bits(whole)).all()
    again = mien.Recombiner(perf)
    again.apply(edits)
    shorter = again.apply(edits[:-1]).positions
    assert (bits(shorter) == bits(mien.recombine(perf, edits[:-1]).positions)).all()


@given(st.lists(plain, max_size=1), st.one_of(inserts, removes), st.sampled_from([1, 5]))
@settings(max_examples=15, deadline=None)
def test_new_frame_numbers_do_not_depend_on_blocks(before, change, block):
    perf = PERFORMANCES["float32"]
    edits = [*before, change, mien.Gain(0.5, envelope=EnvelopeRecipe(2, 8, 12))]
    whole = mien.recombine(perf, edits).positions
    assert len(whole) == FRAMES + change.added_frames
    assert (bits(mien.recombine(perf, edits, block_frames=block).positions) == bits(whole)).all()
    kept = mien.recombine(perf, before).positions
    laid = mien.recombine(perf, edits[:-1]).positions
    first = change.at if isinstance(change, mien.Insert) else change.start
    assert (bits(laid[:first]) == bits(kept[:first])).all()


@given(st.one_of(offsets, smooths, neutrals))
@settings(max_examples=20, deadline=None)
def test_frames_outside_keep_their_bits(edit):
    perf = PERFORMANCES["float32"]
    result = mien.recombine(perf, [edit]).positions
    same = (bits(result) == bits(perf.take.positions)).all(axis=(1, 2))
    weights = edit.envelope.weights(FRAMES)
    assert same[weights == 0].all()
    assert not same[weights == 1].any()


@given(
    st.lists(st.one_of(offsets, smooths, neutrals), min_size=1, max_size=2),
    contacts,
    st.sampled_from([1, 3, 7]),
)
@settings(max_examples=15, deadline=None)
def test_contact_mends_what_edits_before_it_moved_and_nothing_else(edits, contact, block):
    moved = mien.recombine(FOLDED, edits).positions
    mended = mien.recombine(FOLDED, [*edits, contact]).positions
    in_blocks = mien.recombine(FOLDED, [*edits, contact], block_frames=block).positions
    assert (bits(in_blocks) == bits(mended)).all()
    again = mien.Recombiner(FOLDED)
    again.apply([*edits, contact])
    assert (bits(again.apply(edits).positions) == bits(moved)).all()
    factors = np.ones(FRAMES) if contact.envelope is None else contact.envelope.weights(FRAMES)
    left_alone = (bits(moved) == bits(FOLDED.take.positions)).all(axis=(1, 2))
    same = (bits(mended) == bits(moved)).all(axis=(1, 2))
    assert same[left_alone | (factors == 0)].all()
    full = ~left_alone & (factors == 1)
    assert full.sum() < 5 or not same[full].all()


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_edits_apart_in_time_or_place_commute(name):
    perf = PERFORMANCES[name]
    left, right = (REST[:, 0] < 0).astype(float), (REST[:, 0] > 0).astype(float)
    pairs = [
        (mien.Gain(0.4, region=left), mien.Offset(RIG, {"jaw": 1.0}, region=right)),
        (
            mien.Smooth(window=9, envelope=EnvelopeRecipe(2, 6, 10)),
            mien.Gain(1.4, envelope=EnvelopeRecipe(25, 30, 35)),
        ),
    ]
    for a, b in pairs:
        forward, back = (mien.recombine(perf, edits).positions for edits in ([a, b], [b, a]))
        assert (bits(forward) == bits(back)).all()
