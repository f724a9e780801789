"""blend and resample: laws, the slow twins, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import blending as oracle

import mien

DTYPES = st.sampled_from([np.float32, np.float64])


@given(
    n_frames=st.integers(0, 9),
    n_vertices=st.sampled_from([0, 1, 2, 3, 37, 1025]),
    one=st.booleans(),
    dtype=DTYPES,
    seed=st.integers(0, 1 << 30),
)
def test_blend_oracle(n_frames, n_vertices, one, dtype, seed) -> None:
    rng = np.random.default_rng(seed)
    take = rng.normal(0, 10, (n_frames, n_vertices, 3)).astype(dtype)
    goal = rng.normal(0, 10, (n_vertices, 3) if one else take.shape).astype(dtype)
    region = np.clip(rng.normal(0.5, 0.7, n_vertices), 0, 1)
    envelope = np.clip(rng.normal(0.5, 0.7, n_frames), 0, 1)
    got = mien.blend(take, goal, region, envelope)
    share = (envelope.astype(dtype)[:, None] * region.astype(dtype))[:, :, None]
    bound = 1e-14 if dtype is np.float64 else 1e-5
    assert got.dtype == dtype
    assert np.allclose(got, take + share * (goal - take), rtol=0, atol=60 * bound)
    kept, whole = np.broadcast_to(share == 0, take.shape), np.broadcast_to(share == 1, take.shape)
    assert np.array_equal(got[kept], take[kept])
    assert np.array_equal(got[whole], np.broadcast_to(goal, take.shape)[whole])


def test_a_goal_that_is_not_there_does_not_matter_where_it_is_not_asked_for(rng) -> None:
    take = rng.normal(size=(4, 5, 3))
    goal = np.full((5, 3), np.nan)
    goal[2] = 1.0
    out = mien.blend(take, goal, np.arange(5) == 2)
    assert np.array_equal(out[:, [0, 1, 3, 4]], take[:, [0, 1, 3, 4]])
    assert np.all(out[:, 2] == 1)


@given(
    n_frames=st.integers(1, 9),
    n_vertices=st.sampled_from([1, 2, 3, 37]),
    interpolation=st.sampled_from(["cubic", "linear"]),
    dtype=DTYPES,
    seed=st.integers(0, 1 << 30),
)
def test_resample_oracle(n_frames, n_vertices, interpolation, dtype, seed) -> None:
    rng = np.random.default_rng(seed)
    take = rng.normal(0, 1, (n_frames, n_vertices, 3)).astype(dtype)
    times = np.append(rng.uniform(0, n_frames - 1, 20), np.arange(n_frames))
    got = mien.resample(take, times, interpolation=interpolation)
    assert np.abs(got - oracle.resample(take, times, interpolation)).max() < (
        1e-13 if dtype is np.float64 else 3e-6
    )
    assert np.array_equal(got[20:], take)


def test_resampling_knows_lines_and_parabolas(rng) -> None:
    times = np.arange(12.0)[:, None, None]
    line = rng.normal(size=(4, 3)) + times * rng.normal(size=(4, 3))
    parabola = line + times**2 * rng.normal(size=(4, 3))
    asked = rng.uniform(0, 11, 50)
    for word in ("cubic", "linear"):
        wanted = line[0] + asked[:, None, None] * (line[1] - line[0])
        assert np.allclose(mien.resample(line, asked, interpolation=word), wanted, atol=1e-12)
    inner = asked[(asked > 1) & (asked < 10)]
    a, b, c = np.polynomial.polynomial.polyfit(times[:, 0, 0], parabola.reshape(12, -1), 2)
    wanted = (a + inner[:, None] * b + inner[:, None] ** 2 * c).reshape(-1, 4, 3)
    assert np.allclose(mien.resample(parabola, inner), wanted, atol=1e-10)


def test_slices_maps_and_read_only_takes(rng, tmp_path) -> None:
    take = rng.normal(size=(30, 50, 3)).astype(np.float32)
    np.save(tmp_path / "take.npy", take)
    mapped = np.load(tmp_path / "take.npy", mmap_mode="r")
    times, other = np.linspace(0, 14, 40), take[::-1].copy()
    assert np.array_equal(mien.resample(mapped[::2], times), mien.resample(take[::2].copy(), times))
    assert np.array_equal(
        mien.blend(mapped[::2], other[::2], envelope=np.linspace(0, 1, 15)),
        mien.blend(take[::2].copy(), other[::2].copy(), envelope=np.linspace(0, 1, 15)),
    )
    out = np.empty_like(take)
    assert mien.blend(mapped, other, out=out) is out
    assert np.array_equal(out, other)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: mien.blend(x, x[:, :2]), ValueError, r"`goal` must have shape \(F, V, 3\) = \(6, 4, 3\)"),
        (
            lambda x: mien.blend(x, x.astype(np.float32)),
            TypeError,
            "`goal` must be float64 as `positions` are",
        ),
        (lambda x: mien.blend(x, x, [0, 0, 0, 2.0]), ValueError, r"`region` must lie in \[0, 1\]"),
        (lambda x: mien.blend(x, x, envelope=[1]), ValueError, r"`envelope` must have shape \(F,\) = \(6,\)"),
        (lambda x: mien.resample(x, [5.5]), ValueError, r"`times` must lie in \[0, 5\], got values from 5.5"),
        (lambda x: mien.resample(x[:0], []), ValueError, "`positions` must have at least one frame"),
        (lambda x: mien.resample(x, [0], interpolation="sinc"), ValueError, "cubic.*linear"),
        (
            lambda x: mien.resample(x / 0, [0]),
            ValueError,
            "`positions` must be finite, got .* at frame 0, vertex 0",
        ),
    ],
)
def test_messages(call, error: type, message: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        call(np.zeros((6, 4, 3)))
