"""region, geodesic_distance, envelope: known surfaces, the slow twin, laws, messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from tests.oracles import geodesic as oracle

import mien


def grid(rows: int, columns: int) -> tuple[mien.Topology, np.ndarray, np.ndarray]:
    """Unit squares in a plane: topology, positions, and the indices as (rows, columns)."""
    index = np.arange(rows * columns).reshape(rows, columns)
    x, y = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    points = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1).astype(np.float64)
    return mien.Topology.from_polygons(quads), points, index


def sphere(depth: int) -> tuple[mien.Topology, np.ndarray]:
    """An octahedron, refined and pushed out to radius 1."""
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=np.float64)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    for _ in range(depth):
        pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        edges, place = np.unique(pairs, axis=0, return_inverse=True)
        ab, bc, ca = (place.reshape(-1, 3) + len(points)).T
        a, b, c = faces.T
        points = np.concatenate([points, points[edges].mean(axis=1)])
        faces = np.concatenate(
            [np.stack(f, axis=1) for f in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
    return mien.Topology.from_polygons(faces), points / np.linalg.norm(points, axis=1, keepdims=True)


def apart(points: np.ndarray, seeds: list[int]) -> np.ndarray:
    return np.min([np.linalg.norm(points - points[s], axis=1) for s in seeds], axis=0)


PLANES = {
    "square": np.eye(3),
    "squashed": np.diag([1.0, 0.15, 1.0]),
    "sheared, obtuse": np.array([[1.0, 1.7, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    "tilted": np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0],
}


@pytest.mark.parametrize("kind", PLANES)
def test_a_plane_has_no_preferred_direction(kind):
    topology, points, index = grid(41, 41)
    points = points @ PLANES[kind].T
    seed = index[20, 20]
    radius = np.linalg.norm(points[topology.edges] - points[seed], axis=2).max()
    truth = apart(points, [seed])
    got = mien.geodesic_distance(topology, points, [seed])
    assert abs(got - truth).max() < 1e-3 * radius
    assert (got >= truth * (1 - 1e-9)).all()


def test_edge_paths_would_not_pass():
    topology, points, index = grid(41, 41)
    seed = index[20, 20]
    shortcut = oracle.along_edges(topology.triangles, points, [seed])
    assert (shortcut / np.maximum(apart(points, [seed]), 1e-9)).max() > 1.05


def test_irregular_triangles_in_a_plane(rng):
    flat = rng.random((1500, 2))
    topology = mien.Topology.from_polygons(Delaunay(flat).simplices)
    points = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    seed = int(np.argmin(np.linalg.norm(flat - 0.5, axis=1)))
    assert abs(mien.geodesic_distance(topology, points, [seed]) - apart(points, [seed])).max() < 1e-9
    many = np.argsort(abs(flat[:, 0] - 0.5))[:40].tolist()
    error = abs(mien.geodesic_distance(topology, points, many) - apart(points, many))
    assert error.max() < 0.02
    assert np.percentile(error, 95) < 0.002  # edges are 0.026 long


@pytest.mark.parametrize(
    "seeds", [[(10, 10), (30, 27)], [(20, c) for c in range(12, 28)], [(0, 0), (40, 40), (0, 40)]]
)
def test_many_seeds_in_a_plane(seeds):
    topology, points, index = grid(41, 41)
    names = [int(index[s]) for s in seeds]
    got = mien.geodesic_distance(topology, points, names)
    assert abs(got - apart(points, names)).max() < 1e-6
    assert (got[names] == 0).all()


def test_sphere_measures_great_circles():
    topology, points = sphere(5)
    seed = 4
    truth = np.arccos(np.clip(points @ points[seed], -1, 1))
    got = mien.geodesic_distance(topology, points, [seed])
    near = truth < 1.0
    assert abs(got - truth)[near].max() < 0.005
    assert abs(got - truth).max() < 0.03 * np.pi


def test_cylinder_unrolls():
    n, m = 60, 45
    turn, height = np.meshgrid(np.arange(n) * 2 * np.pi / n, np.arange(m) * 0.1, indexing="ij")
    points = np.stack([np.cos(turn), np.sin(turn), height], axis=-1).reshape(-1, 3)
    index = np.arange(n * m).reshape(n, m)
    after = np.roll(index, -1, axis=0)
    quads = np.stack([index[:, :-1], after[:, :-1], after[:, 1:], index[:, 1:]], axis=-1).reshape(-1, 4)
    seed = index[0, 22]
    steps = np.minimum(np.arange(n), n - np.arange(n))[:, None] * 2 * np.sin(np.pi / n)
    truth = np.hypot(steps, height - 2.2).ravel()
    got = mien.geodesic_distance(mien.Topology.from_polygons(quads), points, [seed])
    assert abs(got - truth)[truth < 2.2].max() < 1e-9


def test_ways_go_round_holes():
    # A slot of two squares' width from the upper border down to the middle: like a mouth, seen from the upper lip.
    topology, points, index = grid(41, 41)
    quads = topology.face_indices.reshape(-1, 4)
    slot = np.isin(quads, index[20, 21:]).any(axis=1)
    cut = mien.Topology.from_polygons(quads[~slot], len(points))
    seed = index[14, 35]
    got = mien.geodesic_distance(cut, points, [seed])
    left, right = np.array([19.0, 20.0, 0.0]), np.array([21.0, 20.0, 0.0])
    beyond = index[30, 32]
    truth = np.linalg.norm(points[seed] - left) + 2 + np.linalg.norm(points[beyond] - right)
    assert got[beyond] == pytest.approx(truth, rel=0.001)
    assert got[beyond] > 1.6 * np.linalg.norm(points[beyond] - points[seed])
    assert np.isinf(got[index[20, 30]])


def bumpy(rng: np.random.Generator, size: int = 11) -> tuple[mien.Topology, np.ndarray]:
    topology, points, _ = grid(size, size)
    points = points + rng.normal(0, 0.15, points.shape)
    points[:, 2] += 3 * np.exp(-((points[:, :2] - size / 2) ** 2).sum(axis=1) / 8)
    return topology, points


@pytest.mark.parametrize("seeds", [[60], [0], [3, 90, 65]])
def test_the_slow_twin_agrees(rng, seeds):
    topology, points = bumpy(rng)
    truth = oracle.distance(topology.triangles, points, seeds)
    got = mien.geodesic_distance(topology, points, seeds)
    assert abs(got - truth).max() < 0.02 * truth.max()


def test_along_an_edge_distance_grows_by_no_more_than_its_length(rng):
    topology, points = bumpy(rng, 15)
    got = mien.geodesic_distance(topology, points, [7, 100])
    a, b, c = topology.triangles.T
    for v, w in ((a, b), (b, c), (c, a)):
        length = np.linalg.norm(points[v] - points[w], axis=1)
        assert (abs(got[v] - got[w]) <= length * (1 + 1e-9)).all()


def test_the_limit_only_saves_time(rng):
    topology, points = bumpy(rng, 15)
    whole = mien.geodesic_distance(topology, points, [40])
    for limit in (0.0, 1.3, 4.0):
        part = mien.geodesic_distance(topology, points, [40], limit=limit)
        assert (np.isinf(part) == (whole > limit)).all()
        inside = np.isfinite(part)
        assert abs(part - whole)[inside].max() < 1e-9


def test_order_and_dtype_of_inputs(rng):
    topology, points = bumpy(rng)
    one = mien.geodesic_distance(topology, points, [5, 60, 5, 100])
    assert (one == mien.geodesic_distance(topology, points, np.array([100, 60, 5]))).all()
    assert abs(one - mien.geodesic_distance(topology, points.astype(np.float32), [5, 60, 100])).max() < 1e-4
    points.flags.writeable = False
    mien.geodesic_distance(topology, points, [5])


def test_components_and_isolated_vertices():
    topology, points, _ = grid(4, 4)
    two = np.concatenate([topology.face_indices.reshape(-1, 4), topology.face_indices.reshape(-1, 4) + 16])
    both = mien.Topology.from_polygons(two, 33)
    got = mien.geodesic_distance(both, np.concatenate([points, points, points[:1]]), [0])
    assert np.isfinite(got[:16]).all()
    assert np.isinf(got[16:]).all()
    assert mien.geodesic_distance(mien.Topology([], [], 3), np.zeros((3, 3)), [1]).tolist() == [
        np.inf,
        0,
        np.inf,
    ]


def test_triangles_without_area():
    # A needle whose corners lie on one line, a triangle of one point, and a triangle that names a vertex twice.
    points = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 0, 0], [2, 1, 0]], dtype=np.float64)
    topology = mien.Topology([3, 3, 3, 3], [0, 1, 2, 2, 3, 3, 3, 2, 2, 2, 3, 4], 5)
    assert mien.geodesic_distance(topology, points, [0]).tolist() == pytest.approx([0, 1, 2, 2, 3])


def test_missing_vertices_are_no_surface():
    topology, points, index = grid(9, 9)
    points[index[4, 1:]] = np.nan
    got = mien.geodesic_distance(topology, points, [int(index[2, 8])])
    assert np.isinf(got[index[4, 1:]]).all()
    assert np.isinf(got[index[6, 8]])  # faces beside the gap are gone, and column 0 alone carries none


@given(st.integers(0, 10_000))
def test_no_geometry_makes_it_hang(seed):
    rng = np.random.default_rng(seed)
    topology = mien.Topology.from_polygons(rng.integers(0, 30, (80, 3)), 30)
    points = rng.normal(size=(30, 3)) * 10.0 ** rng.integers(-3, 4, (30, 1))
    got = mien.geodesic_distance(topology, points, [0])
    straight = np.linalg.norm(points - points[0], axis=1)
    assert got[0] == 0
    assert not np.isnan(got).any()
    assert (got >= 0.2 * straight).all()


def test_region_falls_smoothly_to_zero_at_the_radius():
    topology, points, index = grid(61, 61)
    seed = int(index[30, 30])
    away = apart(points, [seed])
    got = mien.region(topology, points, [seed], 20.0)
    t = np.clip(1 - away / 20, 0, 1)
    assert abs(got - (6 * t**5 - 15 * t**4 + 10 * t**3)).max() < 1e-9
    assert got[seed] == 1
    assert (got[away > 20 + 1e-9] == 0).all()
    assert (got[away < 19.5] > 0).all()
    along = got[index[30:, 30]]
    assert abs(np.diff(along, 3)).max() < 0.02  # a third derivative bounds the second: no corner in between


def test_region_holds_and_linear():
    topology, points, index = grid(41, 41)
    seed = int(index[20, 20])
    away = apart(points, [seed])
    held = mien.region(topology, points, [seed], 15, hold=5.0)
    assert (held[away <= 5 + 1e-9] == 1).all()
    assert held.dtype == np.float64
    linear = mien.region(topology, points, [seed], 15, falloff="linear")
    assert abs(linear - np.clip(1 - away / 15, 0, 1)).max() < 1e-9


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"seeds": []}, ValueError, "at least one vertex"),
        ({"seeds": [99]}, ValueError, "below V = 16, got 99"),
        ({"seeds": [-1]}, ValueError, "got -1"),
        ({"seeds": [1.5]}, TypeError, "integers"),
        ({"radius": 0}, ValueError, "above 0"),
        ({"radius": np.nan}, ValueError, "finite"),
        ({"hold": 5}, ValueError, "below radius = 3"),
        ({"hold": -1}, ValueError, "at least 0"),
        ({"falloff": "hard"}, ValueError, "'smooth', 'linear'"),
        ({"neutral": np.zeros((3, 3))}, ValueError, r"\(V, 3\) = \(16, 3\)"),
        ({"topology": "face"}, TypeError, "a Topology"),
    ],
)
def test_region_says_what_is_wrong(change, error, words):
    topology, points, _ = grid(4, 4)
    arguments = {"topology": topology, "neutral": points, "seeds": [3], "radius": 3.0, **change}
    with pytest.raises(error, match=words):
        mien.region(**arguments)


def test_a_seed_without_a_position_is_refused():
    topology, points, _ = grid(4, 4)
    points[3] = np.inf
    with pytest.raises(ValueError, match="vertex 3"):
        mien.region(topology, points, [1, 3], 2.0)


@given(st.integers(1, 60), st.floats(-20, 60), st.floats(0.5, 20), st.floats(0, 20), st.floats(0.5, 20))
def test_envelope_lies_between_its_ends(n_frames, start, rise, plateau, fall):
    peak = (start + rise, start + rise + plateau)
    end = peak[1] + fall
    if peak[0] < 0 or peak[1] > n_frames - 1:
        return
    got = mien.envelope(n_frames, start, peak, end)
    frames = np.arange(n_frames)
    assert got.shape == (n_frames,)
    assert ((got >= 0) & (got <= 1)).all()
    assert (got[(frames <= start) | (frames >= end)] == 0).all()
    assert (got[(frames >= peak[0]) & (frames <= peak[1])] == 1).all()
    assert (np.diff(got[frames <= peak[0]]) >= 0).all()
    assert (np.diff(got[frames >= peak[1]]) <= 0).all()


def test_envelope_is_smooth_to_the_second_derivative():
    fine = mien.envelope(4001, 500, 2000, 3900)
    assert abs(np.diff(fine, 2)).max() < 6 / 1500**2
    assert (
        abs(np.diff(fine, 3)).max() < 61 / 1500**3
    )  # a jump of the second derivative would be of the order 1500 more
    assert mien.envelope(5, 0, 2, 4).tolist() == [0, 0.5, 1, 0.5, 0]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0, 1, 2, 3), ValueError, "n_frames"),
        ((10, 5, 5, 8), ValueError, "in order, got 5, 5 and 8"),
        ((10, 2, 5, 4), ValueError, "in order"),
        ((10, 2, (6, 4), 8), ValueError, "in order"),
        ((10, 8, 12, 14), ValueError, "in the take, from 0 to 9, got 12"),
        ((10, -9, -3, 4), ValueError, "in the take"),
        ((10, 2, (3, 4, 5), 8), ValueError, "got 3 values"),
        ((10, np.nan, 4, 8), ValueError, "finite"),
        ((10, "2", 4, 8), TypeError, "a number"),
        ((10.5, 2, 4, 8), TypeError, "an integer"),
    ],
)
def test_envelope_says_what_is_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        mien.envelope(*arguments)
