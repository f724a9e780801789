"""Alembic: what is written comes back, and what others write is understood."""

from __future__ import annotations

import mmap
import pathlib
import tracemalloc

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import mien
from builders import alembic as build
from mien.io.alembic import FORMAT

FACES = [[0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7], [4, 5, 6, 10, 9]]
N_VERTICES = 12


def topology(rng: np.random.Generator, *, uvs: bool = True) -> mien.Topology:
    counts, corners = [len(f) for f in FACES], [v for f in FACES for v in f]
    if not uvs:
        return mien.Topology(counts, corners, N_VERTICES)
    coordinates = rng.random((20, 2)).astype(np.float32)
    return mien.Topology(counts, corners, N_VERTICES, uvs=coordinates, uv_indices=rng.permutation(20)[:16])


def points(rng: np.random.Generator, n_frames: int, dtype: str = "<f4") -> np.ndarray:
    return rng.normal(0, 10, (n_frames, N_VERTICES, 3)).astype(dtype)


def base_of(array: np.ndarray) -> object:
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


def assert_same(found: mien.MeshSequence, take: mien.MeshSequence) -> None:
    np.testing.assert_array_equal(found.positions.view(np.uint32), take.positions.view(np.uint32))
    np.testing.assert_array_equal(found.topology.face_counts, take.topology.face_counts)
    np.testing.assert_array_equal(found.topology.face_indices, take.topology.face_indices)
    assert found.n_vertices == take.n_vertices
    if take.topology.uvs is None:
        assert found.topology.uvs is None
    else:
        np.testing.assert_array_equal(found.topology.uvs, take.topology.uvs)
        np.testing.assert_array_equal(found.topology.uv_indices, take.topology.uv_indices)
    assert (found.fps, found.start_frame, found.name) == (take.fps, take.start_frame, take.name)


# What is written comes back.


@pytest.mark.parametrize(
    ("n_frames", "fps", "start"),
    [
        (240, 24.0, 1001),
        (1, 25.0, 7),
        (2, 24000 / 1001, -3),
        (3, 29.99999777, 0),
        (5, 60.0, 86400),
        (300, 59.94, 1),
    ],
)
@pytest.mark.parametrize("uvs", [True, False])
def test_round_trip_keeps_every_bit(
    tmp_path: pathlib.Path, rng: np.random.Generator, n_frames: int, fps: float, start: int, uvs: bool
) -> None:
    take = mien.MeshSequence(
        topology(rng, uvs=uvs), points(rng, n_frames), fps=fps, start_frame=start, name="Ärger.face:01"
    )
    path = tmp_path / "take.abc"
    report = mien.write(path, take)
    assert report.not_kept == ()
    assert_same(mien.read(path), take)
    info = mien.io.registry.file_info(path)
    assert info[:5] == (n_frames, N_VERTICES, len(FACES), fps, start)
    assert info.nodes == (f"/{take.name}/{take.name}Shape",)
    assert info.has_uvs == uvs


@pytest.mark.parametrize("n_vertices", [0, 1, 2, 63, 64, 65, 200])
def test_point_clouds_of_any_size(tmp_path: pathlib.Path, rng: np.random.Generator, n_vertices: int) -> None:
    positions = rng.normal(size=(3, n_vertices, 3)).astype(np.float32)
    take = mien.MeshSequence(mien.Topology([], [], n_vertices), positions)
    FORMAT.write(tmp_path / "points.abc", take)
    assert_same(FORMAT.read(tmp_path / "points.abc"), take)


def test_missing_vertices_and_negative_zeros_survive(
    tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    positions = points(rng, 4)
    positions[1, 5] = np.nan
    positions[2] = np.nan
    positions[3, 0] = -0.0
    take = mien.MeshSequence(topology(rng), positions)
    mien.write(tmp_path / "take.abc", take)
    assert_same(mien.read(tmp_path / "take.abc", missing=True), take)
    with pytest.raises(mien.FormatError, match=r"frame 1 .* vertex 5"):
        mien.read(tmp_path / "take.abc")


def test_float64_is_rounded_and_said(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    take = mien.MeshSequence(topology(rng), points(rng, 3, "<f8"), metres_per_unit=0.01, up_axis="y")
    report = mien.write(tmp_path / "take.abc", take)
    assert {text.split(":")[0] for text in report.not_kept} == {"float64", "metres_per_unit", "up_axis"}
    np.testing.assert_array_equal(
        mien.read(tmp_path / "take.abc").positions, take.positions.astype(np.float32)
    )


def test_names_that_alembic_cannot_hold_are_replaced_and_said(
    tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    for name, stored in (("a/b", "a_b"), ("", "take"), ("x\n", "x_"), ("é" * 2000, "é" * 509)):
        report = mien.write(tmp_path / "t.abc", mien.MeshSequence(topology(rng), points(rng, 1), name=name))
        assert mien.read(tmp_path / "t.abc").name == stored
        assert [text.split(":")[0] for text in report.not_kept] == ["name"]


def test_a_take_that_never_moves_is_stored_once(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    still = np.repeat(points(rng, 1), 500, axis=0)
    take = mien.MeshSequence(topology(rng), still, fps=30, start_frame=10)
    FORMAT.write(tmp_path / "still.abc", take)
    assert (tmp_path / "still.abc").stat().st_size < 3000
    assert_same(FORMAT.read(tmp_path / "still.abc"), take)
    moved = still.copy()
    moved[300:] += 1
    take = take.with_positions(moved)
    FORMAT.write(tmp_path / "moves.abc", take)
    assert_same(FORMAT.read(tmp_path / "moves.abc"), take)


def test_frames_are_a_range_of_the_file(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    take = mien.MeshSequence(topology(rng), points(rng, 9), start_frame=1001)
    FORMAT.write(tmp_path / "take.abc", take)
    assert_same(FORMAT.read(tmp_path / "take.abc", frames=(3, 7)), take[3:7])
    with pytest.raises(ValueError, match="`frames` must satisfy 0 <= start < stop <= 9"):
        FORMAT.read(tmp_path / "take.abc", frames=(3, 10))


def test_positions_stay_in_the_file(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    FORMAT.write(tmp_path / "take.abc", mien.MeshSequence(topology(rng), points(rng, 9)))
    for found in (FORMAT.read(tmp_path / "take.abc"), FORMAT.read(tmp_path / "take.abc", frames=(2, 5))):
        assert isinstance(base_of(found.positions), mmap.mmap)
        assert found.positions.flags.aligned
        assert not found.positions.flags.writeable


def test_writing_needs_the_memory_of_a_few_frames(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    n, v = 64, 20_000
    frame_bytes = v * 12
    np.save(tmp_path / "take.npy", rng.normal(size=(n, v, 3)).astype(np.float32))
    take = mien.MeshSequence(mien.Topology([], [], v), np.load(tmp_path / "take.npy", mmap_mode="r"))
    tracemalloc.start()
    FORMAT.write(tmp_path / "take.abc", take)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * frame_bytes


def test_progress_counts_frames(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    take = mien.MeshSequence(topology(rng), points(rng, 5))
    seen: list[tuple[int, int]] = []
    FORMAT.write(tmp_path / "take.abc", take, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 5) for i in range(1, 6)]
    seen.clear()
    FORMAT.read(tmp_path / "take.abc", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)


def test_bounds_are_those_of_the_points(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    from mien.io.alembic.archive import Archive
    from mien.io.alembic.properties import scalar_values

    positions = rng.normal(size=(3, 200, 3)).astype(np.float32)
    positions[0, 7, 1] = np.nan
    positions[1] = np.nan
    FORMAT.write(tmp_path / "t.abc", mien.MeshSequence(mien.Topology([], [], 200), positions))
    found = Archive(tmp_path / "t.abc")
    geometry = found.inside(found.properties(found.meshes[0])[".geom"])
    boxes = scalar_values(found.file, geometry[".selfBnds"])
    expected = np.concatenate(
        [np.nanmin(positions[[0, 2]], axis=1), np.nanmax(positions[[0, 2]], axis=1)], axis=1
    )
    np.testing.assert_array_equal(boxes[[0, 2]], expected)
    assert (boxes[1, :3] > boxes[1, 3:]).all()  # nothing to bound


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"positions": np.empty((0, N_VERTICES, 3), np.float32)}, "at least one frame"),
        ({"positions": np.full((1, N_VERTICES, 3), 1e300)}, "range of float32.*frame 0"),
        ({"start_frame": 2**40}, "below 2\\^31"),
    ],
)
def test_takes_that_cannot_be_written(
    tmp_path: pathlib.Path, rng: np.random.Generator, change: dict, words: str
) -> None:
    arguments = {"positions": points(rng, 1), "start_frame": 0, **change}
    take = mien.MeshSequence(topology(rng), **arguments)
    (tmp_path / "take.abc").write_text("old")
    with pytest.raises(ValueError, match=words):
        FORMAT.write(tmp_path / "take.abc", take)
    with pytest.raises(ValueError, match=r"frame"):
        mien.write(tmp_path / "other.abc", take)
    assert not (tmp_path / "other.abc").exists()


# What others write is understood.


def read_built(
    tmp_path: pathlib.Path, nodes: list, *samplings: tuple, **options: object
) -> mien.MeshSequence:
    shift = options.pop("shift", 0)
    metadata = options.pop("metadata", "")
    build.archive(tmp_path / "built.abc", nodes, *samplings, shift=shift, metadata=metadata)
    return FORMAT.read(tmp_path / "built.abc", **options)


@pytest.mark.parametrize("shift", [0, 3, 4])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("dimensions", [False, True])
def test_points_of_any_precision_and_place(
    tmp_path: pathlib.Path, rng: np.random.Generator, shift: int, dtype: str, dimensions: bool
) -> None:
    p = points(rng, 6, dtype)
    found = read_built(
        tmp_path, [build.mesh("face", p, FACES, dtype=dtype, dimensions=dimensions)], shift=shift
    )
    assert found.positions.dtype == (np.float32 if dtype == "<f2" else np.dtype(dtype))
    assert found.positions.flags.aligned
    np.testing.assert_array_equal(found.positions, p)
    assert found.topology == mien.Topology([len(f) for f in FACES], [v for f in FACES for v in f], N_VERTICES)
    assert (found.fps, found.start_frame, found.name) == (24.0, 1001, "face")


def test_repeated_samples_are_stored_once(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    p = points(rng, 4)
    node = build.mesh("face", p, FACES, n_samples=10, changes=(3, 5))
    order = [0, 0, 0, 1, 2, 3, 3, 3, 3, 3]
    np.testing.assert_array_equal(read_built(tmp_path, [node]).positions, p[order])
    found = read_built(tmp_path, [node], frames=(4, 8))
    np.testing.assert_array_equal(found.positions, p[order[4:8]])
    assert found.start_frame == 1005


def test_blocks_that_samples_share(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    p = points(rng, 3)
    builder = build.archive(tmp_path / "a.abc", [build.mesh("face", p, FACES)])
    raw = bytearray((tmp_path / "a.abc").read_bytes())
    group = builder.at["/face/.geom/P"]
    raw[group + 8 + 32 : group + 8 + 40] = raw[group + 8 : group + 16]  # sample 2 is sample 0
    (tmp_path / "a.abc").write_bytes(raw)
    np.testing.assert_array_equal(FORMAT.read(tmp_path / "a.abc").positions, p[[0, 1, 0]])


def test_subdivision_cages_are_meshes(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    p = points(rng, 2)
    found = read_built(tmp_path, [build.mesh("cage", p, FACES, schema=build.SUBD)])
    np.testing.assert_array_equal(found.positions, p)


UV_SIZES = {"fvr": 16, "vtx": N_VERTICES, "var": N_VERTICES, "uni": 4, "con": 1}


@pytest.mark.parametrize("scope", [*UV_SIZES, ""])
@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_texture_coordinates_of_every_scope(
    tmp_path: pathlib.Path, rng: np.random.Generator, scope: str, indexed: bool, dtype: str
) -> None:
    n = UV_SIZES.get(scope, 16)
    values = rng.random((n + 3 if indexed else n, 2)).astype(np.float32)
    numbers = rng.integers(0, len(values), n) if indexed else np.arange(n)
    metadata = f"geoScope={scope};isGeomParam=true" if scope else ""
    stored = build.Samples([values], dtype, 2, metadata=metadata)
    uv = build.Compound({".vals": stored, ".indices": build.Samples([numbers], "<u4")}, metadata)
    found = read_built(
        tmp_path, [build.mesh("face", points(rng, 1), FACES, uv=uv if indexed else stored)]
    ).topology
    expected, file_corner = [], 0
    for f, face in enumerate(FACES):
        for k, vertex in enumerate(face):
            # The file walks each face backwards, so the k-th corner is its last but k.
            place = {"vtx": vertex, "var": vertex, "uni": f, "con": 0}.get(
                scope, file_corner + len(face) - 1 - k
            )
            expected.append(values[numbers[place]])
        file_corner += len(face)
    np.testing.assert_array_equal(found.uvs[found.uv_indices], expected)


def test_meshes_are_picked_by_path_or_name(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    a, b, c = points(rng, 1), points(rng, 2), points(rng, 3)
    still = ([1], [[0.0, 0, 0]])
    nodes = [
        build.xform("head", *still, [build.mesh("headShape", a, FACES)]),
        build.xform("teeth", *still, [build.mesh("upper", b, FACES), build.mesh("lower", c, FACES)]),
    ]
    build.archive(tmp_path / "a.abc", nodes)
    assert FORMAT.info(tmp_path / "a.abc").nodes == ("/head/headShape", "/teeth/upper", "/teeth/lower")
    for node, n in (("/head/headShape", 1), ("head", 1), ("/head", 1), ("upper", 2), ("/teeth/lower", 3)):
        assert len(FORMAT.read(tmp_path / "a.abc", node=node)) == n
    for node, words in ((None, "node= to pick one"), ("teeth", "'teeth'"), ("nose", "'nose'")):
        with pytest.raises(mien.FormatError, match=f"{words}.*/head/headShape, /teeth/upper, /teeth/lower"):
            FORMAT.read(tmp_path / "a.abc", node=node)


# Times.


@pytest.mark.parametrize(
    ("sampling", "fps", "start"),
    [
        ((1 / 30, [1 / 30]), 30.0, 1),
        ((float(np.float32(1 / 24)), [float(np.float32(1001 / 24))]), 24.0, 1001),
        ((1001 / 30000, [1001 * 1001 / 30000]), 30000 / 1001, 1001),
        ((float(np.float32(1001 / 24000)), [float(np.float32(1001 * 86 / 24000))]), 24000 / 1001, 86),
        ((1 / 12, [0.0, 1 / 24]), 24.0, 0),  # cyclic, evenly spaced
        ((build.ACYCLIC, [(10 + i) / 25 for i in range(9)]), 25.0, 10),
        ((1.0, [0.0]), 1.0, 0),
        ((1 / 23.5, [-2 / 23.5]), 23.5, -2),
    ],
)
def test_seconds_become_rate_and_frame(
    tmp_path: pathlib.Path, rng: np.random.Generator, sampling: tuple, fps: float, start: int
) -> None:
    found = read_built(tmp_path, [build.mesh("face", points(rng, 6), FACES)], sampling)
    assert (found.fps, found.start_frame) == (pytest.approx(fps, rel=1e-15), start)


@pytest.mark.parametrize(
    ("sampling", "words", "fps", "start"),
    [
        ((1 / 24, [0.0, 0.01]), "evenly spaced times; found .* s for sample .*pass fps=", 24.0, 0),
        ((build.ACYCLIC, [1.0, 1.1, 1.2, 1.3, 1.4, 1.6]), "evenly spaced times.*pass fps=", 10.0, 10),
        ((1 / 12, [1001 / 24]), "whole frame; found frame 500.5 at 12 fps; pass fps=", 24.0, 1001),
    ],
)
def test_times_without_a_rate_need_one(
    tmp_path: pathlib.Path, rng: np.random.Generator, sampling: tuple, words: str, fps: float, start: int
) -> None:
    p = points(rng, 6)
    with pytest.raises(mien.FormatError, match=words):
        read_built(tmp_path, [build.mesh("face", p, FACES)], sampling)
    assert FORMAT.info(tmp_path / "built.abc").fps is None
    found = mien.read(tmp_path / "built.abc", fps=fps)
    assert (found.fps, found.start_frame) == (fps, start)
    np.testing.assert_array_equal(found.positions, p)


def test_a_still_without_times_takes_the_rate_that_is_named(
    tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    node = build.mesh("face", points(rng, 1), FACES, sampling=0)
    assert read_built(tmp_path, [node]).fps == 24.0
    assert read_built(tmp_path, [node], metadata="FramesPerTimeUnit=50.0;x=y").fps == 50.0
    assert read_built(tmp_path, [node], metadata="FramesPerTimeUnit=nan").fps == 24.0


# Transforms.

SCALE, TRANSLATE, ROTATE, MATRIX, ROTATE_X, ROTATE_Y, ROTATE_Z = range(7)


def affine(linear: np.ndarray, offset: tuple = (0, 0, 0)) -> np.ndarray:
    """A 4 x 4 matrix for column vectors."""
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = linear, offset
    return out


def turn(axis: str, degrees: float) -> np.ndarray:
    return affine(Rotation.from_euler(axis, degrees, degrees=True).as_matrix())


def moved(matrix: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


AXIS = np.array([1.0, 2.0, -0.5])
OPERATIONS = [
    (SCALE, [2.0, 3.0, 0.5], affine(np.diag([2.0, 3.0, 0.5]))),
    (TRANSLATE, [1.0, -2.0, 3.0], affine(np.eye(3), (1, -2, 3))),
    (
        ROTATE,
        [*AXIS, 40.0],
        affine(Rotation.from_rotvec(np.deg2rad(40) * AXIS / np.linalg.norm(AXIS)).as_matrix()),
    ),
    (ROTATE, [0.0, 0.0, 0.0, 0.0], np.eye(4)),
    (
        MATRIX,
        [1, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 0, 5, 6, 7, 1],
        affine([[1, 0, 0], [2, 1, 3], [0, 0, 1]], (5, 6, 7)),
    ),
    (ROTATE_X, [30.0], turn("x", 30)),
    (ROTATE_Y, [-50.0], turn("y", -50)),
    (ROTATE_Z, [70.0], turn("z", 70)),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda op: str(op[0]))
def test_each_operation(tmp_path: pathlib.Path, rng: np.random.Generator, operation: tuple) -> None:
    op, values, matrix = operation
    p = points(rng, 3)
    found = read_built(tmp_path, [build.xform("top", [op], [values], [build.mesh("face", p, FACES)])])
    np.testing.assert_allclose(found.positions, moved(matrix, p), rtol=3e-7, atol=1e-5)
    assert found.name == "top"
    assert found.topology.face_indices[:4].tolist() == FACES[0]


def test_operations_and_parents_apply_from_the_inside_out(
    tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    p = points(rng, 2, "<f8")
    chosen = [OPERATIONS[i] for i in (1, 2, 0, 5)]
    inner = np.linalg.multi_dot([matrix for _, _, matrix in chosen])
    values = [[x for _, v, _ in chosen for x in v]]
    outer = OPERATIONS[4][2]

    def nest(inherits: bool) -> list:
        face = build.mesh("face", p, FACES, dtype="<f8")
        near = build.xform("near", [op for op, _, _ in chosen], values, [face], inherits=inherits)
        return [build.xform("far", [MATRIX], [OPERATIONS[4][1]], [build.Node("group", children=[near])])]

    np.testing.assert_allclose(
        read_built(tmp_path, nest(True)).positions, moved(outer @ inner, p), rtol=1e-12
    )
    np.testing.assert_allclose(read_built(tmp_path, nest(False)).positions, moved(inner, p), rtol=1e-12)


def test_transforms_that_move_are_applied_frame_by_frame(
    tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    p = points(rng, 4)
    offsets = rng.normal(size=(4, 3))
    nodes = [build.xform("head", [TRANSLATE], offsets, [build.mesh("face", p, FACES)])]
    expected = (p.astype(np.float64) + offsets[:, None]).astype(np.float32)
    np.testing.assert_array_equal(read_built(tmp_path, nodes).positions, expected)
    np.testing.assert_array_equal(read_built(tmp_path, nodes, frames=(1, 3)).positions, expected[1:3])
    still = [build.xform("head", [TRANSLATE], offsets, [build.mesh("face", p[:1], FACES)])]
    found = read_built(tmp_path, still)
    np.testing.assert_array_equal(
        found.positions, (p[:1].astype(np.float64) + offsets[:, None]).astype(np.float32)
    )
    assert found.start_frame == 1001
    assert FORMAT.info(tmp_path / "built.abc").n_frames == 4


def test_transforms_sampled_at_other_times(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    p, offsets = points(rng, 3), rng.normal(size=(9, 3))

    def nodes(n: int) -> list:
        return [build.xform("head", [TRANSLATE], offsets[:n], [build.mesh("face", p, FACES)], sampling=2)]

    at_24 = (1 / 24, [10 / 24])
    # Twice as often, from two frames earlier: every fourth to eighth sample counts; later, the last one is held.
    twice = read_built(tmp_path, nodes(9), at_24, (1 / 48, [8 / 24])).positions
    np.testing.assert_array_equal(twice, (p.astype(np.float64) + offsets[[4, 6, 8], None]).astype(np.float32))
    held = read_built(tmp_path, nodes(6), at_24, (1 / 48, [8 / 24])).positions
    np.testing.assert_array_equal(held, (p.astype(np.float64) + offsets[[4, 5, 5], None]).astype(np.float32))
    with pytest.raises(mien.FormatError, match="a sample at the time of every frame; found none at"):
        read_built(tmp_path, nodes(9), at_24, (1 / 25, [9 / 24]))


def test_identities_leave_every_bit_and_copy_nothing(
    tmp_path: pathlib.Path, rng: np.random.Generator
) -> None:
    p = points(rng, 3)
    p[0, 0] = -0.0
    ops, values = (
        [SCALE, TRANSLATE, ROTATE, MATRIX, ROTATE_X],
        [[1, 1, 1, 0, -0.0, 0, 0, 1, 0, 0, *np.eye(4).flat, 0]],
    )
    found = read_built(tmp_path, [build.xform("head", ops, values, [build.mesh("face", p, FACES)])])
    np.testing.assert_array_equal(found.positions.view(np.uint32), p.view(np.uint32))
    assert isinstance(base_of(found.positions), mmap.mmap)


def test_mirrors_keep_the_outside_outside(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    p = points(rng, 1)
    found = read_built(tmp_path, [build.xform("head", [SCALE], [[-1, 1, 1]], [build.mesh("face", p, FACES)])])
    assert found.topology.face_indices[:4].tolist() == FACES[0][::-1]
    np.testing.assert_array_equal(found.positions, p * np.float32([-1, 1, 1]))


@pytest.mark.parametrize(
    ("ops", "values", "words"),
    [
        ([7], [[0.0]], "operations below 7"),
        ([SCALE, TRANSLATE], [[1.0, 1, 1]], "6 floats for operations"),
        ([TRANSLATE], [[np.nan, 0, 0]], "finite values"),
        ([ROTATE], [[0.0, 0, 0, 30]], "a rotation axis"),
        ([MATRIX], [[1, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]], "a projection"),
    ],
)
def test_transforms_that_cannot_be_applied_are_refused(
    tmp_path: pathlib.Path, rng: np.random.Generator, ops: list, values: list, words: str
) -> None:
    nodes = [build.xform("head", ops, values, [build.mesh("face", points(rng, 1), FACES)])]
    with pytest.raises(mien.FormatError, match=words):
        read_built(tmp_path, nodes)


def test_older_transforms_are_refused(tmp_path: pathlib.Path, rng: np.random.Generator) -> None:
    node = build.xform("head", [TRANSLATE], [[0.0, 0, 0]], [build.mesh("face", points(rng, 1), FACES)])
    node.metadata = node.metadata.replace("Xform_v3", "Xform_v2")
    with pytest.raises(mien.FormatError, match="AbcGeom_Xform_v3; found AbcGeom_Xform_v2"):
        read_built(tmp_path, [node])
