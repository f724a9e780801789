"""bounded_least_squares: the slow twins, optimality, degenerate systems, messages, contracts."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import weights as oracle

import mien


def system(
    rng: np.random.Generator, k: int, n_frames: int, *, rows: int | None = None, spread: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations of shapes of very different size, and frames that drift."""
    shapes = rng.normal(0, 1, (rows or 3 * k + 2, k)) * np.geomspace(1, spread, k)
    wanted = np.cumsum(rng.normal(0, 0.2, (n_frames, k)), axis=0) + rng.normal(0.3, 0.5, k)
    seen = wanted @ shapes.T + rng.normal(0, 0.1, (n_frames, len(shapes)))
    return shapes.T @ shapes, seen @ shapes


@given(
    k=st.integers(1, 4),
    n_frames=st.integers(0, 5),
    low=st.sampled_from([0.0, -1.0, 0.25]),
    high=st.sampled_from([0.25, 1.0, 3.0]),
    seed=st.integers(0, 1 << 30),
)
def test_against_trying_everything(k, n_frames, low, high, seed) -> None:
    rng = np.random.default_rng(seed)
    gram, rhs = system(rng, k, n_frames)
    lower, upper = np.full(k, low), np.full(k, high)
    fit = mien.bounded_least_squares(gram, rhs, lower, upper)
    assert fit.weights.shape == (n_frames, k)
    assert fit.residual.shape == fit.pivots.shape == (n_frames,)
    for f in range(n_frames):
        assert np.allclose(fit.weights[f], oracle.bounded(gram, rhs[f], lower, upper), rtol=0, atol=1e-9)


@given(
    k=st.integers(1, 40),
    n_frames=st.integers(1, 70),
    rank=st.sampled_from([0.3, 0.9, 3.0]),
    spread=st.sampled_from([1.0, 1e-3]),
    smoothness=st.sampled_from([0.0, 0.0, 1e-3, 5.0]),
    seed=st.integers(0, 1 << 30),
)
def test_optimal_whatever_the_rank(k, n_frames, rank, spread, smoothness, seed) -> None:
    rng = np.random.default_rng(seed)
    gram, rhs = system(rng, k, n_frames, rows=max(1, int(rank * k)), spread=spread)
    lower, upper = rng.uniform(-1, 0, k), rng.uniform(0, 2, k)
    upper = np.where(rng.random(k) < 0.1, lower, upper)
    fit = mien.bounded_least_squares(gram, rhs, lower, upper, smoothness=smoothness)
    regular = gram + fit.ridge * np.eye(k)
    assert fit.residual.max() <= 1e-9
    scale = 1 if smoothness == 0 else 1 + 2 * smoothness / np.diag(regular).min()
    assert oracle.optimality(regular, rhs, fit.weights, lower, upper, smoothness) <= 1e-9 * scale
    assert fit.ridge > 0 or max(1, int(rank * k)) >= k


def test_smoothness_is_one_problem(rng) -> None:
    gram, rhs = system(rng, 12, 40)
    fits = [mien.bounded_least_squares(gram, rhs, smoothness=s).weights for s in (0.0, 1.0, 100.0, 1e7)]
    change = [np.sum(np.diff(w, axis=0) ** 2) for w in fits]
    assert change[0] > change[1] > change[2] > change[3]
    for s, w in zip((0.0, 1.0, 100.0, 1e7), fits, strict=True):
        for other in fits:
            assert oracle.energy(gram, rhs, w, s) <= oracle.energy(gram, rhs, other, s) + 1e-9
    one = mien.bounded_least_squares(gram, rhs.mean(axis=0)[None]).weights
    assert np.allclose(fits[3], one, atol=1e-3)
    alone = mien.bounded_least_squares(gram, rhs[:1], smoothness=7.0).weights
    assert np.allclose(alone, mien.bounded_least_squares(gram, rhs[:1]).weights, rtol=0, atol=1e-12)


def test_a_cycle_of_block_exchanges_ends(rng) -> None:
    """Strongly coupled pairs, on which exchanging all at once goes round; and many frames of it."""
    k = 30
    shapes = np.eye(k) + 0.95 * np.triu(np.ones((k, k)), 1) * (-1.0) ** np.add.outer(
        np.arange(k), np.arange(k)
    )
    gram = shapes.T @ shapes
    rhs = gram @ np.ones(k) * 0.1 + rng.normal(0, 100, (300, k))
    fit = mien.bounded_least_squares(gram, rhs)
    assert oracle.optimality(gram, rhs, fit.weights, np.zeros(k), np.ones(k)) < 1e-7


def test_shapes_that_are_the_same_or_nothing(rng) -> None:
    shapes = rng.normal(0, 1, (30, 4))
    shapes = np.concatenate([shapes, shapes[:, :1], np.zeros((30, 1))], axis=1)
    gram, rhs = shapes.T @ shapes, rng.normal(0, 5, (9, 30)) @ shapes
    fit = mien.bounded_least_squares(gram, rhs, -1, 1)
    assert 0 < fit.ridge <= 1e-10 * np.trace(gram) / 6 * 1.001
    assert np.allclose(fit.weights[:, 0], fit.weights[:, 4], atol=1e-4)  # the ridge shares alike
    assert np.all(fit.weights[:, 5] == 0)
    low, high = [-2, -1, -1, -1], [2, 1, 1, 1]
    whole = mien.bounded_least_squares(gram[:4, :4], rhs[:, :4], low, high)
    assert whole.ridge == 0
    inside = np.abs(whole.weights[:, 0]) < 1.9
    assert inside.sum() > 2
    assert np.allclose(fit.weights[inside, 0] + fit.weights[inside, 4], whole.weights[inside, 0], atol=1e-6)


def test_held_weights(rng) -> None:
    gram, rhs = system(rng, 6, 20)
    low, high = np.zeros(6), np.ones(6)
    low[2] = high[2] = 0.4
    for smoothness in (0.0, 2.0):
        weights = mien.bounded_least_squares(gram, rhs, low, high, smoothness=smoothness).weights
        assert np.all(weights[:, 2] == 0.4)


def test_threads_and_instruction_sets_do_not_matter(run_python, instruction_set) -> None:
    code = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(3)
shapes = rng.normal(0, 1, (90, 37))
rhs = np.cumsum(rng.normal(0, 3, (200, 90)), axis=0) @ shapes
digest = hashlib.sha256()
for smoothness in (0.0, 3.0):
    fit = mien.bounded_least_squares(shapes.T @ shapes, rhs, smoothness=smoothness)
    digest.update(fit.weights.tobytes() + fit.residual.tobytes())
print(digest.hexdigest())
"""
    # The system itself comes from NumPy's matrix product, which is the same in all of these processes.
    expected = run_python(code, MIEN_ISA="base", MIEN_NUM_THREADS="1")
    for threads in ("1", "2"):
        assert run_python(code, MIEN_ISA=instruction_set, MIEN_NUM_THREADS=threads) == expected


def test_from_many_threads(rng) -> None:
    gram, rhs = system(rng, 20, 150)
    expected = mien.bounded_least_squares(gram, rhs).weights
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: found.append(mien.bounded_least_squares(gram, rhs).weights))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(w, expected) for w in found)
    assert len(found) == 4


def test_messages(rng) -> None:
    gram, rhs = system(rng, 3, 2)
    with pytest.raises(ValueError, match=r"`gram` must have shape \(K, K\)"):
        mien.bounded_least_squares(gram[:2], rhs)
    skew = gram.copy()
    skew[0, 1] += 1
    with pytest.raises(ValueError, match="`gram` must be symmetric"):
        mien.bounded_least_squares(skew, rhs)
    with pytest.raises(ValueError, match=r"`rhs` must have shape \(F, K\)"):
        mien.bounded_least_squares(gram, rhs[0])
    broken = rhs.copy()
    broken[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"`rhs` must be finite, got nan at \(1, 2\)"):
        mien.bounded_least_squares(gram, broken)
    with pytest.raises(ValueError, match="`lower` must not be above `upper`, got 2 and 1 at 0"):
        mien.bounded_least_squares(gram, rhs, 2.0)
    with pytest.raises(ValueError, match="`upper` must be finite"):
        mien.bounded_least_squares(gram, rhs, 0, [1, 1, np.inf])
    with pytest.raises(ValueError, match="`smoothness` must be at least 0"):
        mien.bounded_least_squares(gram, rhs, smoothness=-1)
    with pytest.raises(mien.NumericalError, match="positive semi-definite"):
        mien.bounded_least_squares(-gram, rhs)
    with pytest.raises(mien.NumericalError, match="positive semi-definite"):
        mien.bounded_least_squares([[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0]])
