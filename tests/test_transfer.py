"""Deformation gradients and their transfer: laws, slow twins, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import polar
from scipy.spatial.transform import Rotation
from tests.oracles import transfer as oracle
from tests.test_arap_deformer import sheet

import mien
from mien.retarget import DeformationTransfer


@given(
    rows=st.integers(2, 5),
    columns=st.integers(2, 5),
    n_frames=st.sampled_from([1, 2, 17]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1 << 30),
)
def test_gradients_are_those_of_the_slow_twin(rows, columns, n_frames, dtype, seed) -> None:
    rng = np.random.default_rng(seed)
    topology, rest = sheet(rows, columns, rng)
    frames = (rest + rng.normal(0, 0.3, (n_frames, *rest.shape))).astype(dtype)
    got = mien.deformation_gradients(topology, rest, frames)
    assert got.dtype == dtype
    want = oracle.gradients(topology.triangles, rest, frames[-1].astype(np.float64))
    assert np.allclose(got[-1], want, rtol=1e-6 if dtype == np.float32 else 1e-9, atol=1e-6)


def test_gradients_of_linear_maps_and_of_no_area(rng) -> None:
    topology, rest = sheet(4, 5, rng)
    turn = Rotation.from_rotvec([0.2, -1.0, 2.0]).as_matrix()
    got = mien.deformation_gradients(topology, rest, 1.7 * rest @ turn.T + 5)
    assert np.abs(got - 1.7 * turn).max() < 1e-12
    flat = mien.Topology.from_polygons([[0, 1, 1], [0, 1, 2]], 3)
    out = mien.deformation_gradients(flat, np.eye(3), 2 * np.eye(3))
    assert np.array_equal(out[0], np.eye(3))
    assert np.allclose(out[1], 2 * np.eye(3))


def test_split_is_the_polar_decomposition_with_a_rotation(rng) -> None:
    matrices = rng.normal(size=(37, 3, 3))
    rotation, stretch = mien.split_gradients(matrices)
    assert np.abs(rotation @ stretch - matrices).max() < 1e-9
    assert np.abs(np.linalg.det(rotation) - 1).max() < 1e-9
    for m, r in zip(matrices, rotation, strict=True):
        if np.linalg.det(m) > 0:
            assert np.abs(polar(m)[0] - r).max() < 1e-8
    rank_two = np.diag([2.0, 1.0, 0.0]) @ Rotation.random(random_state=1).as_matrix()
    assert np.abs(np.linalg.det(mien.split_gradients(rank_two).rotation) - 1) < 1e-9


@given(
    shape=st.sampled_from([(), (1,), (2,), (3,), (17,), (2, 5), (0,), (70,)]),
    dtype=st.sampled_from([np.float32, np.float64]),
    rank=st.integers(2, 3),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=25)
def test_nearest_rotations_are_those_of_the_singular_values(shape, dtype, rank, seed) -> None:
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.normal(size=(*shape, 3, 3)))[0] for _ in range(2))
    values = np.array([3.0, 1.5, 0.5 if rank == 3 else 0.0]) * rng.choice([0.01, 1, 100])
    matrices = ((u * values) @ np.swapaxes(v, -1, -2)).astype(dtype)
    matrices.setflags(write=False)
    left, _, right = np.linalg.svd(matrices.astype(np.float64))
    left[..., 2] *= np.linalg.det(left @ right)[..., None]
    got = mien.nearest_rotations(matrices)
    assert got.shape == matrices.shape
    assert got.dtype == np.float64
    assert np.abs(got - left @ right).max(initial=0) < 1e-8
    assert np.abs(np.linalg.det(got) - 1).max(initial=0) < 1e-9
    assert np.array_equal(got, mien.split_gradients(matrices).rotation)


def test_nearest_rotations_read_strided_matrices_and_refuse_others(rng) -> None:
    wide = rng.normal(size=(4, 3, 6))
    assert np.array_equal(
        mien.nearest_rotations(wide[:, :, ::2]), mien.nearest_rotations(wide[:, :, ::2].copy())
    )
    with pytest.raises(ValueError, match=r"`matrices` must have shape \(..., 3, 3\), got \(3, 2\)"):
        mien.nearest_rotations(np.zeros((3, 2)))
    wide[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match="`matrices` must be finite"):
        mien.nearest_rotations(wide[:, :, :3])
    with pytest.raises(TypeError, match="`matrices`"):
        mien.nearest_rotations(np.full((3, 3), "x"))


@given(
    rows=st.integers(2, 4),
    columns=st.integers(2, 5),
    n_frames=st.sampled_from([1, 3, 17]),
    mapped=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=25)
def test_transfer_is_that_of_the_slow_twin(rows, columns, n_frames, mapped, seed) -> None:
    rng = np.random.default_rng(seed)
    topology, source = sheet(rows, columns, rng)
    target = source * [1.3, 0.8, 1.1] + rng.normal(0, 0.05, source.shape)
    n = len(topology.triangles)
    follow = rng.integers(-1, n, n).astype(np.int32) if mapped else None
    frames = source + rng.normal(0, 0.1, (n_frames, *source.shape))
    carry = DeformationTransfer(topology, source, topology, target, follow, anchors=[1])
    got = carry(frames)[-1]
    triangles, which = topology.triangles, np.arange(n) if follow is None else follow
    want = oracle.transfer(triangles, source, triangles, target, frames[-1], which, [1])
    assert np.abs(got - want).max() < 1e-8


# Laws


@pytest.fixture(scope="module")
def face() -> mien.datasets.Head:
    return mien.datasets.head("preview")


@pytest.fixture(scope="module")
def acted(face) -> np.ndarray:
    rng = np.random.default_rng(5)
    return face.evaluate(rng.uniform(0, 0.6, (18, len(face.names))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_face_gives_itself(face, acted, dtype: type) -> None:
    carry = DeformationTransfer(face.topology, face.neutral, face.topology, face.neutral, dtype=dtype)
    away = np.abs(carry(acted) - acted).max() / np.linalg.norm(np.ptp(face.neutral, axis=0))
    assert away < (2e-6 if dtype is np.float32 else 1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_neutral_gives_the_neutral_to_the_bit(face, dtype: type) -> None:
    other = mien.datasets.head("preview", identity=3)
    carry = DeformationTransfer(face.topology, face.neutral, other.topology, other.neutral, dtype=dtype)
    assert carry(face.neutral).tobytes() == other.neutral.tobytes()


def test_rigid_movements_turn_the_result(face, acted) -> None:
    other = mien.datasets.head("preview", identity=3)
    carry = DeformationTransfer(face.topology, face.neutral, other.topology, other.neutral)
    turn = Rotation.from_rotvec([0.1, 0.5, -0.2]).as_matrix()
    plain, turned = carry(acted[:2]), carry(acted[:2] @ turn.T + 3)
    away = turned - plain @ turn.T  # one shift for every connected part
    edges = face.topology.edges
    assert np.abs(away[:, edges[:, 0]] - away[:, edges[:, 1]]).max() < 1e-10


def test_sizes_do_not_matter(face, acted) -> None:
    carry = DeformationTransfer(face.topology, face.neutral, face.topology, 100 * face.neutral)
    assert np.abs(carry(acted) / 100 - acted).max() < 1e-9


def test_what_follows_nothing_keeps_still(face, acted) -> None:
    still = np.full(len(face.topology.triangles), -1, np.int32)
    carry = DeformationTransfer(face.topology, face.neutral, face.topology, face.neutral, still)
    assert np.array_equal(carry(acted), np.tile(face.neutral, (len(acted), 1, 1)))


def test_anchors_stay(face, acted) -> None:
    carry = DeformationTransfer(face.topology, face.neutral, face.topology, face.neutral, anchors=face.skull)
    assert np.array_equal(carry(acted)[:, face.skull], np.tile(face.neutral[face.skull], (len(acted), 1, 1)))


def test_frames_do_not_know_of_each_other(face, acted) -> None:
    carry = DeformationTransfer(face.topology, face.neutral, face.topology, 1.1 * face.neutral)
    together = carry(acted)
    assert all(carry(acted[f]).tobytes() == together[f].tobytes() for f in (0, 15, 16, 17))


def test_the_bits_do_not_depend_on_the_machine(run_python) -> None:
    from tests.conftest import instruction_sets

    program = """
import hashlib, numpy as np, mien
y, x = np.divmod(np.arange(120), 12)
topology = mien.Topology.from_polygons([[v, v + 1, v + 13, v + 12] for v in range(107) if v % 12 < 11])
rest, other = (np.stack([x, k * y, np.sin(k * x + y)], 1) for k in (1.0, 1.3))
frames = rest + np.random.default_rng(1).normal(0, 0.2, (35, 120, 3))
bits = hashlib.sha256()
for dtype in (np.float32, np.float64):
    carry = mien.retarget.DeformationTransfer(topology, rest, topology, other, dtype=dtype)
    bits.update(carry(frames).tobytes())
grown = mien.deformation_gradients(topology, rest, frames)
bits.update(grown.tobytes())
bits.update(mien.split_gradients(grown[:2]).rotation.tobytes())
print(bits.hexdigest())
"""
    seen = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=str(threads))
        for isa in instruction_sets()
        for threads in (1, 3)
    }
    assert len(seen) == 1


# Validity


def test_messages(rng) -> None:
    topology, rest = sheet(3, 3, rng)
    other, points = sheet(3, 4, rng)
    with pytest.raises(ValueError, match=r"`correspondence` must be given.*8 and 12"):
        DeformationTransfer(topology, rest, other, points)
    with pytest.raises(ValueError, match="below 8 or -1, got 8"):
        DeformationTransfer(topology, rest, other, points, np.full(12, 8))
    with pytest.raises(ValueError, match=r"`target_neutral` must have shape \(V, 3\) = \(12, 3\)"):
        DeformationTransfer(topology, rest, other, rest)
    with pytest.raises(ValueError, match=r"`anchors`.*got 9"):
        DeformationTransfer(topology, rest, topology, rest, anchors=[9])
    carry = DeformationTransfer(topology, rest, topology, rest)
    frames = np.tile(rest, (3, 1, 1))
    frames[1, 4] = np.inf
    with pytest.raises(ValueError, match="frame 1, vertex 4"):
        carry(frames)
    with pytest.raises(ValueError, match="frame 1, vertex 4"):
        mien.deformation_gradients(topology, rest, frames)
    assert carry(frames[:0]).shape == (0, 9, 3)
    with pytest.raises(ValueError, match=r"shape \(..., 3, 3\), got \(3, 2\)"):
        mien.split_gradients(np.zeros((3, 2)))
