"""Propagate, gradients without heads and check_edits on recorded faces and on a character."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.real.test_editing_real import FRAME, FRAMES, NAMES, character, recorded

import mien


@pytest.fixture(scope="module", params=NAMES)
def face(request, data_dir, truth):
    if request.param == "mh_toon_child":
        return character(data_dir)
    return recorded(truth, data_dir, request.param)


@pytest.fixture(scope="module")
def mouth(face):
    perf, corners = face
    return mien.region(perf.take.topology, perf.neutral, corners, 0.4 * float(np.ptp(perf.neutral[:, 0])))


@pytest.mark.parametrize("space", ["head", "surface"])
def test_corrections_are_met_and_join(face, mouth, space):
    perf, corners = face
    size = 0.01 * float(np.ptp(perf.neutral[:, 0]))
    keys = {
        FRAME - 4: mien.Drag(FRAME - 4, corners[:1], [[0.0, size, 0.0]], region=mouth),
        FRAME + 4: [mien.Drag(FRAME + 4, corners[:1], [[0.0, 0.5 * size, 0.0]], region=mouth)],
    }
    edit = mien.Propagate(keys, start=FRAME - 20, end=FRAME + 20, space=space, hide=2.0)
    take, result = perf.take.positions, mien.recombine(perf, [edit]).positions
    for frame, edits in keys.items():
        alone = mien.recombine(perf, edits if isinstance(edits, list) else [edits]).positions[frame]
        np.testing.assert_allclose(result[frame], alone, atol=1e-4)
    outside = [*range(FRAME - 19), *range(FRAME + 20, FRAMES)]
    assert result[outside].tobytes() == take[outside].tobytes()
    assert result[:, mouth == 0].tobytes() == take[:, mouth == 0].tobytes()
    found = mien.check_edits(perf, [edit])
    if space == "head":
        assert found == ()
    # Where lips are folded in, what turns with the skin may cross itself: 29 triangles before turns were evened.
    assert all(f.what == "flips" and f.amount <= 5 for f in found)


def test_the_check_finds_what_is_wrong_and_nothing_else(face, mouth):
    perf, _ = face
    step = 0.05 * float(np.ptp(perf.neutral[:, 0]))
    shape = perf.take.positions[FRAME] + step * mouth[:, None] * perf.head.rotation[FRAME][:, 1]
    hard = (np.arange(FRAMES) >= FRAME) & (np.arange(FRAMES) < FRAME + 12)
    found = mien.check_edits(perf, [mien.Sculpt(FRAME, shape, envelope=hard)])
    assert [f.what for f in found[:2]] == ["velocity"] * 2
    assert abs(found[0].frame - FRAME) <= 2 >= abs(found[1].frame - FRAME - 12)
    nothing = [mien.Gain(1.0, region=mouth), mien.Paste(source_frames=(8, 30), at=8, region=mouth, blend=0)]
    assert mien.check_edits(perf, nothing) == ()


@pytest.mark.parametrize("kind", ["gain", "paste"])
def test_gradients_do_not_need_the_head(face, mouth, kind):
    perf, _ = face
    edit = {
        "gain": mien.Gain(0.5, region=mouth, envelope=mien.envelope(FRAMES, 10, 20, 30), compose="gradients"),
        "paste": mien.Paste(source_frames=(30, 50), at=10, region=mouth, compose="gradients"),
    }[kind]
    rng = np.random.default_rng(0)
    turns = np.concatenate([rng.normal(0, 0.02, (FRAMES, 3)), np.ones((FRAMES, 1))], axis=1)
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    wrong = mien.RigidMotion.from_quaternions(turns, rng.normal(0, 0.5, (FRAMES, 3)))
    shaken = dataclasses.replace(perf, head=perf.head @ wrong)
    right, other = (mien.recombine(p, [edit]).positions for p in (perf, shaken))
    size = float(np.linalg.norm(np.ptp(perf.neutral, axis=0)))
    assert np.abs(right - perf.take.positions).max() > 1e-3 * size
    np.testing.assert_allclose(other, right, atol=1e-5 * size)
    assert right[:, mouth == 0].tobytes() == perf.take.positions[:, mouth == 0].tobytes()
