"""vertex_quantiles and vertex_median against NumPy; missing values, ties, contracts, validity."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mien


def numpy_quantiles(values: np.ndarray, levels: list[float]) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of vertices that are missing everywhere
        return np.nanquantile(values.astype(np.float64), levels, axis=0)


@given(
    n_frames=st.sampled_from([1, 2, 3, 8, 61]),
    n_vertices=st.sampled_from([1, 2, 3, 37]),
    points=st.booleans(),
    holes=st.sampled_from([0.0, 0.3, 1.0]),
    steps=st.sampled_from([None, 3.0, 0.01]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1 << 30),
)
def test_numpy_agrees(n_frames, n_vertices, points, holes, steps, dtype, seed) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 10, (n_frames, n_vertices, 3) if points else (n_frames, n_vertices)).astype(dtype)
    if steps:
        values = np.round(values / steps).astype(dtype)  # ties, many or all
    values[rng.random(values.shape) < holes] = np.nan
    levels = [0.0, 0.1, 0.5, 0.77, 1.0]
    got = mien.vertex_quantiles(values, levels)
    wanted = numpy_quantiles(values, levels)
    assert got.shape == (5, *values.shape[1:])
    assert np.allclose(got, wanted, rtol=1e-13, atol=1e-13, equal_nan=True)
    median = mien.vertex_median(values)
    assert np.array_equal(median.median, mien.vertex_quantiles(values, 0.5), equal_nan=True)
    spread = numpy_quantiles(np.abs(values.astype(np.float64) - median.median), [0.5])[0]
    assert np.allclose(median.deviation, spread, rtol=1e-13, atol=1e-13, equal_nan=True)


@pytest.mark.parametrize("order", ["up", "down", "same", "saw", "organ"])
def test_no_order_of_the_data_is_slow(order: str) -> None:
    n = 20001
    ramp = np.arange(n, dtype=np.float64)
    values = {
        "up": ramp,
        "down": ramp[::-1],
        "same": 0 * ramp,
        "saw": ramp % 100,
        "organ": np.minimum(ramp, n - 1 - ramp),
    }[order]
    assert mien.vertex_quantiles(values[:, None], 0.5)[0] == np.median(values)


def test_slices_maps_and_threads_do_not_matter(rng, tmp_path, run_python) -> None:
    take = rng.normal(size=(31, 50, 3)).astype(np.float32)
    np.save(tmp_path / "take.npy", take)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    kept = take.copy()
    assert np.array_equal(
        mien.vertex_quantiles(mapped[::2], 0.3), mien.vertex_quantiles(take[::2].copy(), 0.3)
    )
    assert np.array_equal(mien.vertex_median(mapped[:, 3:40]).median, mien.vertex_median(take).median[3:40])
    assert np.array_equal(take, kept)
    assert mien.vertex_quantiles(take[:, :0], [0.5]).shape == (1, 0, 3)
    assert np.all(np.isnan(mien.vertex_quantiles(take[:0], [0.5])))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mien.vertex_quantiles(np.zeros((3, 2)), 1.1), ValueError, r"`levels` must lie in \[0, 1\]"),
        (lambda: mien.vertex_quantiles(np.zeros(3), 1), ValueError, r"`values` must have shape \(F, V\) or"),
        (lambda: mien.vertex_median(np.zeros((3, 2), int)), TypeError, "`values` must be float32 or float64"),
    ],
)
def test_messages(call, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
