"""savitzky_golay and bilateral: laws, the slow twins, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import savgol_filter
from tests.oracles import filters as oracle

import mien


def walk(rng: np.random.Generator, n_frames: int, n_vertices: int, dtype: type = np.float64) -> np.ndarray:
    return np.cumsum(rng.normal(0, 0.1, (n_frames, n_vertices, 3)), axis=0).astype(dtype)


# Laws


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_stands_still_keeps_every_bit(rng, dtype: type) -> None:
    take = walk(rng, 20, 40, dtype)
    take[:, 7] = [0.1, 1e4, -3.3]
    for smooth in (mien.savitzky_golay(take, 9, 3), mien.bilateral(take, 2.0, 0.2)):
        assert smooth.dtype == dtype
        assert np.array_equal(smooth[:, 7], take[:, 7])
        assert not np.array_equal(smooth[:, 8], take[:, 8])


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_polynomials_pass(rng, order: int) -> None:
    times = np.arange(30.0)
    polynomials = rng.normal(size=(order + 1, 5, 3))
    take = np.einsum("fo,ovc->fvc", (times[:, None] / 10) ** np.arange(order + 1), polynomials)
    assert np.allclose(mien.savitzky_golay(take, 7, order), take, rtol=1e-11, atol=1e-11)
    if order > 0:
        speed = sum(
            o / 10 * (times[:, None, None] / 10) ** (o - 1) * polynomials[o] for o in range(1, order + 1)
        )
        assert np.allclose(mien.savitzky_golay(take, 7, order, derivative=1), speed, atol=1e-10)


def test_noise_goes_and_a_sudden_move_stays(rng) -> None:
    truth = np.zeros((60, 400, 3))
    truth[30:, :, 0] = 5.0
    take = truth + rng.normal(0, 0.02, truth.shape)
    kept = mien.bilateral(take, 3.0, 0.15) - truth
    assert np.sqrt((kept**2).mean()) < 0.01
    assert np.abs(mien.savitzky_golay(take, 11, 2) - truth).max() > 1


def test_the_bits_do_not_depend_on_threads_or_blocks(rng, run_python) -> None:
    take = walk(rng, 12, 5000, np.float32)
    parts = [np.ascontiguousarray(take[:, a:b]) for a, b in ((0, 1), (1, 1700), (1700, 5000))]
    for smooth in (lambda x: mien.savitzky_golay(x, 5, 2), lambda x: mien.bilateral(x, 1.5, 0.2)):
        apart = np.concatenate([smooth(part) for part in parts], axis=1)
        assert np.array_equal(smooth(take), apart)
    code = """
import hashlib, numpy as np, mien
take = np.cumsum(np.random.default_rng(3).normal(0, 0.1, (300, 3000, 3)), axis=0).astype(np.float32)
for out in (mien.savitzky_golay(take, 9, 3), mien.bilateral(take, 1.5, 0.2)):
    print(hashlib.sha256(out.tobytes()).hexdigest())
"""
    answers = {run_python(code, MIEN_NUM_THREADS=n) for n in ("1", "3")}
    assert len(answers) == 1


# Oracles


@given(
    n_frames=st.integers(1, 23),
    n_vertices=st.sampled_from([1, 2, 3, 37]),
    window=st.sampled_from([1, 3, 5, 7, 9, 13]),
    order=st.integers(0, 4),
    derivative=st.integers(0, 2),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1 << 30),
)
def test_savitzky_golay_oracle(n_frames, n_vertices, window, order, derivative, dtype, seed) -> None:
    order = min(order, window - 1)
    derivative = min(derivative, order)
    take = walk(np.random.default_rng(seed), n_frames, n_vertices, dtype)
    got = mien.savitzky_golay(take, window, order, derivative=derivative)
    bound = 1e-12 if dtype is np.float64 else 3e-6
    wanted = oracle.savitzky_golay(take, window, order, derivative)
    assert np.abs(got - wanted).max() < bound * max(1, np.abs(take).max()) * 10**derivative


@pytest.mark.parametrize(("window", "order", "derivative"), [(5, 2, 0), (11, 3, 0), (7, 4, 2)])
def test_scipy_agrees(rng, window: int, order: int, derivative: int) -> None:
    take = walk(rng, 25, 6)
    wanted = savgol_filter(take, window, order, deriv=derivative, axis=0, mode="interp")
    assert np.allclose(mien.savitzky_golay(take, window, order, derivative=derivative), wanted, atol=1e-12)


@given(
    n_frames=st.integers(1, 20),
    n_vertices=st.sampled_from([1, 2, 3, 37]),
    sigmas=st.tuples(st.sampled_from([0.2, 1.0, 2.5]), st.sampled_from([0.02, 0.2, 5.0])),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1 << 30),
)
def test_bilateral_oracle(n_frames, n_vertices, sigmas, dtype, seed) -> None:
    take = walk(np.random.default_rng(seed), n_frames, n_vertices, dtype)
    got = mien.bilateral(take, *sigmas)
    assert np.abs(got - oracle.bilateral(take, *sigmas)).max() < (1e-6 if dtype is np.float64 else 2e-5)


# Contracts


def test_slices_maps_and_read_only_takes(rng, tmp_path) -> None:
    take = walk(rng, 30, 50, np.float32)
    np.save(tmp_path / "take.npy", take)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    for smooth in (lambda x: mien.savitzky_golay(x, 5, 2), lambda x: mien.bilateral(x, 1.5, 0.2)):
        assert np.array_equal(smooth(mapped), smooth(take))
        assert np.array_equal(smooth(mapped[::2]), smooth(take[::2].copy()))
        assert np.array_equal(smooth(mapped[:, 3:41]), smooth(take[:, 3:41].copy()))
    out = np.empty_like(take)
    assert mien.savitzky_golay(mapped, out=out) is out
    assert np.array_equal(out, mien.savitzky_golay(take))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3)])
def test_nothing_is_smoothed_to_nothing(shape: tuple[int, ...]) -> None:
    assert mien.savitzky_golay(np.zeros(shape)).shape == shape
    assert mien.bilateral(np.zeros(shape)).shape == shape


# Validity


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: mien.savitzky_golay(x, 4),
            ValueError,
            "`window` must be odd and above `order` = 2, got 4",
        ),
        (
            lambda x: mien.savitzky_golay(x, 3, 3),
            ValueError,
            "`window` must be odd and above `order` = 3, got 3",
        ),
        (
            lambda x: mien.savitzky_golay(x, derivative=3),
            ValueError,
            "`derivative` must be at most `order` = 2",
        ),
        (lambda x: mien.savitzky_golay(x[0]), ValueError, r"`positions` must have shape \(F, V, 3\)"),
        (lambda x: mien.savitzky_golay(x.astype(int)), TypeError, "`positions` must be float32 or float64"),
        (lambda x: mien.savitzky_golay(x, out=x), ValueError, "`out` must share no memory"),
        (lambda x: mien.bilateral(x, out=x[1:]), ValueError, "`out` must be a contiguous float64 array"),
        (lambda x: mien.bilateral(x, out=[]), TypeError, "`out` must be an array, got list"),
        (lambda x: mien.bilateral(x, 0), ValueError, "`sigma_frames` must be above 0"),
        (lambda x: mien.bilateral(x, 1, -1), ValueError, "`sigma_distance` must be above 0"),
    ],
)
def test_messages(call, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call(np.zeros((6, 4, 3)))


def test_what_is_not_finite_is_named() -> None:
    take = np.zeros((6, 4, 3))
    take[3, 2, 1] = np.nan
    for smooth in (mien.savitzky_golay, mien.bilateral):
        with pytest.raises(ValueError, match=r"`positions` must be finite, got .* at frame 3, vertex 2"):
            smooth(take)
