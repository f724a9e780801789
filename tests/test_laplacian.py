"""laplacian, mass, gradient and LaplacianPattern: laws, slow twins, degenerate meshes, validity, contracts."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import laplacian as oracle

import mien

KINDS = ("cotangent", "uniform")


def dense(matrix: mien.SparseMatrix) -> np.ndarray:
    assert np.all(np.diff(matrix.indptr) >= 0)
    return scipy.sparse.csc_array(matrix[:3], shape=matrix.shape).toarray()


def sheet(rows: int, columns: int, rng: np.random.Generator, noise: float = 0.2):
    """A wavy sheet of quads, some of them obtuse when cut into triangles."""
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    positions = np.stack([i, j, np.sin(i) * np.cos(2 * j)], axis=-1).reshape(-1, 3).astype(np.float64)
    positions += rng.normal(0, noise, positions.shape)
    corner = (i * columns + j)[:-1, :-1].ravel()
    quads = np.stack([corner, corner + columns, corner + columns + 1, corner + 1], axis=1)
    return mien.Topology.from_polygons(quads, rows * columns), positions


def blob(n_vertices: int, n_triangles: int, rng: np.random.Generator):
    """Triangles that have nothing to do with a surface: repeated corners, many on an edge, vertices in none."""
    triangles = rng.integers(0, n_vertices, (n_triangles, 3))
    topology = mien.Topology(np.full(n_triangles, 3), triangles.ravel(), n_vertices)
    return topology, rng.normal(size=(n_vertices, 3))


# Laws


@pytest.mark.parametrize("intrinsic", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_sum_to_zero_and_the_matrix_is_symmetric_and_semi_definite(rng, kind, intrinsic) -> None:
    topology, positions = sheet(6, 7, rng)
    matrix = dense(mien.laplacian(topology, positions, kind=kind, intrinsic=intrinsic))
    assert np.array_equal(matrix, matrix.T)
    assert np.abs(matrix.sum(axis=0)).max() < 1e-13
    values = np.linalg.eigvalsh(matrix)
    assert abs(values[0]) < 1e-13
    assert values[1] > 1e-3


def test_linear_functions_are_harmonic_inside_flat_sheets(rng) -> None:
    topology, positions = sheet(7, 8, rng)
    positions[:, 2] = 0.5 * positions[:, 0]
    matrix = dense(mien.laplacian(topology, positions))
    inside = np.array([0 < i < 6 and 0 < j < 7 for i in range(7) for j in range(8)])
    assert np.abs((matrix @ positions)[inside]).max() < 1e-13


@pytest.mark.parametrize("kind", ["voronoi", "barycentric"])
@pytest.mark.parametrize("intrinsic", [False, True])
def test_masses_sum_to_the_area(rng, kind, intrinsic) -> None:
    topology, positions = sheet(5, 9, rng)
    p = positions[topology.triangles]
    area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1).sum() / 2
    matrix = mien.mass(topology, positions, kind=kind, intrinsic=intrinsic)
    assert matrix.data.sum() == pytest.approx(area, rel=1e-13)
    assert matrix.data.min() > 0
    assert np.array_equal(dense(matrix), np.diag(matrix.data))


def test_gradients_of_linear_functions_are_exact_and_give_the_laplacian(rng) -> None:
    topology, positions = sheet(5, 6, rng)
    matrix = dense(mien.gradient(topology, positions))
    direction = np.array([0.3, -1.2, 0.7])
    found = (matrix @ (positions @ direction + 5)).reshape(-1, 3)
    p = positions[topology.triangles]
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    doubled = np.linalg.norm(normal, axis=1)
    normal /= doubled[:, None]
    assert np.abs(found - (direction - normal * (normal @ direction)[:, None])).max() < 1e-13
    weighted = matrix.T @ (np.repeat(doubled / 2, 3)[:, None] * matrix)
    assert np.abs(weighted - dense(mien.laplacian(topology, positions))).max() < 1e-13


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 1000), st.sampled_from([0.0, 0.3, 0.8]))
def test_intrinsic_weights_are_never_negative(rows, columns, seed, noise) -> None:
    topology, positions = sheet(rows, columns, np.random.default_rng(seed), noise)
    matrix = dense(mien.laplacian(topology, positions, intrinsic=True))
    assert (matrix - np.diag(np.diag(matrix))).max() < 1e-9
    _, _, _, done = mien._core.intrinsic_delaunay(positions, topology.triangles)
    assert done


def test_flips_leave_good_triangles_alone(rng) -> None:
    _, positions = sheet(5, 5, rng, noise=0)
    positions[:, 2] = 0
    i = np.arange(25).reshape(5, 5)
    positions[:, 0] += 0.5 * positions[:, 1]  # rows shift: nearly equilateral
    corners = [i[:-1, :-1], i[1:, :-1], i[:-1, 1:]], [i[1:, :-1], i[1:, 1:], i[:-1, 1:]]
    triangles = np.concatenate([np.stack(c, axis=-1).reshape(-1, 3) for c in corners])
    topology = mien.Topology.from_polygons(triangles)
    plain, flipped = (dense(mien.laplacian(topology, positions, intrinsic=b)) for b in (False, True))
    assert np.abs(plain - flipped).max() < 1e-12


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_the_unit_does_not_matter(rng, scale) -> None:
    topology, positions = sheet(5, 5, rng)
    one, other = (mien.laplacian(topology, positions * s).data for s in (1.0, scale))
    assert np.allclose(one, other, rtol=1e-11, atol=1e-13)


# Slow twins, on meshes of every kind


@given(
    st.sampled_from([1, 2, 3, 5, 31, 33, 64, 97]),
    st.sampled_from([0, 1, 2, 3, 31, 33, 100]),
    st.integers(0, 1000),
    st.sampled_from([np.float32, np.float64]),
)
def test_operators_equal_their_slow_twins(n_vertices, n_triangles, seed, dtype) -> None:
    topology, positions = blob(n_vertices, n_triangles, np.random.default_rng(seed))
    positions = positions.astype(dtype)
    triangles = topology.triangles
    expected = oracle.cotangent(triangles, positions)
    size = 1 + np.abs(expected).max(initial=0)
    assert np.abs(dense(mien.laplacian(topology, positions)) - expected).max(initial=0) < 1e-9 * size
    assert np.array_equal(
        dense(mien.laplacian(topology, positions, kind="uniform")), oracle.uniform(triangles, n_vertices)
    )
    for kind in ("voronoi", "barycentric"):
        found = mien.mass(topology, positions, kind=kind).data
        assert np.allclose(found, oracle.mass(triangles, positions, kind), rtol=1e-9, atol=1e-12)
    matrix, wanted = (
        dense(mien.gradient(topology, positions)),
        oracle.gradient(triangles, positions.astype(float)),
    )
    assert np.abs(matrix - wanted).max(initial=0) < 1e-9 * (1 + np.abs(wanted).max(initial=0))


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 1000), st.integers(0, 3))
def test_degenerate_triangles_give_finite_semi_definite_matrices(n_vertices, n_triangles, seed, flat) -> None:
    rng = np.random.default_rng(seed)
    topology, positions = blob(n_vertices, n_triangles, rng)
    positions = np.round(positions)  # many on a line, many at one place
    positions[:, :flat] = 0
    for intrinsic in (False, True):
        matrix = dense(mien.laplacian(topology, positions, intrinsic=intrinsic))
        assert np.isfinite(matrix).all()
        scale = max(1.0, np.abs(matrix).max())
        assert np.linalg.eigvalsh(matrix).min() > -1e-10 * scale
        assert np.isfinite(mien.mass(topology, positions, intrinsic=intrinsic).data).all()
    assert np.isfinite(mien.gradient(topology, positions).data).all()


def test_a_sliver_is_widened_and_a_point_gives_nothing() -> None:
    topology = mien.Topology([3], [0, 1, 2], 3)
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 0]])
    matrix = dense(mien.laplacian(topology, flat))
    assert matrix[0, 2] == pytest.approx(-0.5 / oracle.SLIVER)
    assert np.array_equal(dense(mien.laplacian(topology, np.zeros((3, 3)))), np.zeros((3, 3)))
    assert np.array_equal(dense(mien.gradient(topology, np.zeros((3, 3)))), np.zeros((3, 3)))


def test_vertices_in_no_triangle_have_a_zero_on_the_diagonal() -> None:
    topology = mien.Topology([3], [0, 1, 3], 5)
    matrix = mien.laplacian(topology, np.eye(5, 3))
    assert matrix.indptr.tolist() == [0, 3, 6, 7, 10, 11]
    assert matrix.indices[[6, 10]].tolist() == [2, 4]
    assert matrix.data[[6, 10]].tolist() == [0, 0]


def test_a_cloud_of_points_has_nothing() -> None:
    topology = mien.Topology([], [], 3)
    for intrinsic in (False, True):
        assert mien.laplacian(topology, np.eye(3), intrinsic=intrinsic).data.tolist() == [0, 0, 0]
        assert mien.mass(topology, np.eye(3), intrinsic=intrinsic).data.tolist() == [0, 0, 0]
    assert mien.gradient(topology, np.eye(3)).shape == (0, 3)


def test_edges_of_many_triangles_sum_all_of_them() -> None:
    fan = [[0, 1, 2], [1, 0, 3], [0, 1, 4], [0, 1, 5]]
    positions = np.array(
        [[0, 0, 0], [0, 0, 1], [1, 0, 0.5], [0, 1, 0.5], [-1, 0, 0.5], [0, -2, 0.5]], np.float64
    )
    topology = mien.Topology.from_polygons(fan)
    found = dense(mien.laplacian(topology, positions))
    assert np.allclose(found, oracle.cotangent(topology.triangles, positions), atol=1e-14)
    assert found[0, 1] == found[1, 0]
    flipped = dense(mien.laplacian(topology, positions, intrinsic=True))
    assert (flipped - np.diag(np.diag(flipped))).max() < 1e-12


# One pattern, many frames


def test_a_pattern_is_refilled_bit_for_bit(rng) -> None:
    topology, positions = sheet(20, 30, rng)
    pattern = mien.LaplacianPattern(topology)
    assert pattern.topology is topology
    out = pattern.refill(positions).data
    for frame in positions + rng.normal(0, 0.05, (3, *positions.shape)):
        again = pattern.refill(frame, out=out)
        assert again.data is out
        for kind in KINDS:
            one, other = pattern.refill(frame, kind=kind), mien.laplacian(topology, frame, kind=kind)
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        for kind in ("voronoi", "barycentric"):
            one, other = pattern.mass(frame, kind=kind), mien.mass(topology, frame, kind=kind)
            assert np.array_equal(one.data, other.data)
        assert np.array_equal(pattern.gradient(frame).data, mien.gradient(topology, frame).data)


def test_threads_and_instruction_sets_do_not_change_a_bit(run_python, instruction_set) -> None:
    code = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(3)
n = 120
i = np.arange(n * n).reshape(n, n)
quads = np.stack([i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]], axis=-1).reshape(-1, 4)
topology = mien.Topology.from_polygons(quads, n * n)
positions = rng.normal(size=(n * n, 3))
digest = hashlib.sha256()
for points in (positions, positions.astype(np.float32)):
    digest.update(mien.laplacian(topology, points).data.tobytes())
    digest.update(mien.mass(topology, points).data.tobytes())
    digest.update(mien.mass(topology, points, kind="barycentric").data.tobytes())
    digest.update(mien.gradient(topology, points).data.tobytes())
print(digest.hexdigest())
"""
    one = run_python(code, MIEN_ISA="base", MIEN_NUM_THREADS="1")
    assert run_python(code, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="3") == one


# Contracts


def test_inputs_are_borrowed_with_their_strides(rng) -> None:
    topology, positions = sheet(4, 5, rng)
    expected = mien.laplacian(topology, positions).data
    padded = np.full((len(positions), 4), np.nan)
    padded[:, :3] = positions
    frames = np.stack([np.full_like(positions, np.nan), positions])
    frames.flags.writeable = False
    for view in (padded[:, :3], frames[1], np.asfortranarray(positions)):
        assert np.array_equal(mien.laplacian(topology, view).data, expected)


def test_patterns_are_read_only_and_results_of_the_function_are_not(rng) -> None:
    topology, positions = sheet(3, 3, rng)
    shared, own = mien.LaplacianPattern(topology).refill(positions), mien.laplacian(topology, positions)
    with pytest.raises(ValueError, match="read-only"):
        shared.indices[0] = 1
    own.indices[0] = 1


def test_what_is_wrong_is_said(rng) -> None:
    topology, positions = sheet(3, 3, rng)
    pattern = mien.LaplacianPattern(topology)
    with pytest.raises(TypeError, match="`topology` must be a Topology, got ndarray"):
        mien.laplacian(positions, positions)
    with pytest.raises(ValueError, match=r"`positions` must have shape \(V, 3\) = \(9, 3\), got \(8, 3\)"):
        mien.laplacian(topology, positions[:8])
    with pytest.raises(TypeError, match="`positions` must be float32 or float64"):
        mien.mass(topology, positions.astype(int))
    with pytest.raises(ValueError, match="`kind` must be one of 'cotangent', 'uniform', got 'graph'"):
        mien.laplacian(topology, positions, kind="graph")
    with pytest.raises(ValueError, match="`kind` must be one of 'voronoi', 'barycentric', got 'lumped'"):
        pattern.mass(positions, kind="lumped")
    broken = positions.copy()
    broken[4, 1] = np.nan
    for wrong in (
        lambda: mien.laplacian(topology, broken),
        lambda: mien.laplacian(topology, broken, intrinsic=True),
        lambda: pattern.mass(broken),
        lambda: pattern.gradient(broken),
        lambda: pattern.refill(broken),
    ):
        with pytest.raises(ValueError, match=r"`positions` must be finite, got .* at vertex 4"):
            wrong()
    with pytest.raises(ValueError, match=r"`out` must be a float64 array of shape \(41,\), got float64 of"):
        pattern.refill(positions, out=np.empty(3))
    with pytest.raises(ValueError, match="`out` must be contiguous"):
        pattern.refill(positions, out=np.empty(82)[::2])
