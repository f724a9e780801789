"""Corrections carried through time: the solve against a dense twin, keys met, laws, files, messages."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import keys as oracle
from tests.performances import performance

import mien
from mien.editing import EnvelopeRecipe, SimilarRecipe

FRAMES = 40
SPACES = ("head", "surface")


@pytest.fixture(scope="module")
def perf() -> mien.Performance:
    return performance(dtype=np.float64)


def bits(positions: np.ndarray) -> np.ndarray:
    return positions.view(np.uint32 if positions.dtype == np.float32 else np.uint64)


def expression(perf, positions=None):
    return perf.head.apply_inverse(perf.take.positions if positions is None else positions)


def bump(perf, vertex=50, radius=6.0) -> np.ndarray:
    return mien.region(perf.take.topology, perf.neutral, [vertex], radius=radius)


def corrected(perf, frame, height=1.0, vertex=50):
    """A bump of one frame, as a sculptor would bring it."""
    move = bump(perf, vertex)[:, None] * [0.1, -0.2, height]
    return perf.take.positions[frame] + move @ perf.head.rotation[frame].T


# The solve


@st.composite
def problems(draw):
    n = draw(st.integers(2, 25))
    keys = sorted(draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4, unique=True)))
    start = draw(st.one_of(st.none(), st.integers(keys[0] - 6, keys[0] - 1).filter(lambda s: s >= -n)))
    end = draw(st.one_of(st.none(), st.integers(keys[-1] + 1, keys[-1] + 6).filter(lambda e: e <= 2 * n)))
    cost = np.random.default_rng(draw(st.integers(0, 99))).uniform(0.2, 3, n - 1)
    return n, keys, start, end, draw(st.sampled_from([0.0, 0.7, 3.0, 20.0])), cost


@given(problems())
def test_the_solve_is_that_of_dense_matrices(problem):
    n, keys, start, end, stiffness, cost = problem
    got = mien.carry_keys(n, keys, start=start, end=end, stiffness=stiffness, cost=cost)
    np.testing.assert_allclose(got, oracle.carry(*problem), atol=1e-8)
    assert (got[keys] == np.eye(len(keys))).all()
    if start is not None:
        assert not got[: max(start + 1, 0)].any()
    if end is not None:
        assert not got[max(end, 0) :].any()


def test_no_other_path_changes_velocities_and_accelerations_less():
    shares = mien.carry_keys(60, [20, 35], start=8, end=50, stiffness=2.0)
    values = shares @ [1.0, -0.4]
    own = oracle.energy(values, 2.0, np.ones(59))
    eased = mien.envelope(60, 8, 20, 35) - 0.4 * mien.envelope(60, 20, 35, 50)
    assert eased[[20, 35]].tolist() == [1.0, -0.4]
    assert own < 0.8 * oracle.energy(eased, 2.0, np.ones(59))
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = values.copy()
        f = rng.choice(np.setdiff1d(np.arange(9, 50), [20, 35]))
        other[f] += rng.normal(0, 0.01)
        assert oracle.energy(other, 2.0, np.ones(59)) > own


def test_a_long_take_is_carried_accurately():
    n = 5000
    shares = mien.carry_keys(n, [2500], start=0, end=n - 1, stiffness=8.0)[:, 0]
    # So far from its corners it is the straight line between them.
    slope = np.diff(shares)
    assert np.abs(slope[400:2100] - slope[400:2100].mean()).max() < 1e-10
    assert abs(shares[1250] - 0.5) < 2e-3


def test_no_key_more_and_nothing_held_is_constant():
    assert (mien.carry_keys(9, [4], stiffness=3.0) == 1).all() or np.allclose(
        mien.carry_keys(9, [4], stiffness=3.0), 1, atol=1e-13
    )
    assert mien.carry_keys(1, [0]).tolist() == [[1.0]]
    assert mien.carry_keys(1, [0], start=-1, end=1).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("keys", "options", "words"),
    [
        ([], {}, "`keys` must name frames that rise, at least one"),
        ([3, 3], {}, "`keys` must name frames that rise"),
        ([10], {}, r"`keys\[0\]` must be at least 0 and below 10"),
        ([4], {"start": 4}, "`start` and `end` must enclose the keys 4 to 4, got 4 and None"),
        ([4], {"end": 3}, "`start` and `end` must enclose"),
        ([4], {"start": -11}, "must lie within 10 frames of the take"),
        ([4], {"stiffness": -1}, "`stiffness` must be at least 0"),
        ([4], {"cost": np.ones(10)}, r"`cost` must have shape \(F - 1,\)"),
        ([4], {"cost": np.zeros(9)}, "`cost` must be above 0"),
    ],
)
def test_the_solve_says_what_is_wrong(keys, options, words):
    with pytest.raises(ValueError, match=words):
        mien.carry_keys(10, keys, **options)


# The edit


@pytest.mark.parametrize("space", SPACES)
def test_keys_are_met_and_the_rest_keeps_its_bits(perf, space):
    keys = {
        12: mien.Sculpt(12, corrected(perf, 12)),
        20: [mien.Sculpt(20, corrected(perf, 20)), mien.Gain(0.5, region=bump(perf))],
        27: [],
    }
    edit = mien.Propagate(keys, start=5, end=34, space=space)
    result = mien.recombine(perf, [edit]).positions
    take = perf.take.positions
    assert np.abs(result[12] - corrected(perf, 12)).max() < 1e-12
    alone = mien.recombine(perf, keys[20]).positions[20]
    assert np.abs(result[20] - alone).max() < 1e-12
    assert np.abs(result[27] - take[27]).max() < 1e-12
    still = bump(perf) == 0
    assert (bits(result[:, still]) == bits(take[:, still])).all()
    outside = [*range(6), *range(34, FRAMES)]
    assert (bits(result[outside]) == bits(take[outside])).all()
    changed = (result != take).any(axis=(1, 2))
    assert changed[[6, 12, 20, 33]].all()


def test_in_head_space_it_is_the_shares_times_the_corrections(perf):
    keys = {k: mien.Sculpt(k, corrected(perf, k, h, v)) for k, h, v in ((10, 1.0, 50), (22, -0.5, 30))}
    edit = mien.Propagate(keys, start=2, stiffness=1.5)
    added = expression(perf, mien.recombine(perf, [edit]).positions) - expression(perf)
    shares = oracle.carry(FRAMES, [10, 22], 2, None, 1.5, np.ones(FRAMES - 1))
    bumps = [bump(perf, v)[:, None] * [0.1, -0.2, h] for h, v in ((1.0, 50), (-0.5, 30))]
    np.testing.assert_allclose(added, np.einsum("fk,kvi->fvi", shares, bumps), atol=1e-10)


def test_on_the_surface_a_correction_turns_with_the_skin(perf):
    """A take whose skin turns as a whole: the correction turns along, in head space it does not."""
    angle = np.linspace(0, 1.2, FRAMES)
    turn = mien.RigidMotion.from_quaternions(
        np.stack([0 * angle, np.sin(angle / 2), 0 * angle, np.cos(angle / 2)], axis=1), np.zeros((FRAMES, 3))
    )
    turning = mien.Performance(
        perf.take.with_positions(perf.head.apply(turn.apply(perf.neutral))),
        perf.head,
        perf.neutral,
        perf.residual,
        perf.confidence,
    )
    key = mien.Sculpt(20, corrected(turning, 20))
    local = turn.rotation[20].T @ [0.1, -0.2, 1.0]
    shares = mien.carry_keys(FRAMES, [20], start=4, end=36)
    for space, turned in (
        ("surface", turn.rotation @ local),
        ("head", np.tile([0.1, -0.2, 1.0], (FRAMES, 1))),
    ):
        edit = mien.Propagate({20: key}, start=4, end=36, space=space)
        added = expression(turning, mien.recombine(turning, [edit]).positions) - expression(turning)
        wanted = shares[:, :, None] * bump(perf)[None, :, None] * turned[:, None, :]
        np.testing.assert_allclose(added, wanted, atol=1e-9)


@pytest.mark.parametrize("sculpt", [False, True])
def test_on_the_surface_keys_are_met_beside_missing_vertices(sculpt):
    perf = performance(dtype=np.float64, missing=0.04)
    shape = np.nan_to_num(corrected(perf, 20))
    key = mien.Sculpt(20, shape, region=bump(perf))
    edit = (
        dataclasses.replace(key, space="surface")
        if sculpt
        else mien.Propagate({20: key}, start=8, end=30, space="surface")
    )
    result = mien.recombine(perf, [edit]).positions
    wanted, take = mien.recombine(perf, [key]).positions[20], perf.take.positions[20]
    met = np.isclose(result[20], wanted, rtol=0, atol=1e-12, equal_nan=True).all(axis=1)
    # Where all around is missing there is no surface to ride on.
    assert ((result[20] == take).all(axis=1) | met).all()
    assert (met & (np.abs(wanted - take) > 1e-6).any(axis=1)).sum() > 20
    assert (result[17] != perf.take.positions[17])[np.isfinite(perf.take.positions[17])].any()


def test_where_neighbours_turn_apart_nothing_crosses_itself(perf):
    """A single column of skin is turned round at a frame: what its neighbours carry does not go with it."""
    shapes = np.tile(perf.neutral, (FRAMES, 1, 1))
    shapes[24:28, 50] += [0.0, 0.0, -2.5]
    pricked = dataclasses.replace(perf, take=perf.take.with_positions(perf.head.apply(shapes)))
    edit = mien.Propagate({20: mien.Sculpt(20, corrected(pricked, 20))}, start=8, end=34, space="surface")
    added = expression(pricked, mien.recombine(pricked, [edit]).positions) - shapes
    shares = mien.carry_keys(FRAMES, [20], start=8, end=34)[25, 0]
    wanted = shares * bump(perf)[:, None] * [0.1, -0.2, 1.0]
    assert np.linalg.norm(added[25] - wanted, axis=1).max() < 0.35 * shares


def test_a_change_hides_where_the_face_moves(perf):
    """The face jumps aside between 24 and 27: that is where a hidden correction leaves."""
    still = np.tile(perf.neutral, (FRAMES, 1, 1))
    still[:24, :, 1] += 0.01 * np.arange(24)[:, None]
    still[24:, :, 1] += 0.23
    still[25:, :, 1] += 1.0
    still[26:, :, 1] += 1.0
    acted = mien.Performance(
        perf.take.with_positions(perf.head.apply(still)),
        perf.head,
        perf.neutral,
        perf.residual,
        perf.confidence,
    )
    steps = {}
    for hide in (0.0, 30.0):
        edit = mien.Propagate(
            {15: mien.Sculpt(15, corrected(acted, 15))}, start=5, end=36, stiffness=0.0, hide=hide
        )
        added = expression(acted, mien.recombine(acted, [edit]).positions) - still
        steps[hide] = np.abs(np.diff(added[:, 50, 2]))
    assert steps[30.0][24:26].sum() > 0.7 > 2.5 * steps[0.0][24:26].sum()
    assert steps[30.0][16:23].max() < 0.5 * steps[0.0][16:23].max()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_frames_and_undo_give_the_same_bits(space, dtype):
    perf = performance(dtype=dtype, missing=0.03)
    shape = np.nan_to_num(corrected(perf, 18))
    edits = [
        mien.Gain(0.7, region=bump(perf, 40)),
        mien.Propagate(
            {
                18: [mien.Sculpt(18, shape), mien.Mirror(envelope=EnvelopeRecipe(10, 18, 30))],
                25: mien.Gain(0.8),
            },
            start=10,
            space=space,
            hide=5.0,
        ),
        mien.Gain(1.2, region=bump(perf, 20)),
    ]
    whole = mien.recombine(perf, edits).positions
    for block in (1, 3, 17):
        assert (bits(mien.recombine(perf, edits, block_frames=block).positions) == bits(whole)).all()
    for f in (9, 18, 22, 39):
        assert (bits(mien.editing.recombine_frame(perf, edits, f)) == bits(whole[f])).all()
    recombiner = mien.Recombiner(perf)
    recombiner.apply(edits)
    fewer = recombiner.apply([edits[0], edits[2]]).positions
    assert (bits(fewer) == bits(mien.recombine(perf, [edits[0], edits[2]]).positions)).all()
    again = recombiner.apply([mien.Gain(0.9), *edits[1:]]).positions
    assert (bits(again) == bits(mien.recombine(perf, [mien.Gain(0.9), *edits[1:]]).positions)).all()
    missing = np.isnan(perf.take.positions)
    assert (bits(whole[missing]) == bits(perf.take.positions[missing])).all()


def test_corrections_see_the_edits_before(perf):
    """At its key a propagated edit does what it does alone, after what came before."""
    before = mien.Gain(0.3)
    edit = mien.Propagate({20: mien.Gain(0.5, region=bump(perf))}, start=10, end=30)
    result = mien.recombine(perf, [before, edit]).positions[20]
    expected = mien.recombine(perf, [before, mien.Gain(0.5, region=bump(perf))]).positions[20]
    np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("space", SPACES)
def test_turning_the_world_turns_the_result(perf, space):
    turn = mien.RigidMotion.from_quaternions([[0.4, -0.1, 0.3, 0.8]], [[-20.0, 7.0, 90.0]])
    moved = mien.Performance(
        perf.take.with_positions(np.stack([turn.apply(frame)[0] for frame in perf.take.positions])),
        turn @ perf.head,
        perf.neutral,
        perf.residual,
        perf.confidence,
    )
    here, there = (
        mien.recombine(
            p,
            [
                mien.Propagate(
                    {
                        20: mien.Sculpt(
                            20, corrected(perf, 20) if p is perf else turn.apply(corrected(perf, 20))[0]
                        )
                    },
                    space=space,
                    hide=3.0,
                )
            ],
        ).positions
        for p in (perf, moved)
    )
    np.testing.assert_allclose(there, np.stack([turn.apply(frame)[0] for frame in here]), atol=1e-9)


def test_ends_join_without_a_jump():
    """Law 7 on the built-in face, whose expression moves all the time."""
    from mien.geometry.temporal import speed_statistics

    acted = mien.datasets.performance(n_frames=90, seed=3)
    n = len(acted)
    perf = mien.Performance(acted.take, acted.head_motion, acted.neutral, np.zeros(n), np.ones(n))
    chin = acted.head.landmarks["chin"]
    keys = {k: mien.Drag(k, [chin], [[0.0, -0.2 * s, 0.1]]) for k, s in ((40, 1.0), (50, 0.5))}
    result = mien.recombine(perf, [mien.Propagate(keys, start=20, end=70)]).positions
    before, after = (speed_statistics(x.astype(np.float64)) for x in (acted.take.positions, result))
    ends = np.array([18, 19, 20, 68, 69, 70])
    assert (result[[40, 50], chin] != acted.take.positions[[40, 50], chin]).any()
    assert after.jump[ends].max() <= 1.05 * before.jump_p99


def test_it_goes_through_a_file(perf, tmp_path):
    donor = performance(n_frames=25, seed=31, dtype=np.float64, name="donor", start_frame=1)
    edit = mien.Propagate(
        {
            12: [mien.Paste(donor, source_frames=(3, 4), at=12, blend=0), mien.Gain(0.5)],
            20: mien.Gain(0.2, envelope=SimilarRecipe(5, 8.0, donor)),
            25: [],
        },
        start=2,
        end=33,
        region=bump(perf),
        space="surface",
        stiffness=1.5,
        hide=2.0,
    )
    assert edit.sources == (donor,)
    path = tmp_path / "fix.json"
    mien.EditList([edit]).save(path, perf)
    document = json.loads(path.read_text())
    (written,) = document["edits"]
    assert (written["start"], written["end"]) == (1003, 1034)
    assert [key["frame"] for key in written["keys"]] == [1013, 1021, 1026]
    assert written["keys"][0]["edits"][0]["source_frames"] == [4, 5]
    loaded = mien.EditList.load(path, perf, sources={"donor": donor})
    again = mien.recombine(perf, loaded).positions
    assert (bits(again) == bits(mien.recombine(perf, [edit]).positions)).all()
    mien.EditList(loaded).save(tmp_path / "again.json", perf)
    assert (tmp_path / "again.json").read_text() == path.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: e.update(keys=3), r"edits\[0\] \(propagate\): field 'keys' must be a list"),
        (lambda e: e["keys"][0].update(edits=1), r"keys\[0\]: field 'edits' must be a list"),
        (lambda e: e["keys"][0].update(at=1), r"keys\[0\]: field 'at' is not known here"),
        (lambda e: e["keys"].append(e["keys"][0]), r"keys\[1\]: field 'frame' is 1013, which is there twice"),
        (lambda e: e["keys"][0]["edits"][0].update(gian=1), r"keys\[0\].edits\[0\] \(gain\): field 'gian'"),
        (lambda e: e.update(hide="much"), r"edits\[0\] \(propagate\): `hide` must be a number"),
        (lambda e: e.update(envelope={}), r"field 'envelope' is not known here; known are edit, keys, start"),
    ],
)
def test_a_file_says_what_is_wrong(perf, tmp_path, change, words):
    path = tmp_path / "fix.json"
    mien.EditList([mien.Propagate({12: mien.Gain(0.5)}, start=2)]).save(path, perf)
    document = json.loads(path.read_text())
    change(document["edits"][0])
    path.write_text(json.dumps(document))
    with pytest.raises(mien.FormatError, match=words):
        mien.EditList.load(path, perf)


def test_it_says_what_is_wrong(perf):
    gain = mien.Gain(0.5)
    with pytest.raises(TypeError, match="`keys` must be a mapping of frames to edits, got list"):
        mien.Propagate([gain])
    with pytest.raises(TypeError, match=r"`keys\[3\]\[0\]` must be an edit such as .*, got int"):
        mien.Propagate({3: [1]})
    with pytest.raises(ValueError, match="`keys` must have a frame with an edit, got none"):
        mien.Propagate({3: []})
    with pytest.raises(ValueError, match="`keys` must have edits of a frame, got remove at 3"):
        mien.Propagate({3: mien.Remove(4, 8, blend=1)})
    with pytest.raises(ValueError, match="`start` and `end` must enclose the keys 3 to 9, got 3 and None"):
        mien.Propagate({3: gain, 9: gain}, start=3)
    with pytest.raises(ValueError, match=r"`space` must be one of 'head', 'surface'"):
        mien.Propagate({3: gain}, space="world")
    with pytest.raises(ValueError, match=r"edits\[0\] \(propagate\): `keys` must be .* below 40, got 50"):
        mien.recombine(perf, [mien.Propagate({50: gain})])
    with pytest.raises(
        ValueError, match=r"keys\[3\]\[0\] \(gain\) must act on frame 3, got one for frames 11"
    ):
        mien.recombine(perf, [mien.Propagate({3: mien.Gain(0.5, envelope=EnvelopeRecipe(10, 15, 20))})])
    with pytest.raises(
        ValueError, match=r"edits\[0\] \(propagate\): keys\[3\]\[1\] \(sculpt\): `shape` must"
    ):
        mien.recombine(perf, [mien.Propagate({3: [gain, mien.Sculpt(3, perf.neutral[:-1])]})])
