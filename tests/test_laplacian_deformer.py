"""LaplacianDeformer: laws, the slow twin, validity, contracts."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import laplacian_deformer as oracle

import mien

KINDS = ("laplacian", "bilaplacian")
METHODS = ("response", "solve")


def sheet(rows: int, columns: int, rng: np.random.Generator):
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    positions = np.stack([i, j, np.sin(i) * np.cos(2 * j)], axis=-1).reshape(-1, 3).astype(np.float64)
    corner = (i * columns + j)[:-1, :-1].ravel()
    quads = np.stack([corner, corner + columns, corner + columns + 1, corner + 1], axis=1)
    topology = mien.Topology.from_polygons(quads, rows * columns)
    return topology, positions + rng.normal(0, 0.1, positions.shape)


@pytest.fixture
def case(rng):
    """A sheet with four handles, three anchors and five frames of its own to be deformed."""
    topology, rest = sheet(7, 9, rng)
    handles, anchors = np.array([40, 3, 55, 20]), np.array([0, 8, 62])
    base = rest + rng.normal(0, 0.2, (5, *rest.shape))
    targets = base[:, handles] + rng.normal(0, 1, (5, 4, 3))
    return topology, rest, handles, anchors, base, targets


# Laws


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_handles_are_met_and_anchors_are_held_to_the_bit(case, kind, method, dtype) -> None:
    topology, rest, handles, anchors, base, targets = case
    base = base.astype(dtype)
    base[:, anchors[0]] = -0.0  # its sign is a bit too
    deformer = mien.LaplacianDeformer(topology, rest, handles, anchors, kind=kind, method=method)
    out = deformer.solve(targets, base)
    assert out.dtype == dtype
    assert np.array_equal(out[:, handles], targets.astype(dtype))
    assert out[:, anchors].tobytes() == base[:, anchors].tobytes()


@pytest.mark.parametrize(("method", "passes"), [("response", 0), ("solve", 0), ("solve", 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_targets_at_the_base_change_nothing(case, kind, method, passes) -> None:
    topology, rest, handles, anchors, base, _ = case
    deformer = mien.LaplacianDeformer(
        topology, rest, handles, anchors, kind=kind, method=method, rotation_passes=passes
    )
    assert np.abs(deformer.solve(base[:, handles], base) - base).max() < 1e-12 * passes + 1e-300


@pytest.mark.parametrize("kind", KINDS)
def test_a_shift_of_all_handles_shifts_the_surface(case, kind) -> None:
    topology, rest, handles, _, base, _ = case
    deformer = mien.LaplacianDeformer(topology, rest, handles, kind=kind)
    out = deformer.solve(base[:, handles] + [1.0, -2, 3], base)
    assert np.abs(out - base - [1, -2, 3]).max() < 1e-9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_region_nothing_moves_by_a_bit(case, kind, method) -> None:
    topology, rest, handles, _, base, targets = case
    region = np.zeros(63)
    region[19:44] = np.linspace(0.1, 1, 25)
    handles, targets = handles[[0, 3]], targets[:, [0, 3]]
    deformer = mien.LaplacianDeformer(topology, rest, handles, kind=kind, region=region, method=method)
    assert deformer.n_free == 23
    base = base.astype(np.float32)
    out = deformer.solve(targets, base)
    assert out[:, region == 0].tobytes() == base[:, region == 0].tobytes()
    assert np.all(np.abs(out - base)[:, region > 0].max(axis=(0, 2)) > 0)
    anchors = np.flatnonzero(region == 0)
    same = mien.LaplacianDeformer(topology, rest, handles, anchors, kind=kind, method=method)
    assert np.array_equal(same.solve(targets, base), out)


@pytest.mark.parametrize("kind", KINDS)
def test_soft_handles_near_their_targets_as_the_weight_grows(case, kind) -> None:
    topology, rest, handles, anchors, base, targets = case
    hard = mien.LaplacianDeformer(topology, rest, handles, anchors, kind=kind).solve(targets, base)
    missed = []
    for weight in (0.1, 10.0, 1e3, 1e6):
        soft = mien.LaplacianDeformer(topology, rest, handles, anchors, kind=kind, weights=weight)
        out = soft.solve(targets, base)
        missed.append(np.abs(out[:, handles] - targets).max())
    assert missed == sorted(missed, reverse=True)
    assert missed[0] > 0.3
    assert missed[-1] < 1e-4
    assert np.abs(out - hard).max() < 1e-3


def test_the_bilaplacian_is_smoother_at_handles(rng) -> None:
    topology, rest = sheet(21, 21, rng)
    rest[:, 2] = 0
    i, j = np.divmod(np.arange(441), 21)
    border = (i == 0) | (i == 20) | (j == 0) | (j == 20)
    drop = []
    for kind in KINDS:
        deformer = mien.LaplacianDeformer(topology, rest, [220], border, kind=kind)
        out = deformer.solve(rest[[220]] + [0, 0, 1])
        drop.append(1 - out[221, 2])
    assert drop[1] < 0.3 * drop[0]


@pytest.mark.parametrize("kind", KINDS)
def test_rotation_passes_bring_a_turn_of_all_handles_nearer_to_a_rigid_one(rng, kind) -> None:
    topology, rest = sheet(9, 9, rng)
    rest[:, 2] *= 0.3
    handles = np.array([0, 8, 72, 80, 40, 36, 44, 4, 76])
    angle = 0.9
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    errors = [
        np.abs(
            mien.LaplacianDeformer(topology, rest, handles, kind=kind, rotation_passes=passes).solve(
                (rest @ turn.T)[handles]
            )
            - rest @ turn.T
        ).max()
        for passes in (0, 1, 8)
    ]
    assert errors[1] < 0.85 * errors[0]
    assert errors[2] < 0.4 * errors[0]


@pytest.mark.parametrize("kind", KINDS)
def test_both_methods_agree_and_frames_do_not_know_each_other(case, kind, rng) -> None:
    topology, rest, handles, anchors, _, _ = case
    base = rest + rng.normal(0, 0.2, (37, *rest.shape))  # two blocks and a frame more
    targets = base[:, handles] + rng.normal(0, 1, (37, 4, 3))
    found = []
    for method in METHODS:
        deformer = mien.LaplacianDeformer(topology, rest, handles, anchors, kind=kind, method=method)
        assert deformer.method == method
        out = deformer.solve(targets, base)
        for f in (0, 15, 16, 36):
            assert np.array_equal(deformer.solve(targets[f], base[f]), out[f])
        assert np.array_equal(deformer.solve(targets[:3], base[:3]), out[:3])
        found.append(out)
    assert np.abs(found[0] - found[1]).max() < 1e-10


@pytest.mark.parametrize("kind", KINDS)
def test_float32_follows_float64(case, kind) -> None:
    topology, rest, handles, anchors, base, targets = case
    for method in METHODS:
        fine, coarse = (
            mien.LaplacianDeformer(
                topology, rest, handles, anchors, kind=kind, method=method, dtype=dtype
            ).solve(targets, base)
            for dtype in (np.float64, np.float32)
        )
        assert np.abs(fine - coarse).max() < 3e-6 * np.abs(targets - base[:, handles]).max()


def test_threads_and_instruction_sets_do_not_change_a_bit(run_python, instruction_set) -> None:
    code = """
import hashlib, numpy as np, mien
rng = np.random.default_rng(3)
n = 24
i = np.arange(n * n).reshape(n, n)
quads = np.stack([i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]], axis=-1).reshape(-1, 4)
topology = mien.Topology.from_polygons(quads, n * n)
rest = np.stack([*np.divmod(np.arange(n * n), n), rng.normal(size=n * n)], axis=-1).astype(float)
handles = rng.permutation(n * n)[:13]
base = rest + rng.normal(0, 0.1, (21, n * n, 3))
targets = base[:, handles] + rng.normal(size=(21, 13, 3))
digest = hashlib.sha256()
for dtype in (np.float32, np.float64):
    for kind in ("laplacian", "bilaplacian"):
        for options in ({"method": "response"}, {"method": "solve"}, {"rotation_passes": 1}):
            deformer = mien.LaplacianDeformer(topology, rest.astype(dtype), handles, kind=kind, **options)
            digest.update(deformer.solve(targets, base).tobytes())
            digest.update(deformer.solve(targets, base.astype(np.float32)).tobytes())
print(digest.hexdigest())
"""
    one = run_python(code, MIEN_ISA="base", MIEN_NUM_THREADS="1")
    assert run_python(code, MIEN_ISA=instruction_set, MIEN_NUM_THREADS="3") == one


# The slow twin


@given(
    st.sampled_from([(2, 2), (2, 3), (5, 7), (6, 6), (3, 33)]),
    st.integers(0, 1000),
    st.sampled_from(KINDS),
    st.sampled_from(METHODS),
    st.sampled_from(["hard", "soft", "mixed"]),
    st.sampled_from([np.float32, np.float64]),
)
def test_it_equals_its_slow_twin(size, seed, kind, method, strength, dtype) -> None:
    rng = np.random.default_rng(seed)
    topology, rest = sheet(*size, rng)
    n = len(rest)
    order = rng.permutation(n)
    count = int(rng.integers(1, max(2, n // 2)))
    handles, anchors = order[:count], order[count : count + int(rng.integers(0, n - count + 1))]
    weights = np.full(count, np.inf)
    if strength != "hard":
        soft = np.ones(count, bool) if strength == "soft" else rng.random(count) < 0.5
        weights[soft] = rng.uniform(0.5, 20, int(soft.sum()))
    base = (rest + rng.normal(0, 0.1, (2, n, 3))).astype(dtype)
    targets = base[:, handles] + rng.normal(0, 1, (2, count, 3))
    deformer = mien.LaplacianDeformer(
        topology, rest, handles, anchors, kind=kind, weights=weights, method=method
    )
    out = deformer.solve(targets, base)
    held = np.isin(np.arange(n), anchors)
    bound = 1e-8 if dtype is np.float64 else 4e-6
    for f in range(2):
        expected = oracle.deform(
            topology.triangles, rest, handles, targets[f], held, weights, kind, base[f].astype(float)
        )
        assert np.abs(out[f] - expected).max() < bound * max(1, np.abs(expected).max())


@pytest.mark.parametrize("passes", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_rotation_passes_equal_their_slow_twin(case, kind, passes) -> None:
    topology, rest, handles, anchors, base, targets = case
    weights = np.array([np.inf, 5.0, np.inf, 0.7])
    deformer = mien.LaplacianDeformer(
        topology, rest, handles, anchors, kind=kind, weights=weights, rotation_passes=passes
    )
    targets = base[:, handles] + 0.3 * (targets - base[:, handles])
    out = deformer.solve(targets, base)
    held = np.isin(np.arange(63), anchors)
    for f in range(2):
        expected = oracle.deform(
            topology.triangles, rest, handles, targets[f], held, weights, kind, base[f], passes
        )
        assert np.abs(out[f] - expected).max() < 1e-8 * np.abs(targets - base[:, handles]).max()


def test_the_intrinsic_laplacian_is_used_where_asked_for(rng) -> None:
    topology, rest = sheet(4, 9, rng)
    rest[:, 1] *= 5  # long triangles
    handles = [4, 30]
    plain, intrinsic = (mien.LaplacianDeformer(topology, rest, handles, intrinsic=b) for b in (False, True))
    goal = rest[handles] + [[0, 0, 1], [0, 0, 0]]
    moved = intrinsic.solve(goal) - rest
    assert np.abs(moved - (plain.solve(goal) - rest)).max() > 1e-3
    assert moved[:, 2].min() > -1e-12  # the maximum principle
    assert moved[:, 2].max() < 1 + 1e-12


# Meshes of every kind


def test_pieces_loose_vertices_and_handles_everywhere(rng) -> None:
    one, rest = sheet(3, 4, rng)
    faces = np.concatenate([one.triangles, one.triangles + 12])
    topology = mien.Topology.from_polygons(faces, 26)  # two loose vertices
    rest = np.concatenate([rest, rest + 10, rng.normal(size=(2, 3))])
    with pytest.raises(
        ValueError, match=r"piece of the surface with vertex 12 \(12 vertices\) has neither a handle"
    ):
        mien.LaplacianDeformer(topology, rest, [3])
    deformer = mien.LaplacianDeformer(topology, rest, [3, 24], [15])
    out = deformer.solve(rest[[3, 24]] + 1)
    assert np.allclose(out[:12], rest[:12] + 1, atol=1e-12)
    assert np.array_equal(out[12:24], rest[12:24])
    assert np.array_equal(out[24:], [rest[24] + 1, rest[25]])
    soft = mien.LaplacianDeformer(topology, rest, [3, 24, 15], weights=2.0)
    assert np.allclose(soft.solve(rest[[3, 24, 15]] + 1)[:25], rest[:25] + 1, atol=1e-9)
    everything = mien.LaplacianDeformer(topology, rest, np.arange(26))
    assert everything.n_free == 0
    goal = rng.normal(size=(2, 26, 3))
    assert np.array_equal(everything.solve(goal), goal)


def test_degenerate_and_non_manifold_triangles_are_survived(rng) -> None:
    fan = [[0, 1, 2], [1, 0, 3], [0, 1, 4], [0, 1, 5], [2, 2, 3], [4, 5, 5]]
    topology = mien.Topology.from_polygons(fan)
    rest = rng.normal(size=(6, 3))
    rest[5] = rest[4]
    for kind in KINDS:
        out = mien.LaplacianDeformer(topology, rest, [2, 3], kind=kind).solve(rest[[2, 3]] + 1)
        assert np.abs(out - rest - 1).max() < 1e-4


@given(
    st.integers(1, 12),
    st.integers(0, 16),
    st.integers(0, 10_000),
    st.sampled_from(KINDS),
    st.sampled_from([("response", 0), ("solve", 0), ("solve", 2)]),
    st.sampled_from([1.0, 1e-3, 1e4]),
)
def test_any_triangles_give_finite_points_or_a_clear_error(n, count, seed, kind, how, unit) -> None:
    """Triangles at random on few coarse points: repeated corners, no area, edges of many triangles, loose vertices."""
    rng = np.random.default_rng(seed)
    faces = rng.integers(0, n, (count, 3))
    topology = mien.Topology(np.full(count, 3), faces.ravel(), n)
    rest = rng.integers(0, 3, (n, 3)) * unit
    handles = rng.permutation(n)[: int(rng.integers(1, min(n, 4) + 1))]
    method, passes = how
    said = ""
    try:
        deformer = mien.LaplacianDeformer(
            topology, rest, handles, kind=kind, method=method, rotation_passes=passes
        )
    except (ValueError, mien.NumericalError) as error:
        said = str(error)
    if said:
        assert ("has neither a handle" in said and len(handles) < n) or "not positive definite" in said
        return
    targets = rest[handles] + rng.normal(0, unit, (2, len(handles), 3))
    out = deformer.solve(targets)
    assert np.isfinite(out).all()
    assert np.array_equal(out[:, handles], targets)


# Contracts


@pytest.mark.parametrize("method", METHODS)
def test_strides_and_shapes_of_every_kind(case, method) -> None:
    topology, rest, handles, anchors, base, targets = case
    deformer = mien.LaplacianDeformer(topology, rest, handles, anchors, method=method)
    expected = deformer.solve(targets, base)
    frozen = base.copy()
    frozen.flags.writeable = False
    assert np.array_equal(deformer.solve(targets, frozen), expected)
    doubled = np.repeat(base, 2, axis=0)
    assert np.array_equal(deformer.solve(targets[::2], doubled[::4]), expected[::2])
    assert np.array_equal(deformer.solve(targets, base[0])[0], expected[0])
    assert np.array_equal(deformer.solve(targets[0], base)[0], expected[0])
    assert deformer.solve(targets[0], base).shape == (5, 63, 3)
    assert deformer.solve(targets[0]).shape == (63, 3)
    assert deformer.solve(targets[:0]).shape == (0, 63, 3)
    out = np.empty((10, 63, 3))[::2]
    assert deformer.solve(targets, base, out=out) is out
    assert np.array_equal(out, expected)
    mask = np.isin(np.arange(63), anchors)
    assert np.array_equal(
        mien.LaplacianDeformer(topology, rest, handles, mask, method=method).solve(targets, base), expected
    )


@pytest.mark.parametrize("method", METHODS)
def test_what_is_missing_in_the_base_spoils_only_itself(case, method) -> None:
    topology, rest, handles, anchors, base, targets = case
    deformer = mien.LaplacianDeformer(topology, rest, handles, anchors, method=method)
    expected = deformer.solve(targets, base)
    base[2, 30] = np.nan
    out = deformer.solve(targets, base)
    lost = np.isnan(out).any(axis=2)
    assert np.argwhere(lost).tolist() == [[2, 30]]
    assert np.array_equal(out[~lost], expected[~lost])


def test_many_threads_may_use_one_deformer(case) -> None:
    topology, rest, handles, anchors, base, targets = case
    deformer = mien.LaplacianDeformer(topology, rest, handles, anchors, rotation_passes=1)
    expected, found = deformer.solve(targets, base), []
    threads = [threading.Thread(target=lambda: found.append(deformer.solve(targets, base))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(one, expected) for one in found)


def test_few_handles_respond_and_many_are_solved_for(rng) -> None:
    topology, rest = sheet(30, 30, rng)
    few, many = (mien.LaplacianDeformer(topology, rest, np.arange(n)) for n in (5, 400))
    assert few.method == "response"
    assert many.method == "solve"
    assert few.nbytes > 0
    assert few.topology is topology
    assert few.handles.tolist() == [0, 1, 2, 3, 4]


# Validity


def test_what_is_wrong_is_said(case) -> None:
    topology, rest, handles, anchors, base, targets = case

    def build(*given, **options):
        return mien.LaplacianDeformer(topology, rest, *given, **options)

    for wrong, kind, words in (
        (lambda: build([]), ValueError, "`handles` must name at least one vertex, got none"),
        (lambda: build([63]), ValueError, "`handles` must name vertices below V = 63, got 63"),
        (lambda: build([3, -1]), ValueError, "below V = 63, got -1"),
        (lambda: build([3, 5, 3]), ValueError, "`handles` must name every vertex once, got vertex 3 twice"),
        (lambda: build([0.5]), TypeError, "`handles` must hold integers"),
        (lambda: build([3], [3, 4]), ValueError, "`anchors` must not name handles, got vertex 3"),
        (lambda: build([3], [99]), ValueError, "`anchors` must name vertices below V = 63, got 99"),
        (lambda: build([3], kind="arap"), ValueError, "`kind` must be one of 'laplacian', 'bilaplacian'"),
        (lambda: build([3], method="fast"), ValueError, "`method` must be one of"),
        (
            lambda: build([3], method="response", rotation_passes=1),
            ValueError,
            "`method` must be 'auto' or 'solve'",
        ),
        (lambda: build([3], rotation_passes=-1), ValueError, "`rotation_passes` must be at least 0"),
        (lambda: build([3], dtype=np.int32), ValueError, "`dtype` must be one of 'float32', 'float64'"),
        (
            lambda: build([3, 4], weights=[1, 0]),
            ValueError,
            "`weights` must be above 0 .*, got 0 for handle 1",
        ),
        (lambda: build([3, 4], weights=[1.0]), ValueError, r"`weights` must have shape \(H,\) = \(2,\)"),
        (lambda: build([3], weights=np.nan), ValueError, "`weights` must be above 0"),
        (
            lambda: build([3], region=np.arange(63) > 3),
            ValueError,
            "`region` must be above 0 at handles, got vertex 3",
        ),
    ):
        with pytest.raises(kind, match=words):
            wrong()
    deformer = build(handles, anchors)
    goal = targets.copy()
    goal[3, 2, 0] = np.inf
    with pytest.raises(
        ValueError, match=r"`targets` must be finite, got .* at frame 3, handle 2 \(vertex 55"
    ):
        deformer.solve(goal, base)
    with pytest.raises(ValueError, match=r"`targets` must have shape \(F, H, 3\)"):
        deformer.solve(targets[:, :3], base)
    with pytest.raises(ValueError, match="`base` must have F = 5 frames, as `targets` have, got 4"):
        deformer.solve(targets, base[:4])
    with pytest.raises(ValueError, match="`out` must not overlap `base`"):
        deformer.solve(targets, base, out=base)
    with pytest.raises(ValueError, match=r"`out` must be a float64 array of shape \(5, 63, 3\)"):
        deformer.solve(targets, base, out=np.empty((5, 63, 3), np.float32))
    broken = base.copy()
    broken[1, 55] = np.nan
    with pytest.raises(ValueError, match=r"`base` must be finite at handles.* at frame 1, vertex 55"):
        deformer.solve(targets, broken)
    broken = base.copy()
    broken[4, 7] = np.nan
    with pytest.raises(ValueError, match=r"`base` must be finite, got .* at frame 4, vertex 7"):
        build(handles, anchors, rotation_passes=1).solve(targets, broken)
    spoilt = rest.copy()
    spoilt[6] = np.nan
    with pytest.raises(ValueError, match=r"`neutral` must be finite, got .* at vertex 6"):
        mien.LaplacianDeformer(topology, spoilt, handles)


def test_a_surface_without_area_is_refused() -> None:
    topology = mien.Topology.from_polygons([[0, 1, 2], [2, 1, 3]])
    with pytest.raises(mien.NumericalError, match="not positive definite"):
        mien.LaplacianDeformer(topology, np.zeros((4, 3)), [0])
