"""Skinning: slow twins, laws, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tests.oracles import skinning as oracle

import mien

TWINS = {"linear": oracle.linear, "dual-quaternion": oracle.dual_quaternion}


def motions(rng, n_frames, n_joints):
    turns = Rotation.random(n_frames * n_joints, random_state=rng.integers(1 << 30)).as_matrix()
    return turns.reshape(n_frames, n_joints, 3, 3), rng.normal(size=(n_frames, n_joints, 3))


def bound(rng, n, n_joints):
    weights = rng.random((n, n_joints)) * (rng.random((n, n_joints)) < 0.5)
    weights[np.arange(n), rng.integers(0, n_joints, n)] += 0.5
    return weights / weights.sum(axis=1, keepdims=True)


@given(
    n=st.sampled_from([1, 2, 3, 64, 65, 131]),
    n_joints=st.integers(1, 5),
    n_frames=st.sampled_from([1, 2, 15, 16, 17, 33]),
    method=st.sampled_from(sorted(TWINS)),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=25)
def test_poses_are_those_of_the_slow_twin(n, n_joints, n_frames, method, dtype, seed) -> None:
    rng = np.random.default_rng(seed)
    rest, weights = rng.normal(size=(n, 3)).astype(dtype), bound(rng, n, n_joints)
    rotation, translation = motions(rng, n_frames, n_joints)
    got = mien.Skin(rest, weights, method=method).pose(rotation, translation)
    assert got.dtype == dtype
    chosen = sorted({0, n_frames - 1})
    want = TWINS[method](rest.astype(np.float64), weights, rotation[chosen], translation[chosen])
    assert np.abs(got[chosen] - want).max() < (2e-6 if dtype == np.float32 else 1e-11)


@pytest.mark.parametrize("method", sorted(TWINS))
def test_one_rigid_motion_moves_everything_rigidly(method, rng) -> None:
    rest, weights = rng.normal(size=(70, 3)), bound(rng, 70, 3)
    turn, shift = motions(rng, 4, 1)
    got = mien.Skin(rest, weights, method=method).pose(np.tile(turn, (1, 3, 1, 1)), np.tile(shift, (1, 3, 1)))
    assert np.abs(got - (rest @ turn[:, 0].transpose(0, 2, 1) + shift)).max() < 1e-12


def test_twist_keeps_its_volume_with_dual_quaternions_only() -> None:
    ring = np.stack([np.cos(np.arange(8)), np.sin(np.arange(8)), np.zeros(8)], axis=1)
    half = np.full((8, 2), 0.5)
    turns = np.stack([np.eye(3), Rotation.from_rotvec([0, 0, 0.9 * np.pi]).as_matrix()])[None]
    still = np.zeros((1, 2, 3))
    radius = {m: np.linalg.norm(mien.Skin(ring, half, method=m).pose(turns, still)[0], axis=1) for m in TWINS}
    assert np.abs(radius["dual-quaternion"] - 1).max() < 1e-12
    assert radius["linear"].max() < 0.2


def test_linear_takes_any_matrix_and_frames_do_not_know_each_other(rng) -> None:
    rest, weights = rng.normal(size=(67, 3)), bound(rng, 67, 4)
    matrix, offset = rng.normal(size=(19, 4, 3, 3)), rng.normal(size=(19, 4, 3))
    skin = mien.Skin(rest, weights)
    whole = skin.pose(matrix, offset)
    assert np.abs(whole - oracle.linear(rest, weights, matrix, offset)).max() < 1e-11
    for f in (0, 7, 18):
        assert np.array_equal(skin.pose(matrix[f : f + 1], offset[f : f + 1])[0], whole[f])
    out = np.empty_like(whole)
    assert skin.pose(matrix, offset, out=out) is out
    assert np.array_equal(out, whole)
    assert skin.pose(matrix[:0], offset[:0]).shape == (0, 67, 3)


def test_each_way_of_being_wrong_has_its_message(rng) -> None:
    rest, weights = rng.normal(size=(4, 3)), np.tile([0.25, 0.75], (4, 1))
    for changed, words in (
        (weights[:3], r"`weights` must have shape \(V, J\)"),
        (np.where(np.arange(4)[:, None] == 2, [-0.25, 1.25], weights), "at least 0, got .* at vertex 2"),
        (np.where(np.arange(4)[:, None] == 1, 0.4, weights), "sum to 1 at every vertex, got .* at vertex 1"),
    ):
        with pytest.raises(ValueError, match=words):
            mien.Skin(rest, changed)
    with pytest.raises(ValueError, match=r"`neutral` must be finite, got .* at vertex 3"):
        mien.Skin(np.where(np.arange(4)[:, None] == 3, np.nan, rest), weights)
    with pytest.raises(ValueError, match="linear"):
        mien.Skin(rest, weights, method="cubic")
    skin = mien.Skin(rest, weights, method="dual-quaternion")
    turns = np.tile(np.eye(3), (3, 2, 1, 1))
    turns[1, 1] *= 1.1
    with pytest.raises(ValueError, match=r"rotations for dual quaternions, got .* at frame 1, joint 1"):
        skin.pose(turns, np.zeros((3, 2, 3)))
    with pytest.raises(ValueError, match="`translation` must have shape"):
        skin.pose(np.tile(np.eye(3), (3, 2, 1, 1)), np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match="`out` must be"):
        mien.Skin(rest, weights).pose(turns, np.zeros((3, 2, 3)), out=np.empty((3, 4, 3), np.float32))


def test_every_path_gives_the_same_bits(run_python) -> None:
    from tests.conftest import instruction_sets

    program = """
import hashlib
import numpy as np
import mien
rng = np.random.default_rng(3)
rest, weights = rng.normal(size=(131, 3)).astype(np.float32), rng.dirichlet(np.ones(3), 131)
q, _ = np.linalg.qr(rng.normal(size=(35, 3, 3, 3)))
turns, shift = np.sign(np.linalg.det(q))[..., None, None] * q, rng.normal(size=(35, 3, 3))
bits = hashlib.sha256()
for method in ("linear", "dual-quaternion"):
    bits.update(mien.Skin(rest, weights, method=method).pose(turns, shift).tobytes())
faces = mien.Topology.from_polygons([[v, v + 1, v + 2] for v in range(129)], 131)
take = np.stack([rest * s for s in (1.0, 1.5)]).astype(np.float32)
bits.update(mien.surface_points(faces, take, np.arange(129), rng.dirichlet(np.ones(3), 129)).tobytes())
print(bits.hexdigest())
"""
    seen = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=str(threads))
        for isa in instruction_sets()
        for threads in (1, 3)
    }
    assert len(seen) == 1
