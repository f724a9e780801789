"""Solving with a SparseFactor: laws, the slow twin, refinement, validity, contracts."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st

import mien
from oracles import triangular as oracle

EPS = 2.0**-52
TYPES = (np.float32, np.float64)


def grid(side: int, handles: float = 10.0, seed: int = 0) -> tuple[Any, np.ndarray]:
    """A Laplacian with positive weights on a triangulated, jittered grid, one vertex in 300 held; and positions."""
    rng = np.random.default_rng(seed)
    n = side * side
    at = np.arange(n).reshape(side, side)
    edges = np.concatenate(
        [
            np.stack([at[:-1].ravel(), at[1:].ravel()]),
            np.stack([at[:, :-1].ravel(), at[:, 1:].ravel()]),
            np.stack([at[:-1, :-1].ravel(), at[1:, 1:].ravel()]),
        ],
        axis=1,
    )
    weight = rng.uniform(0.2, 2, edges.shape[1])
    half = sparse.coo_array((-weight, (edges[0], edges[1])), shape=(n, n))
    off = (half + half.T).tocsc()
    held = np.zeros(n)
    held[rng.choice(n, max(1, n // 300), replace=False)] = handles
    positions = np.stack([*np.divmod(np.arange(n), side), np.zeros(n)], axis=1) + rng.normal(0, 0.1, (n, 3))
    return sparse.csc_array(off + sparse.diags_array(held - off.sum(axis=1))), positions


def biharmonic(side: int, weight: float) -> tuple[Any, np.ndarray]:
    """L² with soft handles: about the square of the condition number."""
    laplacian, positions = grid(side, handles=0.0)
    n = side * side
    held = np.zeros(n)
    held[np.random.default_rng(1).choice(n, 4, replace=False)] = weight
    return sparse.csc_array(laplacian.T @ laplacian + sparse.diags_array(held)), positions


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """The same numbers, otherwise in memory."""
    if layout == "fortran":
        return np.asfortranarray(values)
    if layout == "every second":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if layout == "backwards":
        return np.ascontiguousarray(values[::-1])[::-1]
    if layout == "padded":
        wide = np.full((*values.shape[:-1], values.shape[-1] + 1), np.nan, values.dtype)
        wide[..., :-1] = values
        return wide[..., :-1]
    return np.ascontiguousarray(values)


LAYOUTS = ("plain", "fortran", "every second", "backwards", "padded")


# ---- laws ----


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("refine", [None, 1])
def test_an_answer_does_not_depend_on_its_neighbours(rng, dtype: Any, storage: Any, refine: Any) -> None:
    matrix, positions = grid(17)
    factor = mien.SparseFactor(matrix, positions, dtype=storage)
    rhs = (rng.normal(size=(289, 131)) * 10.0 ** rng.integers(-6, 6, 131)).astype(dtype)
    alone = np.stack([factor.solve(rhs[:, k], refine=refine) for k in range(131)], axis=1)
    for count in (2, 3, 4, 5, 8, 9, 16, 30, 33, 48, 64, 65, 100, 131):
        assert np.array_equal(factor.solve(rhs[:, :count], refine=refine), alone[:, :count]), count
    frames = np.ascontiguousarray(rhs[:, :129].reshape(289, 43, 3).transpose(1, 0, 2))
    wanted = alone[:, :129].reshape(289, 43, 3).transpose(1, 0, 2)
    for count in (1, 2, 3, 8, 9, 16, 17, 43):
        assert np.array_equal(factor.solve(frames[:count], refine=refine), wanted[:count]), count


HASHED = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(5)
n, digest = 400, hashlib.sha256()
pairs = np.concatenate([rng.integers(0, n, (500, 2)), np.c_[np.arange(n - 3), np.arange(3, n)]])
pairs = np.unique(np.sort(pairs), axis=0)
pairs = pairs[pairs[:, 0] != pairs[:, 1]]
pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
dense = np.zeros((n, n))
dense[pairs[:, 1], pairs[:, 0]] = -rng.uniform(0.1, 1, len(pairs))
dense += np.diag(0.1 - (dense + dense.T).sum(axis=1))
rows, columns = np.nonzero(dense.T)[::-1]
starts = np.r_[0, np.cumsum(np.bincount(columns, minlength=n))]
matrix = (dense[rows, columns], rows, starts, (n, n))
for storage in (np.float32, np.float64):
    factor = mien.SparseFactor(matrix, dtype=storage)
    for dtype in (np.float32, np.float64):
        for shape in ((n,), (n, 3), (n, 7), (n, 16), (n, 50), (n, 100), (2, n, 3), (40, n, 3), (20, n, 4)):
            rhs = rng.normal(size=shape).astype(dtype)
            digest.update(factor.solve(rhs).tobytes())
            digest.update(factor.solve(np.asfortranarray(rhs), refine=1).tobytes())
print(digest.hexdigest())
"""


def test_every_path_and_thread_count_gives_the_same_bits(run_python, instruction_set) -> None:
    one = run_python(HASHED, MIEN_ISA="base", MIEN_NUM_THREADS="1")
    assert run_python(HASHED, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="1") == one
    assert run_python(HASHED, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="3") == one


@pytest.mark.parametrize(("side", "columns"), [(180, 131), (255, 66)])
def test_large_answers_have_the_same_bits(rng, side: int, columns: int) -> None:
    """Answers of more than 16 MiB go past the caches, and above 64,000 vertices blocks are cut otherwise."""
    matrix, positions = grid(side)
    factor = mien.SparseFactor(matrix, positions, dtype=np.float32)
    rhs = rng.normal(size=(side * side, columns)).astype(np.float32)
    asked = (0, 31, 32, 63, 64, columns - 1)
    wanted = np.stack([factor.solve(rhs[:, k]) for k in asked], axis=1)
    into = np.full((side * side, columns + 3), np.nan, np.float32)
    for out in (np.empty_like(rhs), into[:, 1:-2]):  # rows begin at lines of memory, or anywhere
        assert out.nbytes > 2**24
        assert np.array_equal(factor.solve(rhs, out=out)[:, asked], wanted)
    assert np.isnan(into[:, [0, -2, -1]]).all()
    assert np.array_equal(factor.solve(rhs, out=rhs)[:, asked], wanted)
    plain = factor.solve(into[:, 1:-2])
    refined = factor.solve(into[:, 1:-2].astype(np.float64), refine=1)
    assert np.abs(refined - plain).max() <= 1e-3 * np.abs(refined).max()


@pytest.mark.parametrize("dtype", TYPES)
def test_in_place_gives_the_same_bits(rng, dtype: Any) -> None:
    matrix, positions = grid(15)
    for storage in TYPES:
        factor = mien.SparseFactor(matrix, positions, dtype=storage)
        for shape in ((225,), (225, 3), (225, 40), (20, 225, 3)):
            rhs = rng.normal(size=shape).astype(dtype)
            wanted = factor.solve(rhs)
            assert factor.solve(rhs, out=rhs) is rhs
            assert np.array_equal(rhs, wanted)


def test_many_threads_share_one_factor(rng) -> None:
    matrix, positions = grid(20)
    factor = mien.SparseFactor(matrix, positions, dtype=np.float32)
    rhs = rng.normal(size=(400, 70))
    wanted, wrong = factor.solve(rhs), []

    def work() -> None:
        for count in (1, 3, 33, 70):
            if not np.array_equal(factor.solve(rhs[:, :count]), wanted[:, :count]):
                wrong.append(count)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- the slow twin ----


@given(
    n=st.sampled_from([1, 2, 3, 7, 60]),
    frames=st.sampled_from([None, 1, 2, 3, 8, 9, 17, 25]),
    columns=st.sampled_from([None, 1, 2, 3, 4, 5, 8, 9, 17, 33]),
    dtype=st.sampled_from(TYPES),
    storage=st.sampled_from(TYPES),
    layout=st.sampled_from(LAYOUTS),
    into=st.sampled_from(["new", *LAYOUTS]),
    seed=st.integers(0, 1000),
)
def test_as_the_slow_twin(n, frames, columns, dtype, storage, layout, into, seed) -> None:
    rng = np.random.default_rng(seed)
    half = sparse.random_array((n, n), density=min(1.0, 2 / n), rng=rng)
    matrix = sparse.csc_array(half @ half.T + sparse.eye_array(n))
    shape = (n,) if columns is None else (n, columns) if frames is None else (frames, n, columns)
    rhs = laid_out(rng.normal(size=shape).astype(dtype), layout)
    before = rhs.copy()
    rhs.flags.writeable = False
    out = None if into == "new" else laid_out(np.zeros(shape, dtype), into)
    x = mien.SparseFactor(matrix, dtype=storage).solve(rhs, out=out)
    assert x.dtype == dtype
    assert x.shape == shape
    assert out is None or x is out
    if into == "padded":
        assert np.isnan(out.base[..., -1]).all()  # what lies between is not written to
    assert np.array_equal(rhs, before)
    wanted = oracle.solve(matrix.toarray(), before)
    bound = 1e-12 if dtype == np.float64 else 2e-6 if storage == np.float64 else 1e-4
    assert np.abs(x - wanted).max() <= bound * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("shape", [(0, 9, 3), (9, 0), (2, 9, 0)])
def test_no_right_hand_sides(shape: tuple[int, ...]) -> None:
    matrix, _ = grid(3)
    result = mien.SparseFactor(matrix).solve_with_report(np.zeros(shape))
    assert result.x.shape == shape
    assert result.refinements == 0


def test_whole_numbers_become_float64() -> None:
    matrix, _ = grid(3)
    assert mien.SparseFactor(matrix, dtype=np.float32).solve(list(range(9))).dtype == np.float64


# ---- accuracy and refinement ----


@pytest.mark.parametrize(
    ("storage", "dtype", "refine", "bound"),
    [
        (np.float32, np.float32, None, 1e-4),
        (np.float32, np.float64, 0, 1e-4),
        (np.float32, np.float64, 1, 1e-9),
        (np.float32, np.float64, None, 1e-13),
        (np.float64, np.float64, None, 1e-13),
    ],
)
def test_a_known_solution_is_found(rng, storage: Any, dtype: Any, refine: Any, bound: float) -> None:
    matrix, positions = grid(60)
    x = rng.normal(size=(3600, 20)).astype(dtype)
    factor = mien.SparseFactor(matrix, positions, dtype=storage)
    found = factor.solve((matrix @ x).astype(dtype), refine=refine)
    assert np.abs(found - x).max() <= bound * np.abs(x).max()


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("refine", [0, 1, 2, 2.0**-48])
def test_the_report_is_honest(rng, storage: Any, refine: Any) -> None:
    matrix, positions = grid(20)
    rhs = rng.normal(size=(400, 9)) * np.logspace(-30, 30, 9)
    factor = mien.SparseFactor(matrix, positions, dtype=storage)
    result = factor.solve_with_report(rhs, refine=refine)
    assert np.array_equal(result.x, factor.solve(rhs, refine=refine))
    measured = oracle.backward_error(matrix.toarray(), rhs, result.x)
    assert result.residual == pytest.approx(measured, rel=0.01, abs=2 * EPS)
    assert not result.fell_back
    if isinstance(refine, int):
        assert result.refinements == refine
    else:
        assert result.residual <= refine


def test_a_float32_factor_that_does_not_do_is_replaced(rng) -> None:
    matrix, positions = biharmonic(40, weight=1e-9)
    rhs = matrix @ rng.normal(size=(1600, 5))
    single = mien.SparseFactor(matrix, positions, dtype=np.float32)
    result = single.solve_with_report(rhs)
    assert result.fell_back
    assert result.residual <= 2.0**-48
    wanted = mien.SparseFactor(matrix, positions).solve(rhs, refine=2.0**-48)
    assert np.array_equal(result.x, wanted)
    unrefined = single.solve_with_report(rhs, refine=0)
    assert not unrefined.fell_back
    assert unrefined.residual > 2.0**-48


def test_only_the_columns_that_need_it_fall_back(rng) -> None:
    # Two systems beside each other: a harmless one, and one that float32 cannot refine.
    hard, _ = biharmonic(40, weight=1e-9)
    easy, _ = grid(10)
    both = sparse.csc_array(sparse.block_diag([easy, hard]))
    factor = mien.SparseFactor(both, dtype=np.float32)
    rhs = np.zeros((1700, 2))
    rhs[:100, 0] = rng.normal(size=100)
    rhs[100:, 1] = hard @ rng.normal(size=1600)
    together = factor.solve_with_report(rhs)
    alone = factor.solve_with_report(rhs[:, 0])
    assert together.fell_back
    assert not alone.fell_back
    assert np.array_equal(together.x[:, 0], alone.x)


def test_what_overflows_is_an_error_where_a_tolerance_is_asked_for() -> None:
    matrix = sparse.csc_array(np.diag([1.0, 1e-200, 1.0]))
    rhs = np.zeros((2, 3, 2))
    rhs[1, 1, 1] = 1e200
    with pytest.raises(mien.NumericalError, match=r"tolerance 1e-10.*frame 1, column 1.*stays at 1"):
        mien.SparseFactor(matrix).solve(rhs, refine=1e-10)
    with pytest.raises(mien.NumericalError, match="backward error of column 1 stays"):
        mien.SparseFactor(matrix).solve(np.asfortranarray(rhs[1]), refine=1e-10)
    with pytest.raises(mien.NumericalError, match="backward error of the right-hand side stays"):
        mien.SparseFactor(matrix).solve(rhs[1, :, 1], refine=1e-10)


# ---- validity ----


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize(
    ("shape", "where", "words"),
    [
        ((9,), (4,), "vertex 4$"),
        ((9, 3), (4, 2), "vertex 4, column 2$"),
        ((9, 70), (8, 69), "vertex 8, column 69$"),
        ((2, 9, 3), (1, 4, 2), "frame 1, vertex 4$"),
        ((40, 9, 3), (33, 8, 2), "frame 33, vertex 8$"),
        ((2, 9, 20), (1, 7, 19), "frame 1, vertex 7$"),
    ],
)
def test_numbers_that_are_not_finite_are_named(bad, dtype, storage, shape, where, words) -> None:
    matrix, _ = grid(3)
    factor = mien.SparseFactor(matrix, dtype=storage)
    rhs = np.ones(shape, dtype)
    rhs[where] = bad
    with pytest.raises(ValueError, match=f"`rhs` must be finite, got .*{words}"):
        factor.solve(rhs)
    if len(shape) == 2:
        with pytest.raises(ValueError, match=f"`rhs` must be finite, got .*{words}"):
            factor.solve(np.asfortranarray(rhs))


def test_numbers_too_large_for_the_factor_are_named() -> None:
    matrix, _ = grid(3)
    rhs = np.ones((9, 2))
    rhs[3, 1] = 1e39
    with pytest.raises(ValueError, match=r"`rhs` must fit float32.*got 1e\+39 at vertex 3, column 1"):
        mien.SparseFactor(matrix, dtype=np.float32).solve(rhs, refine=0)
    # Refinement scales every right-hand side, so it has room.
    assert np.isfinite(mien.SparseFactor(matrix, dtype=np.float32).solve(rhs)).all()


@pytest.mark.parametrize(
    ("kind", "rhs", "options", "words"),
    [
        (TypeError, np.ones(9, complex), {}, "`rhs` must hold real numbers, got complex128"),
        (TypeError, ["a"] * 9, {}, "`rhs` must hold real numbers"),
        (ValueError, np.ones(8), {}, r"`rhs` must have shape \(V,\), .* with V = 9, got \(8,\)"),
        (ValueError, np.ones((9, 2, 2)), {}, r"V = 9, got \(9, 2, 2\)"),
        (ValueError, np.ones((1, 1, 9, 2)), {}, "V = 9"),
        (ValueError, np.float64(3), {}, r"got \(\)"),
        (TypeError, np.ones(9), {"out": np.ones(9, np.float32)}, "`out` must be an array of float64"),
        (TypeError, np.ones(9), {"out": [0.0] * 9}, "`out` must be an array of float64.*got list"),
        (ValueError, np.ones(9), {"out": np.ones((9, 1))}, r"`out` must have the shape of `rhs`, \(9,\)"),
        (ValueError, np.ones(9), {"out": np.broadcast_to(1.0, 9)}, "`out` must be writeable"),
        (TypeError, np.ones(9), {"refine": True}, "`refine` must be an integer, a float or None"),
        (TypeError, np.ones(9), {"refine": "much"}, "`refine` must be an integer"),
        (ValueError, np.ones(9), {"refine": -1}, "`refine` must be at least 0"),
        (ValueError, np.ones(9), {"refine": 1e-17}, "`refine` must be at least 2.22045e-16"),
        (ValueError, np.ones(9), {"refine": float("nan")}, "`refine` must be a finite number"),
    ],
)
def test_wrong_arguments_are_named(kind: Any, rhs: Any, options: dict[str, Any], words: str) -> None:
    matrix, _ = grid(3)
    with pytest.raises(kind, match=words):
        mien.SparseFactor(matrix).solve(rhs, **options)


def test_an_answer_must_not_overlap_its_right_hand_sides() -> None:
    matrix, _ = grid(3)
    both = np.ones((12, 3))
    with pytest.raises(ValueError, match="`out` must be `rhs` itself or lie apart"):
        mien.SparseFactor(matrix).solve(both[:9], out=both[3:])
    apart = np.ones((9, 6))
    mien.SparseFactor(matrix).solve(apart[:, ::2], out=apart[:, 1::2])
    assert np.array_equal(apart[:, ::2], np.ones((9, 3)))
