"""Gain along a component, Sculpt on the surface: known truth, laws, files, messages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tests.performances import performance, sheet
from tests.test_edit_list import plain
from tests.test_editing import FRAMES, bits, envelopes, other_topology, regions
from tests.test_offset import N, acted, column

import mien
from mien.editing.components import _eigen, principal_component
from mien.editing.surface_frames import SurfaceFrames

PERF = performance(missing=0.03)
EXACT = performance(dtype=np.float64)
TOPOLOGY, REST = sheet()


@pytest.fixture(scope="module")
def rig():
    return mien.datasets.head("preview").rig


def test_only_the_named_shape_is_held_back(rig):
    brow = np.linspace(0, 0.8, N)
    perf = acted(rig, column(rig, "browInnerUp", brow) + column(rig, "jawOpen", 0.5))
    result = mien.recombine(perf, [mien.Gain(0.25, component="browInnerUp", rig=rig)]).positions
    truth = acted(rig, column(rig, "browInnerUp", 0.25 * brow) + column(rig, "jawOpen", 0.5)).take.positions
    # Brows and jaw share next to nothing; correctives of the brow are not scaled.
    assert abs(result - truth).max() < 0.05 * abs(perf.take.positions - truth).max()
    still = np.ones(rig.n_vertices, bool)
    still[rig.sparse("browInnerUp").vertices] = False
    assert (result[:, still] == perf.take.positions[:, still]).all()


def test_a_principal_component_and_a_direction():
    first = principal_component(EXACT, 0)
    departure = (EXACT.expression - REST).reshape(FRAMES, -1)
    expected = np.linalg.svd(departure)[2][0]
    assert abs(first.ravel() @ expected) / np.linalg.norm(first) == pytest.approx(1, abs=1e-9)
    one, two = (mien.recombine(EXACT, [mien.Gain(0.0, component=c)]).positions for c in (0, 5 * first))
    np.testing.assert_allclose(one, two, atol=1e-10)
    left = (EXACT.head.apply_inverse(one) - REST).reshape(FRAMES, -1)
    assert abs(left @ expected).max() < 1e-9
    # The sheet has two bumps: with both components gone nothing is left.
    both = mien.recombine(EXACT, [mien.Gain(0.0, component=0), mien.Gain(0.0, component=1)]).positions
    np.testing.assert_allclose(both, EXACT.head.apply(np.tile(REST, (FRAMES, 1, 1))), atol=1e-9)


def test_eigenvectors():
    a = np.random.default_rng(3).normal(size=(12, 12))
    values, vectors = _eigen(a @ a.T)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, a @ a.T, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(12), atol=1e-12)


def test_a_sculpt_turns_with_the_surface():
    """The whole face turns inside its head space: what was sculpted turns along."""
    turns = Rotation.from_rotvec(np.linspace(0, 1.2, 20)[:, None] * [0.3, 0.8, 0.2]).as_matrix()
    take = mien.MeshSequence(TOPOLOGY, REST @ turns.transpose(0, 2, 1))
    perf = mien.Performance(take, mien.RigidMotion.identity(20), REST, np.zeros(20), np.ones(20))
    bump = np.zeros_like(REST)
    bump[40:45] = [0.2, -0.1, 0.6]
    edit = mien.Sculpt(0, REST + bump, space="surface", envelope=np.ones(20))
    result = mien.recombine(perf, [edit]).positions
    np.testing.assert_allclose(result, (REST + bump) @ turns.transpose(0, 2, 1), atol=1e-10)
    head = mien.recombine(perf, [dataclasses.replace(edit, space="world")]).positions
    assert abs(head[-1] - result[-1]).max() > 0.1


def test_frames_on_the_surface_are_rotations_and_follow_small_changes_a_little():
    frames = SurfaceFrames(TOPOLOGY, REST, np.arange(99)).at(REST)
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.tile(np.eye(3), (99, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(frames), 1, atol=1e-12)
    some = SurfaceFrames(TOPOLOGY, REST, np.array([3, 50])).at(REST)
    assert (some == frames[[3, 50]]).all()


gains = st.builds(
    mien.Gain,
    st.floats(-1, 2),
    region=regions,
    envelope=envelopes,
    component=st.sampled_from([0, 1, np.ones((99, 3))]),
)
sculpts = st.builds(
    lambda frame, seed, region: mien.Sculpt(
        frame, REST + np.random.default_rng(seed).normal(0, 0.3, REST.shape), region=region, space="surface"
    ),
    st.integers(0, FRAMES - 1),
    st.integers(0, 9),
    regions,
)


@given(st.lists(st.one_of(gains, sculpts), max_size=3), st.sampled_from([1, 3, 7]))
@settings(max_examples=20)
def test_the_block_size_does_not_matter_and_outside_nothing_changes(edits, block):
    whole = mien.recombine(PERF, edits).positions
    assert (bits(mien.recombine(PERF, edits, block_frames=block).positions) == bits(whole)).all()
    held = [dataclasses.replace(e, region=np.arange(99) < 50) for e in edits]
    result = mien.recombine(PERF, held).positions
    assert (bits(result[:, 50:]) == bits(PERF.take.positions[:, 50:])).all()


def test_the_sculpt_is_met_and_the_world_does_not_matter():
    shape = EXACT.take.positions[20] + np.random.default_rng(1).normal(0, 0.2, REST.shape)
    edit = mien.Sculpt(20, shape, space="surface")
    result = mien.recombine(EXACT, [edit]).positions
    np.testing.assert_allclose(result[20], shape, atol=1e-10)
    turn = mien.RigidMotion.from_quaternions([[0.4, -0.1, 0.3, 0.8]], [[-20.0, 7.0, 90.0]])
    take = EXACT.take.with_positions(np.stack([turn.apply(f)[0] for f in EXACT.take.positions]))
    moved = dataclasses.replace(EXACT, take=take, head=turn @ EXACT.head)
    there = mien.recombine(moved, [dataclasses.replace(edit, shape=turn.apply(shape)[0])]).positions
    np.testing.assert_allclose(there, np.stack([turn.apply(f)[0] for f in result]), atol=1e-9)


def test_files(tmp_path, rig):
    perf = acted(rig, np.zeros((N, rig.n_shapes)))
    edits = mien.EditList([mien.Gain(0.5, component="jawOpen", rig=rig), mien.Gain(0.5, component=2)])
    edits.save(tmp_path / "edits.json", perf, sources={"hero": rig})
    again = mien.EditList.load(tmp_path / "edits.json", perf, sources={"hero": rig})
    assert [plain(e) for e in again] == [plain(e) for e in edits]
    edits = mien.EditList([mien.Gain(0.5, component=REST), mien.Sculpt(3, REST, space="surface")])
    edits.save(tmp_path / "edits.json", PERF)
    assert [plain(e) for e in mien.EditList.load(tmp_path / "edits.json", PERF)] == [plain(e) for e in edits]


def test_messages(rig):
    with pytest.raises(ValueError, match="`rig` must be given where `component` is a name, 'jawOpen'"):
        mien.Gain(0.5, component="jawOpen")
    with pytest.raises(ValueError, match="must be a shape of the rig, got 'smirk'"):
        mien.Gain(0.5, component="smirk", rig=rig)
    with pytest.raises(ValueError, match="`rig` must come with the name of a shape"):
        mien.Gain(0.5, rig=rig)
    with pytest.raises(ValueError, match="`component` must move something"):
        mien.Gain(0.5, component=np.zeros((99, 3)))
    with pytest.raises(
        ValueError, match=r"edits\[0\] \(gain\): `component` must be one that the take has, got 7"
    ):
        mien.recombine(EXACT, [mien.Gain(0.5, component=7)])
    with pytest.raises(ValueError, match=r"edits\[0\] \(gain\): `rig` must have the topology"):
        mien.recombine(other_topology(), [mien.Gain(0.5, component="jawOpen", rig=rig)])
