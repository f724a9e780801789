"""Drag: handles met, anchors held, paths followed, details kept; sharing, joins, files, messages."""

from __future__ import annotations

import dataclasses
import json
import runpy

import numpy as np
import pytest
from scipy.interpolate import BPoly
from tests import performances
from tests.performances import performance

import mien
from mien.editing import EnvelopeRecipe, RegionRecipe
from mien.editing.edits import Scene
from mien.errors import FormatError
from mien.geometry.temporal import speed_statistics

PERF = performance(dtype=np.float64)
_, REST = performances.sheet()
SOLVERS = ("laplacian", "biharmonic", "arap")
HANDLES, ANCHORS = [40, 49, 60], [0, 10, 88, 98]
MOVES = np.array([[0.0, 0.5, 1.0], [0.3, 0.0, 0.8], [0.0, 0.0, 1.2]])


def moved(perf: mien.Performance, *edits: mien.editing.Edit) -> np.ndarray:
    """What edits add, in head space."""
    change = mien.recombine(perf, edits).positions - perf.take.positions
    return np.einsum("fji,fvj->fvi", perf.head.rotation, change)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == b.tobytes()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("space", ["offset", "head", "world"])
def test_handles_are_met_and_the_rest_follows_or_holds(solver, space):
    region = RegionRecipe([49], 9.0)
    goal = PERF.expression[20, HANDLES] + MOVES
    targets = {"offset": MOVES, "head": goal, "world": PERF.head[20].apply(goal)[0]}[space]
    edit = mien.Drag(20, HANDLES, targets, anchors=ANCHORS, region=region, solver=solver, space=space)
    change = moved(PERF, edit)
    assert np.abs(change[20, HANDLES] - MOVES).max() < 1e-11
    result = mien.recombine(PERF, [edit]).positions
    held = region.weights(PERF) == 0
    held[ANCHORS] = True
    assert same_bits(result[:, held], PERF.take.positions[:, held])
    assert (np.linalg.norm(change[20, ~held], axis=1) > 1e-6).all()
    assert change[20, 50, 2] > 0.3  # a neighbour of 49
    # Eight frames of ease on both sides, and nothing beyond.
    envelope = mien.envelope(40, 12, 20, 28)
    assert np.abs(change - envelope[:, None, None] * change[20]).max() < 1e-11
    assert same_bits(result[envelope == 0], PERF.take.positions[envelope == 0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_handles_follow_a_path(solver):
    frames = np.array([5, 9, 20, 22])
    path = np.random.default_rng(4).normal(0, 0.5, (4, 3, 3))
    change = moved(PERF, mien.Drag(frames, HANDLES, path, anchors=ANCHORS, solver=solver))[:, HANDLES]
    assert np.abs(change[frames] - path).max() < 1e-11
    speed = np.zeros_like(path)
    for i in (1, 2):
        before, after = frames[i] - frames[i - 1], frames[i + 1] - frames[i]
        rise = (path[i] - path[i - 1]) / before, (path[i + 1] - path[i]) / after
        speed[i] = (after * rise[0] + before * rise[1]) / (before + after)
    between = BPoly.from_derivatives(frames, [[p, v, 0 * p] for p, v in zip(path, speed, strict=True)])(
        np.arange(5, 23)
    )
    assert np.abs(change[5:23] - between).max() < 1e-10
    ease = mien.envelope(40, -3, (5, 22), 30)
    assert np.abs(change[:5] - ease[:5, None, None] * path[0]).max() < 1e-11
    assert np.abs(change[23:] - ease[23:, None, None] * path[-1]).max() < 1e-11


def test_a_path_may_have_a_target_for_every_frame():
    frames = np.arange(3, 33)
    path = np.sin(frames / 6)[:, None, None] * MOVES
    edit = mien.Drag(frames, HANDLES, path, anchors=ANCHORS)
    assert np.abs(moved(PERF, edit)[frames][:, HANDLES] - path).max() < 1e-11
    whole = mien.recombine(PERF, [edit]).positions
    for block in (1, 7):
        assert same_bits(mien.recombine(PERF, [edit], block_frames=block).positions, whole)


def test_handles_are_met_whatever_the_regions_weight_is_there():
    region = np.linspace(0.1, 0.6, 99)
    change = moved(PERF, mien.Drag(20, HANDLES, MOVES, region=region))
    assert np.abs(change[20, HANDLES] - MOVES).max() < 1e-11


def test_without_region_and_anchors_it_stays_near():
    change = moved(PERF, mien.Drag(20, [49], [[0, 0, 1.0]]))[20]
    distance = mien.geodesic_distance(PERF.take.topology, PERF.neutral, [49])
    reach = 0.15 * np.linalg.norm(np.ptp(PERF.neutral, axis=0))
    assert (change[distance >= reach] == 0).all()
    assert (np.linalg.norm(change[distance < 0.8 * reach], axis=1) > 0).all()
    assert change[49, 2] == pytest.approx(1.0)


def test_parts_that_are_not_joined_stay():
    topology = mien.Topology.from_polygons(np.concatenate([_polygons(), _polygons() + 99]))
    neutral = np.concatenate([REST, REST + np.array([0, 0, 3])])
    take = mien.MeshSequence(topology, neutral[None], fps=24.0)
    perf = mien.Performance(
        take, mien.RigidMotion(np.eye(3)[None], np.zeros((1, 3))), neutral, np.zeros(1), np.ones(1)
    )
    for solver in SOLVERS:
        for limits in ({"anchors": [0, 10]}, {"region": np.ones(198)}, {}):
            change = moved(perf, mien.Drag(0, [49], [[0, 0, 1.0]], solver=solver, **limits))[0]
            assert (change[99:] == 0).all()
            assert change[50, 2] > 0


def _polygons() -> np.ndarray:
    topology, _ = performances.sheet()
    return np.asarray(topology.face_indices).reshape(-1, 4)


def test_details_turn_with_the_surface():
    """A bump on a strip that is bent up by a right angle at its end: how long its edges stay."""
    topology, _ = performances.sheet(9, 31)
    x, y = np.meshgrid(np.linspace(-3, 3, 9), np.linspace(0, 20, 31), indexing="ij")
    rest = np.stack([x, y, 0.4 * np.sin(3 * y)], axis=-1).reshape(-1, 3)
    perf = mien.Performance(
        mien.MeshSequence(topology, rest[None], fps=24.0),
        mien.RigidMotion(np.eye(3)[None], np.zeros((1, 3))),
        rest,
        np.zeros(1),
        np.ones(1),
    )
    end, fixed = np.flatnonzero(y.ravel() > 17), np.flatnonzero(y.ravel() < 3)
    turn = np.array([[1, 0, 0], [0, 0, -1.0], [0, 1, 0]])
    moves = (rest[end] - [0, 17, 0]) @ turn.T + [0, 11, 8] - rest[end]
    a, b = np.arange(len(rest) - 1), np.arange(1, len(rest))
    joined = (a + 1) % 31 != 0
    stretch = {}
    for solver in SOLVERS:
        shape = mien.recombine(perf, [mien.Drag(0, end, moves, anchors=fixed, solver=solver)]).positions[0]
        length, before = (np.linalg.norm(p[b] - p[a], axis=1)[joined] for p in (shape, rest))
        stretch[solver] = np.abs(np.log(length / before)).mean()
    assert stretch["laplacian"] < 0.8 * stretch["biharmonic"]
    assert stretch["arap"] < stretch["laplacian"]


def test_edits_before_are_seen():
    gain = mien.Gain(0.2)
    for solver in ("laplacian", "arap"):
        drag = mien.Drag(20, HANDLES, MOVES, anchors=ANCHORS, solver=solver)
        alone, after = moved(PERF, drag)[20], (moved(PERF, gain, drag) - moved(PERF, gain))[20]
        assert np.abs(alone - after).max() > 1e-4
        assert np.abs(after[HANDLES] - MOVES).max() < 1e-11


@pytest.mark.parametrize("solver", SOLVERS)
def test_other_targets_share_the_factorisation(solver):
    drag = mien.Drag([10, 20], HANDLES, [MOVES, 2 * MOVES], anchors=ANCHORS, solver=solver)
    before = mien.recombine(PERF, [drag]).positions
    other = drag.with_targets([-MOVES, MOVES])
    assert other._kept is drag._kept
    kept = drag._kept.surface
    fresh = mien.Drag([10, 20], HANDLES, [-MOVES, MOVES], anchors=ANCHORS, solver=solver)
    assert same_bits(mien.recombine(PERF, [other]).positions, mien.recombine(PERF, [fresh]).positions)
    assert drag._kept.surface is kept
    assert same_bits(mien.recombine(PERF, [drag]).positions, before)
    shown = drag.displacements(Scene(PERF, lambda f: PERF.expression[f]))
    assert np.abs(shown - moved(PERF, drag)[[10, 20]]).max() < 1e-11
    # Another performance is worked out anew.
    wide = dataclasses.replace(PERF, neutral=PERF.neutral * [1.5, 1, 1])
    assert same_bits(
        mien.recombine(wide, [drag]).positions,
        mien.recombine(wide, [dataclasses.replace(drag)]).positions,
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_missing_vertices_stay_missing_and_harm_nobody(solver):
    positions = PERF.take.positions.copy()
    positions[20, [41, 49, 70]] = np.nan
    spoilt = dataclasses.replace(PERF, take=PERF.take.with_positions(positions))
    drag = mien.Drag(20, HANDLES, MOVES, anchors=ANCHORS, solver=solver)
    result = mien.recombine(spoilt, [drag]).positions
    lost = np.isnan(result).any(axis=2)
    assert np.argwhere(lost).tolist() == [[20, 41], [20, 49], [20, 70]]
    change = moved(spoilt, drag)
    assert np.abs(change[20, [40, 60]] - MOVES[[0, 2]]).max() < 1e-11
    assert np.abs(change[18, 49] - mien.envelope(40, 12, 20, 28)[18] * MOVES[1]).max() < 1e-11


def test_joins_add_no_jump():
    acted = mien.datasets.performance(n_frames=120, seed=21)
    perf = mien.Performance(acted.take, acted.head_motion, acted.neutral, np.zeros(120), np.ones(120))
    corner = acted.head.landmarks["mouth_corner_left"]
    drags = [
        mien.Drag(60, [corner], [[0.1, 0.2, 0.0]]),
        mien.Drag([40, 60, 80], [corner], [[[0, 0.1, 0]], [[0.1, 0.2, 0.0]], [[0, 0, 0.1]]]),
    ]
    own = speed_statistics(acted.take.positions).jump_p99
    for drag in drags:
        jumps = speed_statistics(mien.recombine(perf, [drag]).positions).jump
        joins = [30, 31, 32, 33, 50, 51, 52, 53, 66, 67, 68, 69, 86, 87, 88, 89]  # jump[i]: at frame i + 1
        assert jumps[joins].max() <= 1.05 * own


def test_one_answer_on_every_instruction_set_and_thread_count(run_python, request):
    from tests.conftest import instruction_sets

    program = f"""
import hashlib, mien, numpy as np, sys
sys.path.insert(0, {str(request.config.rootpath)!r})
from tests.performances import performance
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    perf = performance(dtype=dtype, missing=0.02)
    edits = [mien.Drag([9, 20], [40, 60], np.full((2, 2, 3), 0.7), anchors=[0, 98], solver=solver)
             for solver in {SOLVERS}]
    digest.update(mien.recombine(perf, edits).positions.tobytes())
print(digest.hexdigest())
"""
    answers = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=threads)
        for isa in instruction_sets()
        for threads in ("1", "3")
    }
    assert len(answers) == 1


def by_hand(**fields: object) -> dict:
    edit = {"edit": "drag", "frame": 1021, "handles": [49], "targets": [[0, 0, 1]], **fields}
    return {"schema": "mien.edits", "version": 1, "edits": [edit]}


def test_a_file_written_by_hand(tmp_path):
    path = tmp_path / "edits.json"
    path.write_text(json.dumps(by_hand()))
    assert same_bits(
        mien.recombine(PERF, mien.EditList.load(path, PERF)).positions,
        mien.recombine(PERF, [mien.Drag(20, [49], [[0, 0, 1.0]])]).positions,
    )
    path.write_text(
        json.dumps(
            by_hand(frame=[1011, 1021], targets=[[[0, 0, 1]], [[0, 1, 0]]], anchors=[0], solver="arap")
        )
    )
    (loaded,) = mien.EditList.load(path, PERF)
    assert loaded.frame == (10, 20)
    assert loaded.solver == "arap"
    assert loaded.anchors.tolist() == [0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"frame": "1021"}, r"edits\[0\] \(drag\): field 'frame' must be a whole number"),
        ({"frame": [1021, 1.5]}, r"\(drag\): field 'frame' must be a whole number"),
        ({"handles": 49}, "field 'handles' must be a list of numbers"),
        ({"targets": [[0, 0]]}, "`targets` must have shape"),
        (
            {"target": [[0, 0, 1]]},
            "field 'target' is not known here; known are edit, frame, handles, targets",
        ),
        ({"solver": "magic"}, "`solver` must be one of 'laplacian', 'biharmonic', 'arap', got 'magic'"),
    ],
)
def test_a_wrong_file_names_edit_and_field(tmp_path, fields, words):
    path = tmp_path / "edits.json"
    path.write_text(json.dumps(by_hand(**fields)))
    with pytest.raises(FormatError, match=words):
        mien.EditList.load(path, PERF)


NAN = [[0, 0, 1], [0, np.nan, 0]]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (
            lambda: mien.Drag(20, [], np.empty((0, 3))),
            ValueError,
            "`handles` must name at least one vertex, got none",
        ),
        (
            lambda: mien.Drag(20, [3, 3], [[0, 0, 1]] * 2),
            ValueError,
            "`handles` must name every vertex once, got vertex 3 twice",
        ),
        (
            lambda: mien.Drag(20, [-1], [[0, 0, 1]]),
            ValueError,
            "`handles` must name vertices from 0 on, got -1",
        ),
        (lambda: mien.Drag(20, [0.5], [[0, 0, 1]]), TypeError, "`handles` must hold integers"),
        (
            lambda: mien.Drag(20, [3, 4], [[0, 0, 1]]),
            ValueError,
            r"`targets` must have shape \(H, 3\) = \(2, 3\), got \(1, 3\)",
        ),
        (lambda: mien.Drag([5, 20], [3], [[0, 0, 1]]), ValueError, r"`targets` must have shape \(K, H, 3\)"),
        (
            lambda: mien.Drag(20, [3, 4], NAN),
            ValueError,
            r"`targets` must be finite, got \[0.0, nan, 0.0\] at frame 20 for handle 1 \(vertex 4\)",
        ),
        (lambda: mien.Drag([5, 9], [3, 4], [np.zeros((2, 3)), NAN]), ValueError, "at frame 9 for handle 1"),
        (
            lambda: mien.Drag(20, [3, 4], MOVES[:2], anchors=[9, 4]),
            ValueError,
            "`anchors` must not name handles, got vertex 4",
        ),
        (
            lambda: mien.Drag(20, [3], [[0, 0, 1]], region=np.zeros(99)),
            ValueError,
            "`region` must have a weight above 0 somewhere",
        ),
        (lambda: mien.Drag(20, [3], [[0, 0, 1]], solver="fast"), ValueError, "`solver` must be one of"),
        (lambda: mien.Drag(20, [3], [[0, 0, 1]], space="screen"), ValueError, "`space` must be one of"),
        (
            lambda: mien.Drag([9, 9], [3], np.zeros((2, 1, 3))),
            ValueError,
            r"`frame` must be a frame or frames that rise, got \[9, 9\]",
        ),
        (lambda: mien.Drag(1.5, [3], [[0, 0, 1]]), TypeError, "`frame` must be an integer"),
    ],
)
def test_drags_say_what_is_wrong(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (mien.Drag(20, [99], [[0, 0, 1]]), "`handles` must name vertices below V = 99, got 99"),
        (
            mien.Drag(20, [3], [[0, 0, 1]], anchors=[120]),
            "`anchors` must name vertices below V = 99, got 120",
        ),
        (mien.Drag(40, [3], [[0, 0, 1]]), "`frame` must be at least 0 and below 40, got 40"),
        (
            mien.Drag(20, [3], [[0, 0, 1]], region=RegionRecipe([98], 2.0)),
            "`region` must be above 0 at handles, got 0 at vertex 3",
        ),
        (mien.Drag(20, [3], [[0, 0, 1]], region=np.ones(98)), "`region` must have"),
        (
            mien.Drag(20, [3], [[0, 0, 1]], envelope=EnvelopeRecipe(20, 25, 30)),
            "`envelope` must be 1 at frame 20, where handles are moved, got 0",
        ),
        (
            mien.Drag([10, 20], [3], np.zeros((2, 1, 3)), envelope=EnvelopeRecipe(5, 10, 25)),
            "`envelope` must be 1 at frame 20",
        ),
    ],
)
def test_what_does_not_fit_names_the_edit_and_writes_nothing(edit, words):
    out = np.full_like(PERF.take.positions, 7.0)
    with pytest.raises(ValueError, match=rf"edits\[1\] \(drag\): {words}"):
        mien.recombine(PERF, [mien.Gain(0.5), edit], out=out)
    assert (out == 7).all()


def test_a_drag_keeps_copies_that_nobody_can_change():
    handles, targets, anchors = np.array([40]), np.array([[0, 0, 1.0]]), np.array([0])
    drag = mien.Drag(20, handles, targets, anchors=anchors)
    before = mien.recombine(PERF, [drag]).positions
    handles[:], targets[:], anchors[:] = 0, 5, 50
    assert same_bits(mien.recombine(PERF, [drag]).positions, before)
    for kept in (drag.handles, drag.targets, drag.anchors):
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 1


def test_the_example_runs(tmp_path, monkeypatch, request):
    picture = tmp_path / "drag.png"
    monkeypatch.setattr("sys.argv", ["drag.py", str(picture)])
    runpy.run_path(str(request.config.rootpath / "examples/drag.py"), run_name="__main__")
    assert picture.stat().st_size > 20_000
    saved = json.loads((tmp_path / "drag.png.edits.json").read_text())
    assert saved["edits"][0]["frame"] == [1021, 1031, 1046]
