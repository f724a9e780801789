"""Contact sheets and curves: right numbers, right frames, the same look, and files that appear whole or not at all."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

import mien
from mien.geometry import look
from mien.report import measures
from mien.report.pictures import contact_sheet, curves

pytest.importorskip("matplotlib", reason="pictures with words need the extra `report`")

BACKGROUND = np.array(look.BACKGROUND_SRGB)


@pytest.fixture(scope="module")
def scene() -> tuple[mien.Performance, mien.MeshSequence, mien.RigidMotion]:
    """A face that turns and smiles for 24 frames; the result lowers its chin by 5 mm in frames 8 to 11."""
    head = mien.datasets.head("preview")
    made = mien.datasets.performance(head, n_frames=24, seed=3)
    take = made.take
    perf = mien.Performance(
        take, made.head_motion, made.neutral, np.linspace(0, 0.02, 24), np.linspace(1, 0.5, 24)
    )
    chin = mien.region(take.topology, perf.neutral, seeds=[head.landmarks["chin"]], radius=4.0)
    change = np.zeros(take.positions.shape)
    change[8:12, :, 1] = -0.5 * chin
    moved = np.einsum("fij,fvj->fvi", made.head_motion.rotation, change)
    result = take.with_positions((take.positions + moved).astype(take.positions.dtype))
    return perf, result, made.head_motion


def colored(image: np.ndarray, color: look.Rgb) -> np.ndarray:
    return (image == np.array(color)).all(-1)


def test_movement_is_that_of_the_edit_or_of_the_expression(scene):
    perf, result, _ = scene
    change = measures.movement(perf, result)
    unit = measures.lengths(perf.take)
    assert unit.unit == "mm"
    assert np.flatnonzero(change.largest).tolist() == [8, 9, 10, 11]
    assert change.largest[8:12] * unit.factor == pytest.approx([5.0] * 4, abs=1e-3)
    wanted = np.linalg.norm(perf.expression[5].astype(float) - perf.neutral, axis=1)
    calls = []
    expression = measures.movement(perf, None, lambda done, total: calls.append((done, total)))
    assert expression.largest[5] == pytest.approx(wanted.max(), rel=1e-4)
    assert expression.rms[5] == pytest.approx(np.sqrt((wanted**2).mean()), rel=1e-4)
    assert calls == [(16, 24), (24, 24)]


def test_a_missing_vertex_moves_nowhere(scene):
    perf, result, _ = scene
    positions = perf.take.positions.copy()
    positions[:, 3] = np.nan
    broken = dataclasses.replace(perf, take=perf.take.with_positions(positions))
    change = measures.movement(broken, broken.take)
    assert not change.largest.any()
    assert np.isfinite(measures.movement(broken, None).rms).all()
    assert contact_sheet(broken, result, 2).shape[2] == 3


def test_lengths_are_scene_units_where_the_take_says_none(scene):
    perf, _, _ = scene
    silent = dataclasses.replace(perf.take, metres_per_unit=None)
    assert measures.lengths(silent) == (1.0, "units")
    metres = dataclasses.replace(perf.take, metres_per_unit=1.0)
    assert measures.lengths(metres) == (1000.0, "mm")


@pytest.mark.parametrize("count", [1, 2, 5, 23, 24, 99])
def test_frames_are_chosen_where_most_happens(count):
    activity = np.zeros(24)
    activity[8:12] = [1, 3, 2, 1]
    chosen = measures.choose_frames(count, activity)
    assert len(chosen) == min(count, 24)
    assert (np.diff(chosen) > 0).all()
    assert 0 <= chosen.min() <= chosen.max() < 24
    assert 9 in chosen
    still = measures.choose_frames(min(count, 24), np.zeros(24))
    assert (np.diff(still) > 0).all()
    assert still.max() < 24


def test_given_frames_are_kept_and_checked():
    assert measures.choose_frames([5, 2, 2], np.zeros(9)).tolist() == [5, 2, 2]
    with pytest.raises(ValueError, match="`frames` must lie in 0 to 8, got 2 to 9"):
        measures.choose_frames([2, 9], np.zeros(9))
    with pytest.raises(ValueError, match="`frames` must name at least one frame"):
        measures.choose_frames([], np.zeros(9))
    with pytest.raises(ValueError, match="`frames` must be at least 1, got 0"):
        measures.choose_frames(0, np.zeros(9))


def test_legends_end_on_round_numbers_above_what_is_shown():
    assert [measures.nice_above(v) for v in (0, 0.9, 1, 1.01, 7.2, 12.9, 83, 1e-4)] == [
        1,
        1,
        1,
        1.5,
        8,
        15,
        100,
        1e-4,
    ]


def test_runs_are_half_open():
    assert measures.runs(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert measures.runs(np.zeros(3, bool)) == []


def test_head_movement_does_not_depend_on_where_the_neutral_lies(scene):
    perf, _, head = scene
    elsewhere = mien.RigidMotion.from_quaternions([[0.1, 0.3, -0.2, 0.9]], [[3.0, -1.0, 2.0]])
    shift = mien.RigidMotion(np.tile(elsewhere.rotation, (24, 1, 1)), np.tile(elsewhere.translation, (24, 1)))
    turns, way = measures.head_movement(head, perf.neutral)
    other_turns, other_way = measures.head_movement(
        head @ shift.inverse(), elsewhere.apply(perf.neutral.astype(float))[0]
    )
    assert np.allclose(turns, other_turns, atol=1e-9)
    assert np.allclose(way, other_way, atol=1e-9)
    assert np.abs(way.mean(0)).max() < 1e-12
    nod = mien.RigidMotion.from_quaternions(
        [[np.sin(a / 2), 0, 0, np.cos(a / 2)] for a in (-0.2, 0, 0.2)], np.zeros((3, 3))
    )
    turns, _ = measures.head_movement(nod, perf.neutral)
    assert np.allclose(turns, np.degrees([[-0.2, 0, 0], [0, 0, 0], [0.2, 0, 0]]), atol=1e-9)


def test_a_sheet_shows_the_stages_and_marks_what_was_edited(scene, tmp_path):
    perf, result, _ = scene
    sheet = contact_sheet(perf, result, [2, 9, 15, 20], tmp_path / "sheet.png")
    assert sheet.dtype == np.uint8
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]
    assert (sheet[0, 0] == BACKGROUND).all()
    # A strip of the take with 4 of 24 frames in the accent colour.
    strip = colored(sheet, look.ACCENT_SRGB)[108:113].all(0)
    whole = (
        strip | colored(sheet, look.GRID_SRGB)[108:113].all(0) | colored(sheet, look.INK_SRGB)[108:113].all(0)
    )
    assert strip.sum() / whole.sum() == pytest.approx(4 / 24, abs=0.02)
    # Five rows, four columns: every picture has something in it, and only the edited frame's change is coloured.
    cell = (sheet.shape[1] - 214 - 36) // 4
    bounds = [(178 + r * 350 + 2, 214 + c * cell) for r in range(5) for c in range(4)]
    pictures = [sheet[y : y + 340, x : x + cell].astype(int) for y, x in bounds]
    assert all((p != BACKGROUND).any(-1).mean() > 0.15 for p in pictures)
    saturated = [(p.max(-1) - p.min(-1) > 90).mean() for p in pictures]
    assert saturated[17] > 0.005
    assert max(saturated[:17] + saturated[18:]) < 0.002
    assert np.array_equal(pictures[0], pictures[12])  # outside the edit the recombined frame is the take
    assert not np.array_equal(pictures[5], pictures[9])


def test_a_sheet_without_a_result_shows_the_expression(scene):
    perf, result, _ = scene
    alone, both = contact_sheet(perf, frames=3), contact_sheet(perf, result, 3)
    assert both.shape[0] - alone.shape[0] == 2 * 350
    assert not colored(alone, look.ACCENT_SRGB).any()
    assert contact_sheet(perf[:1], frames=4).shape[1] == 900


def test_a_sheet_looks_at_the_face_wherever_the_head_points(scene):
    """A take on its side is shown on its side, and its expression upright in the mean pose."""
    perf, _, _ = scene
    turn = mien.RigidMotion.from_quaternions([[0, 0, np.sin(0.7), np.cos(0.7)]], [[0, 0, 0]])
    shift = mien.RigidMotion(np.tile(turn.rotation, (24, 1, 1)), np.zeros((24, 3)))
    leaning = dataclasses.replace(
        perf, head=perf.head @ shift.inverse(), neutral=shift[:1].apply(perf.neutral.astype(float))[0]
    )
    wanted, got = contact_sheet(perf, frames=[4]), contact_sheet(leaning, frames=[4])
    assert np.abs(wanted[178:520].astype(int) - got[178:520]).mean() < 2  # the take itself is the same
    tall = (got[540:860, 214:-36] != BACKGROUND).any(-1)
    assert tall.any(1).sum() > tall.any(0).sum()


def test_curves_shade_what_was_edited(scene, tmp_path):
    perf, result, head = scene
    plain = curves(perf)
    shaded = curves(perf, result, head, tmp_path / "curves.png")
    assert shaded.shape == plain.shape
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    pale = np.rint(0.89 * BACKGROUND + 0.11 * np.array(look.ACCENT_SRGB)).astype(int)
    row = (np.abs(shaded[160].astype(int) - pale) <= 1).all(-1)
    assert row.sum() == pytest.approx(4 / 24 * (1600 - 96 - 190), rel=0.1)
    assert np.flatnonzero(row)[0] == pytest.approx(96 + 8 / 24 * 1314, abs=6)
    assert not (np.abs(plain[160].astype(int) - pale) <= 1).all(-1).any()
    assert curves(perf[:1]).shape == plain.shape


def test_pictures_need_no_screen_and_leave_no_state(run_python):
    code = """
import sys, matplotlib, numpy as np, mien
from mien.report import contact_sheet, curves
settings = [k for k in matplotlib.rcParams if not k.startswith('backend')]  # asking for that imports pyplot
before = [matplotlib.rcParams[k] for k in settings]
square = np.array([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]])
take = mien.MeshSequence(mien.Topology.from_polygons([[0, 1, 2, 3]]), square)
perf = mien.Performance(take, mien.RigidMotion.identity(1), square[0], [0.0], [1.0])
contact_sheet(perf), curves(perf)
assert [matplotlib.rcParams[k] for k in settings] == before
print("matplotlib.pyplot" in sys.modules)
"""
    assert run_python(code, DISPLAY="") == "False"


def test_without_matplotlib_the_extra_is_named(scene, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'need the extra `report`: pip install "mien\[report\]"'):
        contact_sheet(scene[0])
    with pytest.raises(ImportError, match=r"mien\[report\]"):
        curves(scene[0])


@pytest.mark.parametrize("picture", [contact_sheet, curves])
def test_wrong_arguments_are_named(scene, picture):
    perf, result, head = scene
    with pytest.raises(TypeError, match="`perf` must be a Performance"):
        picture(perf.take)
    with pytest.raises(TypeError, match="`result` must be a MeshSequence"):
        picture(perf, head)
    with pytest.raises(ValueError, match="`result` must have F = 24 frames, got 23"):
        picture(perf, result[1:])
    with pytest.raises(ValueError, match="`perf` must have at least one frame"):
        picture(perf[:0])
    other = mien.MeshSequence(mien.Topology([], [], perf.take.n_vertices), result.positions)
    with pytest.raises(ValueError, match="`result` must have the topology of the take"):
        picture(perf, other)
    if picture is curves:
        with pytest.raises(ValueError, match="`truth` must have F = 24 frames, got 2"):
            curves(perf, truth=head[:2])


def test_a_sheet_that_cannot_be_written_leaves_the_old_one(scene, tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        contact_sheet(scene[0], frames=1, path=tmp_path / "missing" / "a.png")
