"""speed_statistics: the slow twin, missing vertices, short takes, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import temporal as oracle

from mien.geometry.temporal import speed_statistics


@given(
    n_frames=st.integers(0, 7),
    n_vertices=st.integers(0, 40),
    dtype=st.sampled_from([np.float32, np.float64]),
    holes=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 1 << 30),
)
def test_oracle(n_frames, n_vertices, dtype, holes, seed) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.normal(0, 10, (n_frames, n_vertices, 3)).astype(dtype)
    frames[rng.random((n_frames, n_vertices)) < holes] = np.nan
    got = speed_statistics(frames)
    largest, mean, jump = oracle.speed_statistics(frames)
    for value, wanted in ((got.largest, largest), (got.mean, mean), (got.jump, jump)):
        assert value.shape == wanted.shape
        assert np.allclose(value, wanted, rtol=1e-13, atol=1e-13, equal_nan=True)
    for value, wanted in ((got.largest_p99, largest), (got.jump_p99, jump)):
        known = wanted[np.isfinite(wanted)]
        assert value == pytest.approx(np.percentile(known, 99) if len(known) else 0.0, rel=1e-13)


def test_a_jump_is_seen_where_it_is(rng) -> None:
    frames = np.cumsum(rng.normal(0, 0.01, (30, 50, 3)), axis=0)
    smooth = speed_statistics(frames)
    frames[17:, 3] += 1.0
    found = speed_statistics(frames)
    assert int(found.largest.argmax()) == 16
    assert set(np.argsort(found.jump)[-2:]) == {15, 16}
    assert found.jump.max() > 10 * smooth.jump_p99


def test_slices_and_maps_are_read_in_place(rng, tmp_path) -> None:
    frames = rng.normal(0, 1, (9, 30, 3)).astype(np.float32)
    np.save(tmp_path / "take.npy", frames)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    assert np.array_equal(speed_statistics(mapped[::2]).largest, speed_statistics(frames[::2].copy()).largest)
    frames.flags.writeable = False
    assert np.array_equal(speed_statistics(mapped).mean, speed_statistics(frames).mean)


def test_messages() -> None:
    with pytest.raises(ValueError, match=r"`positions` must have shape \(F, V, 3\), got \(4, 3\)"):
        speed_statistics(np.zeros((4, 3)))
    with pytest.raises(TypeError, match="`positions` must be float32 or float64"):
        speed_statistics(np.zeros((2, 4, 3), np.int32))
