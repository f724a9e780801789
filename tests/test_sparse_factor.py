"""SparseFactor: laws, the slow twin, validity, contracts."""

from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st

import mien
from oracles import sparse_factor as oracle

ORDERINGS = ["amd", "natural", "geometric", "surface"]


def definite(n: int, density: float, seed: int) -> sparse.csc_array:
    """A random symmetric positive definite matrix."""
    rng = np.random.default_rng(seed)
    half = sparse.random_array((n, n), density=density, rng=rng, format="csc")
    return sparse.csc_array(half @ half.T + sparse.eye_array(n))


def sheet(rows: int, columns: int) -> tuple[sparse.csc_array, np.ndarray]:
    """A graph Laplacian with a little on the diagonal, and where its vertices are."""
    y, x = np.divmod(np.arange(rows * columns), columns)
    pairs = [np.flatnonzero(x < columns - 1), np.flatnonzero(y < rows - 1)]
    i, j = np.concatenate(pairs), np.concatenate([pairs[0] + 1, pairs[1] + columns])
    edges = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(len(x), len(x))).tocsc()
    edges = edges + edges.T
    matrix = sparse.diags_array(edges.sum(axis=0) + 0.01) - edges
    return sparse.csc_array(matrix), np.column_stack([x, y, np.sin(x * 0.1)])


# Laws


@given(
    n=st.sampled_from([1, 2, 3, 17, 64, 65, 131]),
    density=st.sampled_from([0.0, 0.01, 0.05, 0.3]),
    ordering=st.sampled_from(ORDERINGS),
    form=st.sampled_from(["csc", "csr", "coo", "lower", "upper", "tuple"]),
    single=st.booleans(),
    seed=st.integers(0, 1 << 20),
)
def test_the_factor_solves_what_numpy_solves(n, density, ordering, form, single, seed) -> None:
    matrix, rng = definite(n, density, seed), np.random.default_rng(seed)
    forms = {
        "lower": sparse.tril(matrix).tocsc(),
        "upper": sparse.triu(matrix).tocsr(),
        "tuple": (matrix.data, matrix.indices, matrix.indptr, matrix.shape),
    }
    given_matrix = forms[form] if form in forms else matrix.asformat(form)
    positions, rhs = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    factor = mien.SparseFactor(
        given_matrix, positions, ordering=ordering, dtype=np.float32 if single else np.float64
    )
    want = np.linalg.solve(matrix.toarray(), rhs)
    bound = 1e-4 if single else 1e-11
    assert np.abs(factor.solve(rhs) - want).max() <= bound * max(1, np.abs(want).max())
    assert np.array_equal(np.sort(factor.permutation), np.arange(n))


@pytest.mark.parametrize("shape", [(1, 400), (20, 20), (60, 47)])
@pytest.mark.parametrize("ordering", ["geometric", "amd", "surface"])
def test_surfaces_and_lines(rng, shape, ordering) -> None:
    matrix, positions = sheet(*shape)
    for points in (positions, positions * 0, positions + 1e7, rng.permutation(positions)):
        factor = mien.SparseFactor(matrix, points, ordering=ordering)
        rhs = rng.normal(size=matrix.shape[0])
        assert np.abs(matrix @ factor.solve(rhs) - rhs).max() < 1e-10


def test_a_graph_that_is_large_enough_to_be_renumbered(rng) -> None:
    parts = [sheet(300, 500)[0], sheet(1, 50_000)[0], sparse.eye_array(10)]
    matrix = sparse.csc_array(sparse.block_diag(parts))
    factor = mien.SparseFactor(matrix)
    assert np.array_equal(np.sort(factor.permutation), np.arange(200_010))
    assert factor.nnz < 35 * 200_010
    rhs = rng.normal(size=200_010)
    assert np.abs(matrix @ factor.solve(rhs) - rhs).max() < 1e-9


def test_dissection_fills_in_little() -> None:
    matrix, positions = sheet(90, 90)
    fill = {o: mien.SparseFactor(matrix, positions, ordering=o).nnz for o in ORDERINGS}
    assert max(fill["geometric"], fill["surface"]) < 1.3 * fill["amd"]
    assert fill["amd"] < 0.4 * fill["natural"]


def test_separators_follow_the_surface(rng) -> None:
    """Leaves that lie on each other and hang together at one edge, as lips do: planes would cut all of them."""
    leaf, where = sheet(120, 60)
    parts = sparse.block_diag([leaf] * 3).tolil()
    for k in (1, 2):
        hem = np.arange(60)
        parts[hem, hem + k * 7200] = parts[hem + k * 7200, hem] = -1
        parts[hem, hem] += np.ones(60)
        parts[hem + k * 7200, hem + k * 7200] += np.ones(60)
    matrix, positions = parts.tocsc(), np.concatenate([where + np.array([0, 0, 0.1 * k]) for k in range(3)])
    flops = {o: mien.SparseFactor(matrix, positions, ordering=o).flops for o in ("surface", "geometric")}
    assert flops["surface"] < 0.6 * flops["geometric"]
    factor = mien.SparseFactor(matrix, ordering="surface")
    rhs = rng.normal(size=matrix.shape[0])
    assert np.abs(matrix @ factor.solve(rhs) - rhs).max() < 1e-9


def pattern_of(name: str) -> sparse.csc_array:
    """Patterns on which an ordering could come to nothing or take for ever."""
    n = 20_000
    if name == "arrow":  # and star: one vertex beside all others
        i, j = np.arange(1, n), np.zeros(n - 1, dtype=int)
    elif name == "arrows":  # forty such
        i, j = np.repeat(np.arange(40, n), 40), np.tile(np.arange(40), n - 40)
    elif name == "stars":  # 200 of 99 arms each, in a row
        i, j = np.arange(1, n), np.arange(1, n) // 100 * 100
        j = np.where(i == j, i - 100, j)
    elif name == "cliques":
        i, j = (x.ravel() for x in np.meshgrid(np.arange(100), np.arange(100)))
        i, j = (
            np.tile(i, 60) + 100 * np.repeat(np.arange(60), i.size),
            np.tile(j, 60) + 100 * np.repeat(np.arange(60), j.size),
        )
        i, j = i[i > j], j[i > j]
    elif name == "random":
        i, j = np.random.default_rng(0).integers(0, 3000, (2, 6000))
        n = 3000
    elif name == "grid":  # 20 x 20 x 20, all 26 neighbours
        n = 8000
        z, y, x = np.unravel_index(np.arange(n), (20, 20, 20))
        i = j = np.zeros(0, dtype=int)
        for dz, dy, dx in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)]:
            from_ = np.flatnonzero((z + dz < 20) & (y + dy < 20) & (x + dx < 20))
            i, j = np.concatenate([i, from_ + 400 * dz + 20 * dy + dx]), np.concatenate([j, from_])
    else:  # "apart"
        i = j = np.zeros(0, dtype=int)
    keep = i != j
    half = sparse.coo_array((np.ones(keep.sum()), (i[keep], j[keep])), shape=(n, n)).tocsc()
    half = half.sign()
    edges = half.maximum(half.T)
    return sparse.csc_array(sparse.diags_array(edges.sum(axis=0) + 1.0) - edges)


@pytest.mark.parametrize("ordering", ["amd", "surface"])
@pytest.mark.parametrize("name", ["arrow", "arrows", "stars", "cliques", "random", "grid", "apart"])
def test_no_pattern_blows_up(rng, name: str, ordering: str) -> None:
    matrix = pattern_of(name)
    n = matrix.shape[0]
    started = time.process_time()
    factor = mien.SparseFactor(matrix, ordering=ordering)
    assert time.process_time() - started < 20  # seconds at most; a quadratic step takes minutes
    least = (matrix.nnz + n) // 2
    if name in (
        "arrow",
        "arrows",
        "stars",
        "cliques",
        "apart",
    ):  # there is an order with no fill, or next to none
        assert factor.nnz <= least + 40 * 40
    else:
        assert factor.nnz < (0.25 if name == "random" else 0.12) * n * n
    rhs = rng.normal(size=n)
    assert np.abs(matrix @ factor.solve(rhs) - rhs).max() < 1e-8


def awkward(n: int, dense: int, parts: int, isolated: int, seed: int) -> np.ndarray:
    """A positive definite matrix (V, V) with dense rows, several components and vertices without neighbours."""
    rng = np.random.default_rng(seed)
    part = rng.integers(0, parts, n)
    i, j = rng.integers(0, n, (2, 3 * n))
    keep = (i != j) & (part[i] == part[j])
    half = np.zeros((n, n))
    half[i[keep], j[keep]] = -rng.uniform(0.1, 1, keep.sum())
    for row in rng.choice(n, min(dense, n), replace=False):
        same = np.flatnonzero(part == part[row])
        half[row, same[same != row]] = -0.1
    alone = rng.choice(n, min(isolated, n), replace=False)
    half[alone] = 0
    half[:, alone] = 0
    matrix = half + half.T
    return matrix + np.diag(rng.uniform(0.5, 2, n) - matrix.sum(axis=1))


awkward_matrices = st.builds(
    awkward,
    n=st.sampled_from([1, 2, 3, 5, 40, 130]),
    dense=st.integers(0, 3),
    parts=st.sampled_from([1, 2, 7]),
    isolated=st.sampled_from([0, 1, 9]),
    seed=st.integers(0, 1 << 20),
)


# The slow twin


@given(matrix=awkward_matrices, ordering=st.sampled_from(ORDERINGS))
def test_as_the_slow_twin(matrix: np.ndarray, ordering: str) -> None:
    n = len(matrix)
    rng = np.random.default_rng(n)
    factor = mien.SparseFactor(sparse.csc_array(matrix), rng.normal(size=(n, 3)), ordering=ordering)
    order = factor.permutation
    assert np.array_equal(np.sort(order), np.arange(n))
    counts = oracle.pattern(matrix, order).sum(axis=0)
    assert factor.nnz == counts.sum() <= factor.nnz_stored
    assert factor.flops == (counts.astype(float) ** 2).sum()
    lower, bad = oracle.cholesky(matrix, order)
    assert bad == -1
    rhs = rng.normal(size=(n, 2))
    wanted = np.empty_like(rhs)
    wanted[order] = np.linalg.solve(lower.T, np.linalg.solve(lower, rhs[order]))
    assert np.abs(factor.solve(rhs) - wanted).max() <= 1e-12 * np.abs(wanted).max()


@given(matrix=awkward_matrices, ordering=st.sampled_from(ORDERINGS), data=st.data())
def test_the_vertex_where_it_fails_is_that_of_the_slow_twin(matrix, ordering, data) -> None:
    n = len(matrix)
    positions = np.random.default_rng(n).normal(size=(n, 3))
    order = mien.SparseFactor(sparse.csc_array(matrix), positions, ordering=ordering).permutation
    for vertex in data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3)):
        matrix[vertex, vertex] = data.draw(st.sampled_from([-1e-3, -1.0]))
    row = oracle.bad_pivot(matrix, order)
    with pytest.raises(mien.NumericalError, match=f"must be positive definite, and is not at row {row} "):
        mien.SparseFactor(sparse.csc_array(matrix), positions, ordering=ordering)


def test_a_refactor_is_a_new_factor(rng) -> None:
    matrix, positions = sheet(30, 31)
    other = sparse.csc_array(matrix + sparse.diags_array(rng.random(930)))
    rhs = rng.normal(size=(930, 2))
    fresh = mien.SparseFactor(other, positions, ordering="geometric")
    again = mien.SparseFactor(matrix, positions, ordering="geometric")
    shared = mien.SparseFactor(other, pattern=again)
    again.refactor(other)
    assert np.array_equal(again.solve(rhs), fresh.solve(rhs))
    assert np.array_equal(shared.solve(rhs), fresh.solve(rhs))


@pytest.mark.parametrize("problem", ["indefinite", "nan", "pattern"])
def test_a_failed_refactor_changes_nothing(rng, problem: str) -> None:
    matrix, _ = sheet(20, 20)
    factor, rhs = mien.SparseFactor(matrix), rng.normal(size=400)
    before, bad = factor.solve(rhs), matrix.copy()
    if problem == "pattern":
        bad = sparse.csc_array(sparse.eye_array(400))
    else:
        bad[123, 123] = -1 if problem == "indefinite" else np.nan
    with pytest.raises(mien.NumericalError if problem == "indefinite" else ValueError):
        factor.refactor(bad)
    assert np.array_equal(factor.solve(rhs), before)


def test_the_bits_do_not_depend_on_the_machine(run_python) -> None:
    from tests.conftest import instruction_sets

    program = """
import hashlib, numpy as np, mien
n, m = 40, 37
y, x = np.divmod(np.arange(n * m), m)
rows, columns, data = [], [], []
for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 1)):
    keep = np.flatnonzero((y + dy < n) & (x + dx < m))
    columns.append(keep); rows.append(keep + dy * m + dx)
    data.append(np.where(dy + dx, -1 / (3 + keep % 7), 9.0 + 0 * keep))
rows, columns, data = map(np.concatenate, (rows, columns, data))
order = np.lexsort((rows, columns))
indptr = np.searchsorted(columns[order], np.arange(n * m + 1))
matrix = data[order], rows[order], indptr, (n * m, n * m)
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for ordering in ("geometric", "amd", "surface"):
        factor = mien.SparseFactor(matrix, np.column_stack([x, y, x * 0]), dtype=dtype, ordering=ordering)
        digest.update(factor.permutation.tobytes())
        digest.update(factor.solve(np.cos(np.arange(n * m))[:, None]).tobytes())
print(digest.hexdigest())
"""
    seen = {
        run_python(program, MIEN_ISA=isa, MIEN_NUM_THREADS=str(threads))
        for isa in instruction_sets()
        for threads in (1, 3)
    }
    assert len(seen) == 1


# Validity


def test_the_row_that_is_not_positive_definite_is_named(run_python) -> None:
    diagonal = np.ones(300)
    diagonal[[41, 200]] = [-1, 0]
    with pytest.raises(mien.NumericalError, match=r"positive definite, and is not at row (41|200) "):
        mien.SparseFactor(sparse.diags_array(diagonal).tocsc())
    with pytest.raises(mien.NumericalError, match=r"row 1 "):
        mien.SparseFactor(sparse.csc_array([[4.0, 4.0], [4.0, 1.0]]), ordering="natural")


def test_messages() -> None:
    good = sparse.csc_array(np.array([[4.0, 1, 0], [1, 4, 0], [0, 0, 4]]))
    with pytest.raises(TypeError, match=r"`matrix` must be a SciPy sparse matrix or"):
        mien.SparseFactor(good.toarray())
    with pytest.raises(ValueError, match=r"`matrix` must have shape \(V, V\), got \(3, 2\)"):
        mien.SparseFactor(good[:, :2])
    lopsided = good.copy()
    lopsided[1, 0] = 2
    with pytest.raises(ValueError, match=r"symmetric or one triangle, got 2 at row 1, column 0 and 1"):
        mien.SparseFactor(lopsided)
    broken = good.copy()
    broken[2, 2] = np.nan
    with pytest.raises(ValueError, match=r"finite values, got nan at row 2, column 2"):
        mien.SparseFactor(broken)
    with pytest.raises(ValueError, match=r"must not have an entry twice, got row 1 of column 0 twice"):
        mien.SparseFactor(([1.0, 1, 1, 1], [0, 1, 1, 1], [0, 3, 4], (2, 2)))
    with pytest.raises(ValueError, match=r"rows in \[0, 2\), got 2"):
        mien.SparseFactor(([1.0, 1], [0, 2], [0, 1, 2], (2, 2)))
    with pytest.raises(ValueError, match=r"`positions` must be given for ordering='geometric'"):
        mien.SparseFactor(good, ordering="geometric")
    with pytest.raises(ValueError, match=r"`positions` must be finite"):
        mien.SparseFactor(good, np.full((3, 3), np.nan))
    with pytest.raises(TypeError, match=r"`dtype` must be float32 or float64, got int64"):
        mien.SparseFactor(good, dtype=np.int64)


# Contracts


def test_indices_in_any_order_and_read_only(rng) -> None:
    matrix, _ = sheet(9, 11)
    data, indices = matrix.data.copy(), matrix.indices.astype(np.int64)
    for a, b in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        order = rng.permutation(b - a)
        data[a:b], indices[a:b] = data[a:b][order], indices[a:b][order]
    for array in (data, indices):
        array.flags.writeable = False
    rhs = rng.normal(size=99)
    shuffled = mien.SparseFactor((data, indices, matrix.indptr, matrix.shape))
    assert np.array_equal(shuffled.solve(rhs), mien.SparseFactor(matrix).solve(rhs))
