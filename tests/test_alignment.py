"""align_frames: laws, the slow twin, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from tests.oracles import alignment as oracle

import mien

FIELDS = ("rotation", "translation", "scale", "residual", "support", "spread", "iterations")


def rotations(n: int, rng: np.random.Generator) -> np.ndarray:
    return Rotation.random(n, random_state=int(rng.integers(1 << 31))).as_matrix()


def blob(n_vertices: int, rng: np.random.Generator) -> np.ndarray:
    """Points about as wide, high and deep as a face, in centimetres."""
    return rng.uniform(-1, 1, (n_vertices, 3)) * [7, 11, 5] + [0, 0, 6]


def moved(
    reference: np.ndarray, n_frames: int, rng: np.random.Generator, *, noise: float = 0.0, moving: float = 0.0
):
    """Frames under known motion; a share `moving` of the vertices leaves its place by about a centimetre."""
    rotation, translation = rotations(n_frames, rng), rng.normal(0, 20, (n_frames, 3))
    local = np.tile(reference, (n_frames, 1, 1))
    loose = np.arange(len(reference)) < moving * len(reference)
    local[:, loose] += rng.normal([0, -1, 0], 1, (n_frames, int(loose.sum()), 3))
    local += rng.normal(0, noise, local.shape) if noise else 0
    return np.einsum("fij,fvj->fvi", rotation, local) + translation[:, None], rotation, translation


# Laws


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_known_motion_comes_back(rng, robust: bool, dtype: type) -> None:
    reference = blob(200, rng)
    frames, rotation, translation = moved(reference, 7, rng)
    fit = mien.align_frames(frames.astype(dtype), reference, robust=robust)
    bound = 1e-13 if dtype is np.float64 else 3e-6
    assert np.abs(fit.rotation - rotation).max() < bound
    assert np.abs(fit.translation - translation).max() < 100 * bound
    assert fit.residual.max() < 100 * bound
    assert np.all(fit.scale == 1)
    if not robust:
        assert np.all(fit.support == 1)
        assert np.all(np.isinf(fit.sigma))


def test_scale_comes_back(rng) -> None:
    reference = blob(60, rng)
    frames, rotation, translation = moved(reference, 5, rng)
    size = np.array([0.1, 0.9, 1.0, 1.3, 40.0])
    frames = (frames - translation[:, None]) * size[:, None, None] + translation[:, None]
    fit = mien.align_frames(frames, reference, scale=True)
    assert np.allclose(fit.scale, size, rtol=1e-13)
    assert np.abs(fit.rotation - rotation).max() < 1e-13


def test_what_moves_does_not_pull_a_robust_fit(rng) -> None:
    reference = blob(500, rng)
    frames, rotation, _ = moved(reference, 6, rng, noise=0.002, moving=0.45)
    plain, robust = (mien.align_frames(frames, reference, robust=r) for r in (False, True))
    assert np.abs(plain.rotation - rotation).max() > 1e-2
    assert np.abs(robust.rotation - rotation).max() < 4e-4
    assert np.all((robust.support > 0.5) & (robust.support < 0.6))


@pytest.mark.parametrize("robust", [False, True])
def test_the_world_does_not_matter(rng, robust: bool) -> None:
    reference = blob(300, rng)
    frames, _, _ = moved(reference, 4, rng, noise=0.01, moving=0.3)
    turn = Rotation.from_rotvec([0, np.pi, 0]).as_matrix()
    there = np.array([4000.0, -3000.0, 1000.0])
    before = mien.align_frames(frames, reference, robust=robust)
    after = mien.align_frames(frames @ turn.T + there, reference, robust=robust)
    assert np.abs(after.rotation - turn @ before.rotation).max() < 1e-11
    assert np.abs(after.translation - (before.translation @ turn.T + there)).max() < 1e-9
    assert np.allclose(after.residual, before.residual, rtol=1e-9)


@pytest.mark.parametrize("robust", [False, True])
def test_weights_count_by_their_ratios(rng, robust: bool) -> None:
    reference, weights = blob(100, rng), rng.uniform(0, 1, 100)
    frames, _, _ = moved(reference, 3, rng, noise=0.05, moving=0.2)
    once = mien.align_frames(frames, reference, weights, robust=robust)
    more = mien.align_frames(frames, reference, 8 * weights, robust=robust)
    assert all(np.array_equal(a, b) for a, b in zip(once, more, strict=True))


def test_missing_vertices_equal_zero_weights(rng) -> None:
    reference = blob(90, rng)
    frames, _, _ = moved(reference, 4, rng, noise=0.05, moving=0.2)
    gone = rng.random(90) < 0.3
    gone[0] = True
    with_holes = frames.copy()
    with_holes[:, gone] = np.nan
    for robust in (False, True):
        holes = mien.align_frames(with_holes, reference, robust=robust, missing=True)
        zeros = mien.align_frames(frames, reference, (~gone).astype(float), robust=robust)
        assert np.abs(holes.rotation - zeros.rotation).max() < 1e-8  # they may stop an iteration apart
        assert np.allclose(holes.residual, zeros.residual, rtol=1e-7)
        assert np.allclose(holes.support, zeros.support * (~gone).mean(), rtol=1e-7)


def test_a_missing_reference_vertex_has_no_weight(rng) -> None:
    reference = blob(40, rng)
    frames, rotation, _ = moved(reference, 2, rng)
    reference[7] = np.nan
    fit = mien.align_frames(frames, reference, missing=True)
    assert np.abs(fit.rotation - rotation).max() < 1e-13
    assert np.all(fit.support == 1)


def test_flat_and_mirrored_data_get_a_rotation(rng) -> None:
    flat = blob(50, rng) * [1, 1, 0]
    frames, rotation, _ = moved(flat, 5, rng)
    assert np.abs(mien.align_frames(frames, flat).rotation - rotation).max() < 1e-13
    solid = blob(50, rng)
    mirrored = mien.align_frames(solid * [-1, 1, 1], solid)
    assert np.linalg.det(mirrored.rotation[0]) == pytest.approx(1)


@pytest.mark.parametrize("robust", [False, True])
def test_the_bits_do_not_depend_on_the_machine(run_python, robust: bool) -> None:
    from tests.conftest import instruction_sets

    program = f"""
import hashlib, numpy as np, mien
rng = np.random.default_rng(3)
for dtype in (np.float32, np.float64):
    q = rng.normal(0, 9, (1003, 3)).astype(dtype)
    p = (q + rng.normal(0, 1, (9, 1003, 3)) * (rng.random((9, 1003, 1)) < 0.4)).astype(dtype)
    for loss in ([True, "huber", "tukey"] if {robust} else [False]):
        fit, still = mien.stabilise_frames(p, q, rng.random(1003), robust=loss, scale=True)
        print(hashlib.sha256(b"".join(a.tobytes() for a in (*fit, still))).hexdigest())
"""
    seen = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=str(threads))
        for isa in instruction_sets()
        for threads in (1, 3)
    }
    assert len(seen) == 1


# The slow twin


@given(
    n_vertices=st.integers(4, 200),
    dtype=st.sampled_from([np.float32, np.float64]),
    robust=st.booleans(),
    scale=st.booleans(),
    weighted=st.booleans(),
    holes=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_oracle(n_vertices, dtype, robust, scale, weighted, holes, seed) -> None:
    rng = np.random.default_rng(seed)
    n_vertices += 12 * robust  # below that a robust fit may have several solutions that are equally good
    reference = blob(n_vertices, rng).astype(dtype)
    frames = moved(reference, 2, rng, noise=0.1, moving=0.2)[0].astype(dtype)
    weights = rng.uniform(0.1, 1, n_vertices) if weighted else None
    if holes and n_vertices > 8:
        frames[1, rng.integers(0, n_vertices, 3)] = np.nan
    got = mien.align_frames(frames, reference, weights, robust=robust, scale=scale, missing=True)
    want = oracle.align(frames, reference, weights, robust, scale)
    # The robust scale comes from squares kept as float32, and a reweighting more or less at the end is the tolerance.
    bound = 1e-6 if robust else 1e-11
    for name in FIELDS[:-1]:
        assert np.allclose(getattr(got, name), want[name], rtol=bound, atol=100 * bound), name
    assert np.abs(got.iterations - want["iterations"]).max() <= 2


@given(
    n_vertices=st.integers(512, 2100),
    robust=st.sampled_from([False, "geman-mcclure", "huber", "tukey"]),
    scale=st.booleans(),
    weighted=st.sampled_from(["no", "vertex", "frame"]),
    holes=st.booleans(),
    fixed=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_lanes_of_floats_follow_the_oracle(n_vertices, robust, scale, weighted, holes, fixed, seed) -> None:
    rng = np.random.default_rng(seed)
    reference = blob(n_vertices, rng)
    frames = moved(reference, 2, rng, noise=0.1, moving=0.2)[0].astype(np.float32)
    shape = {"no": None, "vertex": n_vertices, "frame": (2, n_vertices)}[weighted]
    weights = None if shape is None else rng.uniform(0.1, 1, shape)
    if holes:
        frames[1, rng.integers(0, n_vertices, 30)] = np.nan
    sigma = 0.2 if fixed else None
    got = mien.align_frames(frames, reference, weights, robust, scale, missing=True, sigma=sigma)
    loss = {"loss": robust} if robust else {}
    want = oracle.align(frames, reference, weights, bool(robust), scale, sigma=sigma, **loss)
    # A reweighting stops where the steps are as small as the rounding of a float: 1e-7 of the extent each.
    bound = 1e-5 if robust else 5e-8
    assert np.abs(got.rotation - want["rotation"]).max() < bound
    assert np.abs(got.translation - want["translation"]).max() < 40 * bound
    assert np.allclose(got.scale, want["scale"], rtol=bound)
    for name in ("residual", "support", "spread", "sigma"):
        assert np.allclose(getattr(got, name), want[name], rtol=2e-3), name


@given(
    n_vertices=st.integers(16, 120),
    robust=st.sampled_from(["huber", "tukey"]),
    fixed=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_other_losses_and_weights_of_frames(n_vertices, robust, fixed, seed) -> None:
    rng = np.random.default_rng(seed)
    reference = blob(n_vertices, rng)
    frames = moved(reference, 2, rng, noise=0.1, moving=0.2)[0]
    weights, sigma = rng.uniform(0.1, 1, (2, n_vertices)), 0.5 if fixed else None
    got = mien.align_frames(frames, reference, weights, robust, sigma=sigma)
    want = oracle.align(frames, reference, weights, True, loss=robust, sigma=sigma)
    for name in FIELDS[:-1]:
        assert np.allclose(getattr(got, name), want[name], rtol=1e-5, atol=1e-4), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_strides_are_followed(rng, dtype: type) -> None:
    reference = blob(130, rng)
    frames = moved(reference, 6, rng, noise=0.1)[0].astype(dtype)
    padded = np.full((6, 130, 4), 99, dtype)
    padded[..., :3] = frames
    for robust in (False, True):
        dense = mien._core.align_frames(frames, reference, None, robust, False, False)
        wide = mien._core.align_frames(padded[..., :3], reference, None, robust, False, False)
        assert all(np.array_equal(a, b) for a, b in zip(dense[2], wide[2], strict=True))
        every_other = mien.align_frames(frames[::2], reference, robust=robust)
        assert np.array_equal(every_other.rotation, dense[2][0][::2])


@pytest.mark.parametrize("n_vertices", [5, 700])
def test_weights_of_frames_equal_fits_one_by_one(rng, n_vertices: int) -> None:
    reference, weights = blob(n_vertices, rng), rng.uniform(0, 1, (3, n_vertices))
    frames = moved(reference, 3, rng, noise=0.05, moving=0.1)[0].astype(np.float32)
    together = mien.align_frames(frames, reference, weights)
    for f in range(3):
        alone = mien.align_frames(frames[f], reference, weights[f])
        assert np.abs(together.rotation[f] - alone.rotation[0]).max() < 5e-8
        assert together.residual[f] == pytest.approx(alone.residual[0], rel=1e-3)
        assert together.support[f] == 1


def test_numbers_that_floats_cannot_square_go_to_doubles(rng) -> None:
    reference = blob(600, rng)
    frames, rotation, _ = moved(reference, 2, rng)
    for size in (1e-15, 1e12, 1e25):
        fit = mien.align_frames((frames * size).astype(np.float32), reference * size)
        assert np.abs(fit.rotation - rotation).max() < 1e-6, size
    fit = mien.align_frames((frames * 1e25).astype(np.float32), reference, scale=True)
    assert np.allclose(fit.scale, 1e25, rtol=1e-6)


# Stabilised takes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_vertices", [3, 17, 600, 1041])
def test_stabilised_frames_lie_where_the_reference_does(rng, dtype: type, n_vertices: int) -> None:
    reference = blob(n_vertices, rng)
    frames = moved(reference, 5, rng, noise=0.01)[0].astype(dtype)
    head, positions = mien.stabilise_frames(frames, reference)
    assert positions.dtype == dtype
    exact = mien.RigidMotion(head.rotation, head.translation).apply_inverse(frames.astype(np.float64))
    assert np.abs(positions - exact).max() < (5e-6 if dtype is np.float32 else 1e-13)
    alone = mien.align_frames(frames, reference)
    assert all(np.array_equal(a, b) for a, b in zip(head, alone, strict=True))
    bigger = mien.stabilise_frames(frames * dtype(2), reference, scale=True)
    assert np.abs(bigger.positions - positions).max() < (0.05 if n_vertices > 3 else 1)


def test_a_far_head_is_stabilised_as_well_as_a_near_one(rng) -> None:
    reference = blob(800, rng)
    frames = moved(reference, 4, rng)[0]
    for far in (0, 400.0, 1e5):
        world = (frames + far).astype(np.float32)
        found, positions = mien.stabilise_frames(world, reference)
        exact = mien.RigidMotion(found.rotation, found.translation).apply_inverse(world.astype(np.float64))
        assert np.abs(positions - exact).max() < 5e-6  # 3 units in the last place of a head of 25


def test_stabilising_in_place_and_apart_gives_the_same_bits(rng) -> None:
    reference = blob(530, rng)
    frames = moved(reference, 6, rng, noise=0.05)[0].astype(np.float32)
    frames[2, 7] = np.nan
    apart = mien.stabilise_frames(frames, reference, robust=True, missing=True).positions
    assert np.isnan(apart[2, 7]).all()
    assert np.isfinite(np.delete(apart[2], 7, axis=0)).all()
    own = frames.copy()
    assert mien.stabilise_frames(own, reference, robust=True, missing=True, out=own).positions is own
    assert np.array_equal(own, apart, equal_nan=True)
    padded = np.full((6, 531, 3), 7, np.float32)
    mien.stabilise_frames(frames, reference, robust=True, missing=True, out=padded[:, :530])
    assert np.array_equal(padded[:, :530], apart, equal_nan=True)
    assert (padded[:, 530] == 7).all()
    assert mien.stabilise_frames(frames[0], reference).positions.shape == (1, 530, 3)


def test_results_larger_than_the_caches_have_the_same_bits(rng) -> None:
    reference = blob(80_001, rng).astype(np.float32)
    frames = np.tile(reference, (19, 1, 1))  # 18 MB, which is written past the caches
    frames += rng.normal(0, 3, (19, 1, 3)).astype(np.float32)
    whole = mien.stabilise_frames(frames, reference).positions
    parts = [mien.stabilise_frames(frames[f], reference).positions[0] for f in (0, 7, 18)]
    assert np.array_equal(whole[[0, 7, 18]], parts)
    motion = mien.RigidMotion(rotations(19, rng), rng.normal(0, 9, (19, 3)))
    moved_all = motion.apply(frames)
    assert np.array_equal(moved_all[[0, 7, 18]], [motion[f].apply(frames[f])[0] for f in (0, 7, 18)])


# Validity


def test_messages_of_options(rng) -> None:
    reference = blob(10, rng)
    frames = np.tile(reference, (3, 1, 1))
    with pytest.raises(
        ValueError, match=r"`robust` must be one of 'geman-mcclure', 'huber', 'tukey', got 'l1'"
    ):
        mien.align_frames(frames, reference, robust="l1")
    with pytest.raises(ValueError, match=r"`sigma` must be above 0"):
        mien.align_frames(frames, reference, robust=True, sigma=0)
    with pytest.raises(ValueError, match=r"`max_iterations` must be at least 1"):
        mien.align_frames(frames, reference, robust=True, max_iterations=0)
    with pytest.raises(ValueError, match=r"`weights` must have shape \(F, V\) = \(3, 10\), got \(2, 10\)"):
        mien.align_frames(frames, reference, np.ones((2, 10)))
    with pytest.raises(ValueError, match=r"`weights` must be at least 0, got -1 at frame 2, vertex 4"):
        mien.align_frames(frames, reference, np.where(np.arange(30).reshape(3, 10) == 24, -1.0, 1.0))
    few = np.ones((3, 10))
    few[1, 2:] = 0
    with pytest.raises(mien.NumericalError, match=r"frame 1 .* got 2"):
        mien.align_frames(frames, reference, few)
    with pytest.raises(ValueError, match=r"`out` must be a writable float64 array of shape \(3, 10, 3\)"):
        mien.stabilise_frames(frames, reference, out=np.empty((3, 10, 3), np.float32))
    frames.flags.writeable = False
    with pytest.raises(ValueError, match=r"`out` must be a writable"):
        mien.stabilise_frames(frames, reference, out=frames)
    room = np.zeros((4, 10, 3))
    with pytest.raises(ValueError, match=r"`out` must be `positions` itself or share no memory"):
        mien.stabilise_frames(room[:3], reference, out=room[1:])


def test_messages(rng) -> None:
    reference = blob(10, rng)
    frames = np.tile(reference, (3, 1, 1))
    with pytest.raises(ValueError, match=r"`reference` must have shape \(V, 3\) = \(10, 3\), got \(9, 3\)"):
        mien.align_frames(frames, reference[:9])
    with pytest.raises(TypeError, match=r"`positions` must be float32 or float64"):
        mien.align_frames(frames.astype(np.float16), reference)
    with pytest.raises(ValueError, match=r"`weights` must be at least 0, got -1 at vertex 4"):
        mien.align_frames(frames, reference, np.where(np.arange(10) == 4, -1.0, 1.0))
    with pytest.raises(ValueError, match=r"`weights` must be finite"):
        mien.align_frames(frames, reference, np.full(10, np.nan))
    for value in (np.nan, np.inf):
        broken = frames.copy()
        broken[1, 0, 2] = value
        for robust in (False, True):
            with pytest.raises(ValueError, match=r"frame 1, vertex 0"):
                mien.align_frames(broken, reference, robust=robust)
            with pytest.raises(ValueError, match=r"frame 1, vertex 0"):
                mien.align_frames(broken, reference, np.r_[0.0, np.ones(9)], robust=robust)
    with pytest.raises(ValueError, match=r"`reference` must be finite.*vertex 3"):
        mien.align_frames(frames, np.where(np.arange(10)[:, None] == 3, np.nan, reference))


@pytest.mark.parametrize("robust", [False, True])
def test_degenerate_frames_are_named(rng, robust: bool) -> None:
    reference = blob(10, rng)
    frames = np.tile(reference, (4, 1, 1))
    frames[2, 2:] = np.nan
    with pytest.raises(mien.NumericalError, match=r"frame 2 .* at least 3 vertices .* got 2"):
        mien.align_frames(frames, reference, robust=robust, missing=True)
    frames[2] = np.nan
    with pytest.raises(mien.NumericalError, match=r"frame 2 .* got 0"):
        mien.align_frames(frames, reference, robust=robust, missing=True)
    for dtype in (np.float32, np.float64):
        line = np.tile(reference, (4, 1, 1)).astype(dtype)
        line[3] = np.linspace(-3, 5, 10)[:, None] * np.array([0.3, 0.5, -0.7]) + 4
        with pytest.raises(mien.NumericalError, match=r"frame 3 .* on a line"):
            mien.align_frames(line, reference, robust=robust)
    with pytest.raises(mien.NumericalError, match=r"frame 0"):
        mien.align_frames(frames[:1], reference * 0 + 1.0, robust=robust)
    with pytest.raises(mien.NumericalError, match=r"frame 0 .* got 0"):
        mien.align_frames(frames[:1], reference, np.zeros(10), robust=robust)


# Contracts


def test_inputs_stay_and_maps_are_read(rng, tmp_path) -> None:
    reference = blob(64, rng)
    frames = moved(reference, 4, rng, noise=0.1)[0]
    np.save(tmp_path / "take.npy", frames)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    frames.flags.writeable = reference.flags.writeable = False
    kept = frames.copy()
    one, two = mien.align_frames(frames, reference), mien.align_frames(mapped, reference)
    assert np.array_equal(frames, kept)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_no_frames_is_an_empty_fit(rng) -> None:
    fit = mien.align_frames(np.empty((0, 20, 3)), blob(20, rng))
    assert fit.rotation.shape == (0, 3, 3)
    assert fit.residual.shape == (0,)


def test_no_vertices_is_no_fit() -> None:
    with pytest.raises(mien.NumericalError, match="got 0"):
        mien.align_frames(np.empty((2, 0, 3)), np.empty((0, 3)))
