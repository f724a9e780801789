"""fit_weights and solve_weights: known weights come back, the slow twin, regions, missing vertices, messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import weights as oracle

import mien
from mien.retarget import fit_weights, solve_weights


def made_rig(rng: np.random.Generator, n_vertices: int, k: int, dtype: type = np.float32) -> mien.Rig:
    """Shapes that each move some vertices, as face shapes do."""
    neutral = rng.normal(0, 8, (n_vertices, 3)).astype(dtype)
    deltas = rng.normal(0, 1, (k, n_vertices, 3)).astype(dtype)
    deltas[rng.random((k, n_vertices)) < 0.6] = 0
    topology = mien.Topology([], [], n_vertices)
    return mien.Rig(topology, neutral, [f"shape {i}" for i in range(k)], deltas)


@given(
    n_vertices=st.integers(1, 200),
    k=st.integers(1, 20),
    n_frames=st.integers(0, 100),
    dtype=st.sampled_from([np.float32, np.float64]),
    rig_dtype=st.sampled_from([np.float32, np.float64]),
    with_region=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_normal_equations(n_vertices, k, n_frames, dtype, rig_dtype, with_region, seed) -> None:
    """The kernel against NumPy, over block and frame counts that do and do not divide."""
    rng = np.random.default_rng(seed)
    rig = made_rig(rng, n_vertices, k, rig_dtype)
    frames = (rig.neutral + rng.normal(0, 1, (n_frames, n_vertices, 3))).astype(dtype)
    region = np.where(rng.random(n_vertices) < 0.4, 0, rng.random(n_vertices)) if with_region else None
    shapes = [rig.sparse(i) for i in range(k)]
    gram, rhs, bad = mien._core.project_shapes(
        rig.neutral,
        np.cumsum([0, *(len(s.vertices) for s in shapes)], dtype=np.int64),
        np.concatenate([s.vertices for s in shapes]),
        np.concatenate([s.offsets for s in shapes]),
        region,
        frames,
    )
    wanted_gram, wanted_rhs = oracle.normal_equations(rig, frames, region)
    assert bad is None
    assert np.array_equal(gram, gram.T)
    assert np.allclose(gram, wanted_gram, rtol=1e-12, atol=1e-12)
    bound = 1e-12 if dtype is np.float64 else 3e-6
    size = np.sqrt(n_vertices) * 3 + 1
    assert np.abs(rhs - wanted_rhs).max(initial=0) <= bound * size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_known_weights_come_back(rng, dtype) -> None:
    rig = made_rig(rng, 300, 12)
    wanted = rng.uniform(0, 1, (130, 12)) * (rng.random((130, 12)) < 0.5)
    frames = rig.evaluate(wanted, dtype=dtype).positions
    fit = fit_weights(rig, frames)
    assert np.abs(fit.weights - wanted).max() < (2e-6 if dtype is np.float32 else 1e-12)
    assert fit.optimality.max() <= 1e-9
    assert fit.ridge == 0
    assert np.array_equal(solve_weights(rig, frames), fit.weights)
    assert np.array_equal(solve_weights(rig, frames[3])[0], solve_weights(rig, frames[3:4])[0])


def test_bounds_and_pulls(rng) -> None:
    rig = made_rig(rng, 100, 5)
    wanted = rng.uniform(-0.5, 1.5, (50, 5))
    frames = rig.evaluate(wanted, dtype=np.float64).positions
    free = solve_weights(rig, frames, bounds=(-9, 9))
    assert np.abs(free - wanted).max() < 1e-12
    held = solve_weights(rig, frames, bounds=[[0, 1]] * 4 + [[0.2, 0.3]])
    assert held[:, :4].min() == 0
    assert held[:, :4].max() == 1
    assert np.all((held[:, 4] >= 0.2) & (held[:, 4] <= 0.3))
    pulled = solve_weights(rig, frames, bounds=(-9, 9), regularisation=0.1)
    assert 0.5 < np.linalg.norm(pulled) / np.linalg.norm(free) < 0.99
    calm = solve_weights(rig, frames, bounds=(-9, 9), smoothness=1.0)
    assert np.sum(np.diff(calm, axis=0) ** 2) < 0.5 * np.sum(np.diff(free, axis=0) ** 2)


def test_the_unit_of_length_does_not_matter(rng) -> None:
    rig = made_rig(rng, 80, 6, np.float64)
    frames = rig.neutral + rng.normal(0, 1, (20, 80, 3))
    big = mien.Rig(rig.topology, rig.neutral * 1024, rig.names, rig.deltas * 1024)
    options = {"regularisation": 0.05, "smoothness": 0.3}
    assert np.allclose(
        solve_weights(rig, frames, **options), solve_weights(big, frames * 1024, **options), atol=1e-10
    )


def test_vertices_outside_the_region_are_not_read(rng) -> None:
    rig = made_rig(rng, 150, 6)
    frames = rig.evaluate(rng.uniform(0, 1, (70, 6))).positions.copy()
    region = (np.arange(150) % 3 > 0).astype(float)
    expected = solve_weights(rig, frames, region=region)
    frames[:, ::3] = np.nan
    assert np.array_equal(solve_weights(rig, frames, region=region), expected)
    with pytest.raises(
        ValueError,
        match=r"`expression` must be finite where it counts, got \[nan nan nan\] at frame 0, vertex",
    ):
        solve_weights(rig, frames)
    frames[:, ::3] = 0
    frames[61, 7, 1] = np.inf
    with pytest.raises(ValueError, match="at frame 61, vertex 7"):
        solve_weights(rig, frames, region=region)


def test_slices_maps_and_padding_are_read_in_place(rng, tmp_path) -> None:
    rig = made_rig(rng, 90, 5)
    frames = rig.evaluate(rng.uniform(0, 1, (31, 5))).positions
    np.save(tmp_path / "take.npy", frames)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    assert np.array_equal(solve_weights(rig, mapped[::2]), solve_weights(rig, frames[::2].copy()))
    padded = np.zeros((31, 90, 4), np.float32)
    padded[..., :3] = frames
    shapes = [rig.sparse(i) for i in range(5)]
    parts = (
        np.cumsum([0, *(len(s.vertices) for s in shapes)], dtype=np.int64),
        np.concatenate([s.vertices for s in shapes]),
        np.concatenate([s.offsets for s in shapes]),
        None,
    )
    tight = mien._core.project_shapes(rig.neutral, *parts, frames)[1]
    assert np.array_equal(mien._core.project_shapes(rig.neutral, *parts, padded[..., :3])[1], tight)


def test_instruction_sets_do_not_matter(run_python, instruction_set) -> None:
    code = """
import hashlib, numpy as np, mien
head = mien.datasets.head("preview")
frames = head.rig.evaluate(np.random.default_rng(1).uniform(0, 1, (60, head.rig.n_shapes))).positions
for dtype in (np.float32, np.float64):
    print(hashlib.sha256(mien.retarget.solve_weights(head.rig, frames.astype(dtype)).tobytes()).hexdigest())
"""
    expected = run_python(code, MIEN_ISA="base", MIEN_NUM_THREADS="1")
    assert run_python(code, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="2") == expected


def test_messages(rng) -> None:
    rig = made_rig(rng, 10, 3)
    frames = rig.evaluate(np.zeros((2, 3))).positions
    with pytest.raises(TypeError, match="`rig` must be a Rig, got int"):
        solve_weights(3, frames)
    with pytest.raises(ValueError, match=r"`expression` must have shape \(F, V, 3\)"):
        solve_weights(rig, frames[:, :4])
    with pytest.raises(ValueError, match=r"`bounds` must have shape \(K, 2\)"):
        solve_weights(rig, frames, bounds=[[0, 1]])
    with pytest.raises(ValueError, match=r"`bounds` must be \(lowest, highest\), got \(1, 0\)"):
        solve_weights(rig, frames, bounds=(1, 0))
    with pytest.raises(ValueError, match=r"`region` must lie in \[0, 1\]"):
        solve_weights(rig, frames, region=np.full(10, 2.0))
    with pytest.raises(ValueError, match="`rig` must have a shape that moves a vertex of the region"):
        solve_weights(rig, frames, region=np.zeros(10))
    with pytest.raises(ValueError, match="`rig` must have at least one shape"):
        solve_weights(rig.subset([]), frames)
    with pytest.raises(ValueError, match="`regularisation` must be at least 0"):
        solve_weights(rig, frames, regularisation=-1)
