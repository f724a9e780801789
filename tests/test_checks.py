"""check_edits against plain arrays: jumps at ends, skin turned over, advice that helps; and blend="auto"."""

from __future__ import annotations

import dataclasses
import functools
import re

import numpy as np
import pytest
from tests.performances import performance

import mien
from mien.editing import EnvelopeRecipe

FRAMES = 70  # more than two blocks of the check


@functools.cache
def acted(seed: int, n_frames: int = 160) -> mien.Performance:
    """The built-in face, its head known."""
    made = mien.datasets.performance(n_frames=n_frames, seed=seed)
    n = len(made)
    return mien.Performance(made.take, made.head_motion, made.neutral, np.zeros(n), np.ones(n))


@pytest.fixture(scope="module")
def perf() -> mien.Performance:
    return performance(n_frames=FRAMES, dtype=np.float64)


def hard(first: int, stop: int, n: int = FRAMES) -> np.ndarray:
    out = np.zeros(n)
    out[first:stop] = 1
    return out


def expression(perf, positions) -> np.ndarray:
    return perf.head.apply_inverse(positions.astype(np.float64))


def ratios(perf, edits, order: int) -> np.ndarray:
    """Largest difference of second or third order, by frame, over the take's own 99th percentile."""
    own, new = (
        np.linalg.norm(np.diff(expression(perf, x), order, axis=0), axis=2).max(axis=1)
        for x in (perf.take.positions, mien.recombine(perf, edits).positions)
    )
    return np.concatenate([[0], new, [0] * (order - 1)]) / np.percentile(own, 99)


@pytest.mark.parametrize("first", [20, 31, 32, 33, 34, 63, 64, 65])
def test_a_hard_cut_is_found_and_measured(perf, first):
    edits = [mien.Gain(0.9, region=np.linspace(0, 1, 99)), mien.Gain(-1.5, envelope=hard(first, FRAMES))]
    (found,) = mien.check_edits(perf, edits)
    expected = ratios(perf, edits, 2)
    near = slice(first - 2, first + 3)
    assert (found.edit, found.kind, found.what) == (1, "gain", "velocity")
    assert found.frame == first - 2 + expected[near].argmax()
    assert found.amount == pytest.approx(expected[near].max(), rel=1e-9)
    jump = np.diff(expression(perf, mien.recombine(perf, edits).positions), 2, axis=0)[found.frame - 1]
    assert found.vertex == np.linalg.norm(jump, axis=1).argmax()


@pytest.mark.parametrize("stop", [30, 31, 32, 33, 34, 65, 66])
def test_an_end_is_measured_wherever_it_lies(perf, stop):
    edits = [mien.Gain(-1.5, envelope=hard(5, stop))]
    found = mien.check_edits(perf, edits)[1]
    expected = ratios(perf, edits, 2)[stop - 2 : stop + 3]
    assert found.amount == pytest.approx(expected.max(), rel=1e-9)
    assert found.frame == stop - 2 + expected.argmax()


def test_the_last_frame_of_a_block_is_measured():
    frames = []
    for seed in range(6):
        perf = performance(n_frames=40, dtype=np.float64, seed=seed)
        edits = [mien.Gain(-1.5, envelope=hard(5, 31, 40))]
        expected = ratios(perf, edits, 2)
        (found,) = [f for f in mien.check_edits(perf, edits) if f.frame > 20]
        assert found.amount == pytest.approx(expected[29:34].max(), rel=1e-9)
        frames.append(found.frame)
    assert 31 in frames


def test_acceleration_is_told_where_velocity_is_within_its_limit(perf):
    """A ramp short enough to show in the third difference alone."""
    for size in np.linspace(0.02, 1, 50):
        edits = [mien.Gain(1 - size, envelope=hard(20, FRAMES))]
        velocity, acceleration = (ratios(perf, edits, order)[18:23].max() for order in (2, 3))
        found = mien.check_edits(perf, edits)
        if velocity > 1.051:
            break
        if acceleration > 1.051 * max(1, ratios(perf, [], 3)[18:23].max()):
            assert [f.what for f in found] == ["acceleration"]
            assert found[0].amount == pytest.approx(acceleration)
            return
    pytest.fail("no such size")


def test_eased_edits_are_not_told():
    perf, other = acted(3, 110), acted(4, 100)
    eased = mien.envelope(110, 40, (60, 80), 100)
    edits = [
        mien.Gain(0.5, envelope=eased),
        mien.Paste(other, source_frames=(20, 80), at=40, blend=20),
        mien.Smooth(envelope=eased),
        mien.Gain(1.4, envelope=eased),
    ]
    assert mien.check_edits(perf, edits) == ()
    assert mien.check_edits(perf, []) == ()


def test_advice_helps():
    perf, other = acted(3), acted(4, 100)
    paste = mien.Paste(other, source_frames=(20, 80), at=40, blend=0)
    found = mien.check_edits(perf, [mien.Gain(0.95), paste])
    assert [(f.edit, f.what) for f in found] == [(1, "velocity")] * 2
    assert abs(found[0].frame - 40) <= 2 >= abs(found[1].frame - 100)
    for _ in range(3):
        wanted = max(int(re.search(r"about (\d+) frames", f.advice)[1]) for f in found)
        paste = dataclasses.replace(paste, blend=wanted)
        found = mien.check_edits(perf, [mien.Gain(0.95), paste])
        if not found:
            break
    assert not found
    assert wanted <= 8


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda p: mien.Gain(-2.0, envelope=EnvelopeRecipe(30, 31, 60)), "ease its beginning over about"),
        (lambda p: mien.Gain(-2.0, envelope=EnvelopeRecipe(10, (30, 40), 41)), "ease its end over about"),
        (lambda p: mien.Gain(-2.0, envelope=hard(30, 70)), r"over about \d+ frames \(it has 0\)"),
        (
            lambda p: mien.Paste(source_frames=(0, 6), at=40, blend=1),
            "its 6 frames are too few to blend over",
        ),
        (
            lambda p: mien.Propagate({40: mien.Gain(-2.0)}, start=38, end=60),
            r"ease its beginning over about \d+ frames \(it has 2\)",
        ),
    ],
)
def test_advice_is_about_the_edit(perf, edit, words):
    found = mien.check_edits(perf, [edit(perf)])
    assert any(re.search(words, finding.advice) for finding in found), found


def test_only_what_an_edit_does_and_leaves_is_told(perf):
    cut = mien.Paste(source_frames=(0, 20), at=25, blend=0)
    found = mien.check_edits(perf, [cut, mien.Gain(0.99, envelope=EnvelopeRecipe(5, 30, 60))])
    assert {f.edit for f in found} == {0}
    assert found
    beside = mien.Gain(0.99, envelope=EnvelopeRecipe(25, 40, 60))
    assert {f.edit for f in mien.check_edits(perf, [cut, beside])} == {0}
    # Put back as it was: nothing is left of the cut.
    back = mien.Paste(source_frames=(25, 45), at=25, blend=0)
    assert mien.check_edits(perf, [cut, back]) == ()


def flips(perf, edits) -> np.ndarray:
    """Triangles that look away from where they look at rest and never do in the take, by frame."""
    triangles = perf.take.topology.triangles
    rest = np.cross(*(perf.neutral[triangles[:, k]] - perf.neutral[triangles[:, 0]] for k in (1, 2)))

    def over(positions):
        x = expression(perf, positions)
        normals = np.cross(*(x[:, triangles[:, k]] - x[:, triangles[:, 0]] for k in (1, 2)))
        return (normals * rest).sum(axis=2) < 0

    return over(mien.recombine(perf, edits).positions) & ~over(perf.take.positions).any(axis=0)


def test_skin_turned_over_is_counted(perf):
    def poke(size):
        shape = perf.take.positions[34].copy()
        shape[50] += perf.head.rotation[34] @ [size, 0, 0]
        return mien.Sculpt(34, shape, envelope=EnvelopeRecipe(5, 34, 65))

    assert [f.what for f in mien.check_edits(perf, [poke(0.5)])] == []
    edits = [mien.Gain(0.8), poke(5.0)]
    (found,) = [f for f in mien.check_edits(perf, edits) if f.what == "flips"]
    counts = flips(perf, edits).sum(axis=1)
    assert (found.edit, found.what, found.amount) == (1, "flips", counts.max())
    assert counts[found.frame] == counts.max() > 1
    turned = perf.take.topology.triangles[flips(perf, edits)[found.frame]]
    assert found.vertex in turned
    assert re.fullmatch(
        rf"edits\[1\] \(sculpt\): at frame {1001 + found.frame} {counts.max()} triangles turn over as nowhere in "
        rf"the take, around vertex {found.vertex}; widen its region, or have it do less there",
        found.sentence(1001),
    )
    # What a later edit takes back is not told.
    assert mien.check_edits(perf, [*edits, mien.Paste(source_frames=(0, 70), at=0, blend=0)]) == ()


def test_skin_that_the_take_or_a_source_turns_over_is_not_told(perf):
    positions = perf.take.positions.copy()
    positions[10:60, 50] += perf.head.rotation[10:60] @ [5.0, 0, 0]
    poked = dataclasses.replace(perf, take=perf.take.with_positions(positions))
    calm = mien.Paste(source_frames=(40, 50), at=0, blend=0)
    assert all(f.what != "flips" for f in mien.check_edits(poked, [calm]))
    paste = mien.Paste(poked, source_frames=(0, 70), at=0, blend=0)
    assert flips(perf, [paste]).any()
    assert all(f.what != "flips" for f in mien.check_edits(perf, [paste]))


def test_frames_that_come_and_go_are_looked_at():
    perf = acted(3)
    found = mien.check_edits(
        perf, [mien.Remove(60, 90, blend=0), mien.Insert(source_frames=(20, 40), at=30, blend=0)]
    )
    assert {(f.edit, f.kind) for f in found} == {(0, "remove"), (1, "insert")}
    assert abs(found[0].frame - 60) <= 2
    assert {round(f.frame, -1) for f in found if f.kind == "insert"} <= {30, 50}
    eased = [mien.Remove(60, 90, blend=20), mien.Insert(source_frames=(20, 60), at=30, blend=16)]
    assert mien.check_edits(perf, eased) == ()
    cut = mien.Paste(acted(4, 100), source_frames=(20, 40), at=50, blend=0)
    assert {f.edit for f in mien.check_edits(perf, [eased[0], cut])} == {1}


def test_missing_vertices_and_short_takes_are_looked_at():
    holed = performance(n_frames=40, missing=0.05)
    assert mien.check_edits(holed, [mien.Gain(-3.0, envelope=hard(20, 40, 40))])
    for n in (1, 2, 3, 4):
        assert mien.check_edits(performance(n_frames=n), [mien.Gain(0.5)]) == ()


def test_it_says_what_is_wrong(perf):
    with pytest.raises(TypeError, match="`performance` must be a Performance"):
        mien.check_edits(perf.take, [])
    with pytest.raises(ValueError, match="`limit` must be above 0"):
        mien.check_edits(perf, [], limit=0)
    with pytest.raises(ValueError, match=r"edits\[1\] \(paste\): `at` must leave room"):
        mien.check_edits(perf, [mien.Gain(0.5), mien.Paste(source_frames=(0, 20), at=60)])


# blend="auto"


@pytest.mark.parametrize(("seed", "first"), [(4, 30), (5, 30), (7, 20)])
def test_auto_is_enough_and_one_frame_less_is_not(seed, first):
    perf, other = acted(3), acted(seed, 100)
    auto = mien.Paste(other, source_frames=(first, first + 60), at=40, blend="auto")
    assert mien.check_edits(perf, [auto]) == ()
    result = mien.recombine(perf, [auto]).positions
    lengths = [
        blend
        for blend in range(31)
        if (mien.recombine(perf, [dataclasses.replace(auto, blend=blend)]).positions == result).all()
    ]
    (chosen,) = lengths
    assert chosen >= 2
    half = ratios(perf, [dataclasses.replace(auto, blend=chosen // 2)], 3)
    ramps = [*range(38, 41 + chosen), *range(99 - chosen, 102)]
    assert half[ramps].max() > max(1.0, 1.1 * ratios(perf, [auto], 3)[ramps].max())


def test_auto_does_not_care_about_blocks_and_goes_through_files(tmp_path):
    perf, other = acted(3), acted(4, 100)
    edits = mien.EditList(
        [
            mien.Paste(other, source_frames=(20, 80), at=40, blend="auto"),
            mien.Blend(other, source_frames=(20, 60), frames=(108, 148), align="linear", blend="auto"),
        ]
    )
    whole = mien.recombine(perf, edits).positions
    assert (mien.recombine(perf, edits, block_frames=7).positions == whole).all()
    assert not mien.check_edits(perf, edits)
    edits.save(tmp_path / "fix.json", perf, sources={"other": other})
    assert (tmp_path / "fix.json").read_text().count('"blend": "auto"') == 2
    loaded = mien.EditList.load(tmp_path / "fix.json", perf, sources={"other": other})
    assert (mien.recombine(perf, loaded).positions == whole).all()


def test_auto_of_what_is_there_already_is_no_blend(perf):
    same = mien.Paste(source_frames=(10, 40), at=10, blend="auto")
    assert (mien.recombine(perf, [same]).positions == perf.take.positions).all()
    single = mien.Paste(source_frames=(10, 11), at=30, blend="auto")
    assert (mien.recombine(perf, [single]).positions[30] != perf.take.positions[30]).any()


def test_other_words_than_auto_are_refused():
    for make in (
        lambda: mien.Paste(source_frames=(0, 9), at=0, blend="long"),
        lambda: mien.Blend(acted(4, 100), source_frames=(0, 9), frames=(0, 9), blend="long"),
    ):
        with pytest.raises(ValueError, match="`blend` must be one of 'auto', got 'long'"):
            make()
    with pytest.raises(TypeError, match="`blend` must be an integer"):
        mien.Insert(source_frames=(0, 9), at=1, blend="auto")
