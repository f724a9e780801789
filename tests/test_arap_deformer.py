"""ArapDeformer: laws, the slow twin, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tests.oracles import arap_deformer as oracle

import mien

KINDS = ("spokes", "spokes-and-rims")


def sheet(rows: int, columns: int, rng: np.random.Generator) -> tuple[mien.Topology, np.ndarray]:
    """A bumpy sheet whose angles are acute, so that no weight is negative."""
    v = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part.ravel() for part in (v[:-1, :-1], v[:-1, 1:], v[1:, 1:], v[1:, :-1]))
    polygons = np.concatenate([np.stack([a, b, d], 1), np.stack([b, c, d], 1)])
    y, x = np.divmod(v.ravel(), columns)
    points = np.stack([x + 0.5 * y, 0.9 * y, 0.4 * np.sin(x) + 0.4 * np.cos(y)], 1) + rng.normal(
        0, 0.03, (v.size, 3)
    )
    return mien.Topology.from_polygons(polygons, v.size), points


def bent(rng: np.random.Generator, n_frames: int = 3, dtype: type = np.float64, **options):
    topology, rest = sheet(5, 6, rng)
    handles = np.array([29, 24, 12])
    targets = rest[handles] + rng.normal(0, 0.8, (n_frames, 3, 3))
    deformer = mien.ArapDeformer(topology, rest.astype(dtype), handles, anchors=[0, 1, 5], **options)
    return topology, rest, deformer, targets.astype(dtype)


# The slow twin


@given(
    rows=st.integers(2, 5),
    columns=st.integers(2, 6),
    kind=st.sampled_from(KINDS),
    n_frames=st.sampled_from([1, 2, 3, 17]),
    strength=st.sampled_from([0.1, 1.0, 5.0]),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=30)
def test_oracle(rows, columns, kind, n_frames, strength, seed) -> None:
    rng = np.random.default_rng(seed)
    topology, rest = sheet(rows, columns, rng)
    handles = rng.permutation(len(rest))[: rng.integers(1, len(rest) + 1)]
    targets = rest[handles] + rng.normal(0, strength, (n_frames, len(handles), 3))
    start = rest + rng.normal(0, strength, (n_frames, *rest.shape))
    deformer = mien.ArapDeformer(topology, rest, handles, energy=kind)
    got = deformer.descend(targets, 3, start)
    frame = n_frames - 1
    want = oracle.solve(topology.triangles, rest, handles, targets[frame], start[frame], 3, kind)
    # Where two rotations fit a neighbourhood almost equally well, rounding decides: energies then still agree.
    measured = oracle.energy(topology.triangles, rest, want, kind)
    assert got.energy[frame, -1] == pytest.approx(
        oracle.energy(topology.triangles, rest, got.positions[frame], kind), rel=1e-9, abs=1e-9
    )
    if strength < 1:
        assert np.abs(got.positions[frame] - want).max() < 1e-7
        assert got.energy[frame, -1] == pytest.approx(measured, rel=1e-7, abs=1e-9)


# Laws


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_handles_and_anchors_are_met_to_the_bit(rng, kind: str, dtype: type) -> None:
    _, rest, deformer, targets = bent(rng, 19, dtype, energy=kind)
    out = deformer.solve(targets)
    assert out.dtype == dtype
    assert out[:, deformer.handles].tobytes() == targets.tobytes()
    assert np.all(out[:, deformer.anchors] == rest.astype(dtype)[deformer.anchors])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rigid_movement_comes_back(rng, dtype: type) -> None:
    topology, rest = sheet(6, 7, rng)
    turn, there = Rotation.from_rotvec([0.3, 2.9, -0.4]).as_matrix(), [400.0, -300.0, 100.0]
    moved = rest @ turn.T + there
    handles = [0, 6, 20, 41]
    got = mien.ArapDeformer(topology, rest, handles, dtype=dtype).solve(moved[handles])
    assert np.abs(got - moved).max() < (1e-5 if dtype is np.float32 else 1e-11)


def test_the_world_does_not_matter(rng) -> None:
    _, rest, deformer, targets = bent(rng)
    free = mien.ArapDeformer(sheet(5, 6, rng)[0], rest, deformer.handles)
    turn = Rotation.from_rotvec([1.0, -2.0, 0.5]).as_matrix()
    before, after = free.solve(targets), free.solve(targets @ turn.T + 50)
    assert np.abs(after - (before @ turn.T + 50)).max() < 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_the_energy_falls(rng, kind: str) -> None:
    _, _, deformer, targets = bent(rng, 5, energy=kind, weights="clamped")
    found = deformer.descend(targets, 12)
    assert found.energy.shape == (5, 13)
    assert np.all(np.diff(found.energy, axis=1) <= 1e-9 * found.energy[:, :1])
    assert np.array_equal(found.positions, deformer.solve(targets, 12))
    assert np.allclose(found.energy[:, -1], deformer.energy(found.positions), rtol=1e-9)


def test_float32_follows_float64(rng) -> None:
    _, rest, deformer, targets = bent(rng, 4)
    single = bent(np.random.default_rng(20261121), 4, dtype=np.float64)[0]
    coarse = mien.ArapDeformer(single, rest, deformer.handles, anchors=deformer.anchors, dtype=np.float32)
    exact = deformer.solve(targets)
    diagonal = np.linalg.norm(np.ptp(rest, axis=0))
    assert np.abs(coarse.solve(targets) - exact).max() < 2e-5 * diagonal
    assert np.allclose(coarse.energy(coarse.solve(targets)), deformer.energy(exact), rtol=1e-4)


def test_frames_do_not_know_of_each_other(rng) -> None:
    _, _, deformer, targets = bent(rng, 35)
    together = deformer.solve(targets)
    for f in (0, 15, 16, 34):
        assert deformer.solve(targets[f]).tobytes() == together[f].tobytes()


def test_warm_starts_arrive_where_cold_ones_do(rng) -> None:
    _, rest, deformer, _ = bent(rng)
    way = np.sin(np.linspace(0, 3, 90))[:, None, None] * rng.normal(0, 0.5, (3, 3))
    targets = rest[deformer.handles] + way
    cold, warm = deformer.solve(targets, 60), deformer.solve(targets, 60, warm_iterations=12)
    assert np.abs(cold - warm).max() < 1e-2
    assert np.all(deformer.energy(warm) <= 1.001 * deformer.energy(cold) + 1e-3 * deformer.energy(cold).max())
    assert np.all(warm[:, deformer.handles] == targets)


def test_a_start_is_where_the_rotations_come_from(rng) -> None:
    _, _, deformer, targets = bent(rng)
    once = deformer.solve(targets, 10)
    assert np.abs(deformer.solve(targets, 5, start=deformer.solve(targets, 5)) - once).max() < 1e-9
    assert np.array_equal(
        deformer.solve(targets, 2, start=once[0]), deformer.solve(targets, 2, start=once[[0, 0, 0]])
    )


def test_parts_without_handles_stay(rng) -> None:
    topology, rest = sheet(3, 4, rng)
    both = mien.Topology.from_polygons(np.concatenate([topology.triangles, topology.triangles + 12]), 26)
    points = np.concatenate([rest, rest + 9, [[1.0, 2, 3], [4, 5, 6]]])  # and two vertices without triangles
    out = mien.ArapDeformer(both, points, [0, 25]).solve([[1.0, 1, 1], [7, 8, 9]])
    assert np.array_equal(out[12:25], points[12:25])
    assert out[25].tolist() == [7, 8, 9]


@pytest.mark.parametrize("kind", KINDS)
def test_bad_triangles_do_no_harm(rng, kind: str) -> None:
    topology, rest = sheet(4, 4, rng)
    fin = [[0, 1, 9], [0, 1, 14], [2, 2, 3], [5, 6, 5], [10, 11, 10]]  # a fan at an edge, and no area
    rest[15] = rest[14]
    messy = mien.Topology.from_polygons(np.concatenate([topology.triangles, fin]), 16)
    out = mien.ArapDeformer(messy, rest, [0, 7], energy=kind, weights="clamped").solve(rest[[0, 7]] + 0.3)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("kind", KINDS)
def test_mirrored_and_flat_targets_give_rotations(rng, kind: str) -> None:
    topology, rest = sheet(4, 5, rng)
    deformer = mien.ArapDeformer(topology, rest, np.arange(20), energy=kind)
    for shape in (rest * [-1, 1, 1], rest * [1, 1, 0], rest * [1, 0, 0], rest * 0, -rest):
        want = oracle.energy(topology.triangles, rest, shape, kind)
        assert deformer.energy(shape) == pytest.approx(want, rel=1e-9, abs=1e-9)


def test_the_bits_do_not_depend_on_the_machine(run_python) -> None:
    from tests.conftest import instruction_sets

    program = """
import hashlib, numpy as np, mien
y, x = np.divmod(np.arange(120), 12)
polygons = [[v, v + 1, v + 13, v + 12] for v in range(107) if v % 12 < 11]
rest = np.stack([x, y, np.sin(x + y)], 1) + 0.0
rng = np.random.default_rng(3)
bits = hashlib.sha256()
for dtype, kind in ((np.float32, "spokes"), (np.float64, "spokes-and-rims")):
    deformer = mien.ArapDeformer(mien.Topology.from_polygons(polygons), rest, [0, 50, 119], energy=kind, dtype=dtype)
    targets = rest[[0, 50, 119]] + rng.normal(0, 2, (35, 3, 3))
    bits.update(deformer.solve(targets, 3).tobytes())
    bits.update(deformer.descend(targets[:1], 1).energy.tobytes())
    bits.update(deformer.solve(targets, 2, warm_iterations=1).tobytes())
print(bits.hexdigest())
"""
    seen = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=str(threads))
        for isa in instruction_sets()
        for threads in (1, 3)
    }
    assert len(seen) == 1


# Validity and contracts


def test_messages(rng) -> None:
    topology, rest = sheet(3, 3, rng)
    make = mien.ArapDeformer
    for arguments, options, words in [
        ((topology, rest, []), {}, "at least one vertex"),
        ((topology, rest, [1, 1]), {}, "vertex 1 more often"),
        ((topology, rest, [9]), {}, "below V = 9, got 9"),
        ((topology, rest, [0]), {"anchors": [-1]}, "`anchors`.*got -1"),
        ((topology, rest, [0]), {"energy": "rims"}, "'spokes-and-rims', got 'rims'"),
        ((topology, rest, [0]), {"weights": "uniform"}, "'clamped', got 'uniform'"),
        ((topology, rest[:5], [0]), {}, r"`neutral` must have shape \(V, 3\) = \(9, 3\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            make(*arguments, **options)
    deformer = make(topology, rest, [0, 8])
    targets = np.tile(rest[[0, 8]], (4, 1, 1))
    targets[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match="frame 2, handle 1"):
        deformer.solve(targets)
    with pytest.raises(ValueError, match=r"`start` must have 1 frame or as many as targets, 2, got 3"):
        deformer.solve(targets[:2], start=np.tile(rest, (3, 1, 1)))
    with pytest.raises(TypeError, match="float32 or float64"):
        make(topology, rest, [0], dtype=np.int32)


def test_inputs_stay_and_strides_are_followed(rng) -> None:
    _, _, deformer, targets = bent(rng, 6)
    wide = np.full((6, 3, 4), 9.0)
    wide[..., :3] = targets
    wide.flags.writeable = targets.flags.writeable = False
    assert deformer.solve(wide[..., :3]).tobytes() == deformer.solve(targets).tobytes()
    assert deformer.solve(targets[::2]).tobytes() == deformer.solve(targets)[::2].tobytes()
    assert deformer.solve(targets[:0]).shape == (0, 30, 3)
