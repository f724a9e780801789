"""glTF: what mien writes is what the format asks for, and what others write is read as they mean it."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

import mien
from builders import gltf
from mien.values.shapes import Corrective


def put(path, blob: bytes):
    path.write_bytes(blob)
    return path


@pytest.fixture
def save(tmp_path):
    return lambda builder, name="a.glb": put(tmp_path / name, builder.pack())


def sample_rig(rng, dtype=np.float32, **more) -> mien.Rig:
    topology = mien.Topology([4, 3, 5], [0, 1, 2, 3, 2, 1, 4, 0, 5, 6, 4, 1], 8)
    deltas = rng.normal(size=(3, 8, 3)).astype(dtype)
    deltas[1, 1:] = 0
    deltas[2] = 0
    correctives = [Corrective("jawOpen+ö", ["jawOpen", "ö"], rng.normal(size=(8, 3)).astype(dtype))]
    neutral = rng.normal(size=(8, 3)).astype(dtype)
    return mien.Rig(topology, neutral, ["jawOpen", "ö", "still"], deltas, correctives, name="Köpf", **more)


# Writing


@pytest.mark.parametrize("up_axis", ["y", "z"])
@pytest.mark.parametrize("metres_per_unit", [1.0, 0.01])
def test_a_rig_comes_back_bit_for_bit(rng, tmp_path, up_axis, metres_per_unit):
    rig = sample_rig(rng, up_axis=up_axis, metres_per_unit=metres_per_unit)
    mien.write_rig(tmp_path / "a.glb", rig)
    back = mien.read_rig(tmp_path / "a.glb")
    assert back.neutral.tobytes() == rig.neutral.tobytes()
    assert back.deltas.tobytes() == rig.deltas.tobytes()
    assert (back.names, back.name) == (rig.names, rig.name)
    assert (back.metres_per_unit, back.up_axis) == (metres_per_unit, up_axis)
    assert [(c.name, c.drivers) for c in back.correctives] == [(c.name, c.drivers) for c in rig.correctives]
    np.testing.assert_array_equal(back.topology.triangles, rig.topology.triangles)
    np.testing.assert_array_equal(back.correctives[0].sparse.offsets, rig.correctives[0].sparse.offsets)


@pytest.mark.parametrize("start_frame", [0, 1001, -5])
def test_an_animated_rig_reads_as_the_take_that_it_evaluates_to(rng, tmp_path, start_frame):
    rig = sample_rig(rng, up_axis="z", metres_per_unit=0.01)
    weights = rng.integers(0, 16, size=(50, 3)) / 16  # float32 holds these and their products
    report = mien.write_rig(tmp_path / "a.glb", rig, weights, fps=60, start_frame=start_frame)
    assert report.n_frames == 50
    take, expected = mien.read(tmp_path / "a.glb"), rig.evaluate(weights, fps=60, start_frame=start_frame)
    assert take.positions.tobytes() == expected.positions.tobytes()
    assert (take.fps, take.start_frame, take.name) == (60, start_frame, "Köpf")
    assert (take.metres_per_unit, take.up_axis) == (0.01, "z")
    part = mien.read(tmp_path / "a.glb", frames=(10, 20))
    assert part.positions.tobytes() == expected.positions[10:20].tobytes()
    assert part.start_frame == start_frame + 10
    curves = mien.read_curves(tmp_path / "a.glb")
    np.testing.assert_array_equal(curves.weights, weights)
    assert (curves.names, curves.fps, curves.start_frame) == (rig.names, 60, start_frame)
    info = mien.file_info(tmp_path / "a.glb")
    assert info[:7] == (50, 8, 6, 60, start_frame, 0.01, "z")
    assert info.nodes == ("Köpf",)


def test_the_file_is_what_the_format_asks_for(rng, tmp_path):
    rig = sample_rig(rng, metres_per_unit=0.01, up_axis="z")
    mien.write_rig(tmp_path / "a.glb", rig, np.ones((4, 3)), fps=24)
    root, data = gltf.unpack((tmp_path / "a.glb").read_bytes())
    assert root["buffers"][0]["byteLength"] <= len(data)
    for view in root["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= len(data)
    primitive = root["meshes"][0]["primitives"][0]
    for index in [primitive["attributes"]["POSITION"], *(t["POSITION"] for t in primitive["targets"])]:
        assert len(root["accessors"][index]["min"]) == len(root["accessors"][index]["max"]) == 3
    sampler = root["animations"][0]["samplers"][0]
    assert root["accessors"][sampler["input"]]["max"] == [3 / 24]
    assert root["accessors"][sampler["output"]]["count"] == 4 * 4
    assert root["meshes"][0]["extras"]["targetNames"] == ["jawOpen", "ö", "still", "jawOpen+ö"]
    matrix = gltf.matrix(rotation=root["nodes"][0]["rotation"], scale=root["nodes"][0]["scale"])
    np.testing.assert_allclose(
        matrix[:3, :3] @ [1, 2, 3], [0.01, 0.03, -0.02], atol=1e-12
    )  # z up becomes y up
    np.testing.assert_array_equal(
        root["accessors"][primitive["attributes"]["POSITION"]]["min"], rig.neutral.min(0)
    )


def test_what_the_format_cannot_hold_is_said(rng, tmp_path):
    rig = sample_rig(rng, np.float64)
    report = mien.write_rig(tmp_path / "a.glb", rig)
    assert [sentence.split(":")[0] for sentence in report.not_kept] == [
        "polygons",
        "float64",
        "correctives",
        "unit",
        "axis",
    ]
    assert "2 faces" in report.not_kept[0]
    plain = mien.Rig(
        mien.Topology([3], [0, 1, 2], 3), np.zeros((3, 3), np.float32), [], [], metres_per_unit=1, up_axis="y"
    )
    assert mien.write_rig(tmp_path / "a.glb", plain).not_kept == ()


def test_texture_coordinates_survive_where_vertices_have_one(rng, tmp_path):
    uvs = (rng.integers(0, 65, size=(4, 2)) / 64).astype(np.float32)
    neutral = rng.normal(size=(4, 3)).astype(np.float32)
    own = mien.Topology([4], [3, 1, 2, 0], 4, uvs=uvs, uv_indices=[3, 1, 2, 0])
    mien.write_rig(tmp_path / "a.glb", mien.Rig(own, neutral, [], []))
    back = mien.read_rig(tmp_path / "a.glb").topology
    np.testing.assert_array_equal(back.uvs[back.uv_indices], uvs[own.triangles.reshape(-1)])
    root, data = gltf.unpack((tmp_path / "a.glb").read_bytes())
    accessor = root["accessors"][root["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]]
    start = root["bufferViews"][accessor["bufferView"]]["byteOffset"]
    np.testing.assert_array_equal(np.frombuffer(data, "<f4", 8, start).reshape(4, 2)[:, 1], 1 - uvs[:, 1])
    seam = mien.Topology([3, 3], [0, 1, 2, 0, 2, 3], 4, uvs=uvs, uv_indices=[0, 1, 2, 3, 2, 3])
    report = mien.write_rig(tmp_path / "a.glb", mien.Rig(seam, neutral, [], []))
    assert any("seams" in sentence for sentence in report.not_kept)


def test_a_failed_write_leaves_the_old_file(rng, tmp_path, monkeypatch):
    path = put(tmp_path / "a.glb", b"old")

    def fail(*args, **kwargs):
        raise OSError("the disk is full")

    monkeypatch.setattr("mien.io.gltf.writing._Parts.shape", fail)
    with pytest.raises(OSError, match="disk is full"):
        mien.write_rig(path, sample_rig(rng))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_takes_are_written_by_write_rig_only(rng, tmp_path):
    take = sample_rig(rng).evaluate(np.zeros(3))
    with pytest.raises(ValueError, match=r"cannot|not written; use mien\.write_rig"):
        mien.write(tmp_path / "a.glb", take)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("a.fbx", {}, r"expected a rig ending in \.glb, \.gltf or \.npz; got the suffix '\.fbx'"),
        ("a.gltf", {}, "is read but not written"),
        ("a.npz", {"weights": np.zeros((1, 3))}, r"`weights` must be left out for .*a\.npz"),
        ("a.glb", {"weights": np.zeros((1, 4))}, r"`weights` must have shape \(F, K\)"),
        ("a.glb", {"weights": np.zeros((0, 3))}, "`weights` must have at least one frame"),
        ("a.glb", {"fps": 0}, "`fps` must be above 0"),
    ],
)
def test_wrong_arguments_are_refused(rng, tmp_path, name, arguments, words):
    with pytest.raises(ValueError, match=words):
        mien.write_rig(tmp_path / name, sample_rig(rng), **arguments)
    assert not list(tmp_path.iterdir())


# Reading what others write


def test_a_plain_file_reads_as_it_is(save):
    b = gltf.small()
    rig = mien.read_rig(save(b))
    assert rig.neutral.tobytes() == b.points.tobytes()
    np.testing.assert_array_equal(rig.deltas, b.deltas)
    assert (rig.names, rig.name, rig.metres_per_unit, rig.up_axis) == (("a", "b"), "face", 1.0, "y")
    assert rig.topology.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert rig.sparse("a").vertices.tolist() == [1]


def test_transforms_of_all_nodes_above_are_applied_to_points_and_shapes(save):
    chain = [
        {"translation": (1, 2, 3), "rotation": (0.5, -0.5, 0.5, 0.5), "scale": (2, 3, 4)},
        {"rotation": (0.1, 0.2, -0.3, 0.9), "scale": (1, 0.5, 1)},
        {"translation": (-1, 0, 4)},
    ]
    chain[1]["rotation"] = tuple(np.array(chain[1]["rotation"]) / np.linalg.norm(chain[1]["rotation"]))
    world = gltf.matrix(**chain[0]) @ gltf.matrix(**chain[1]) @ gltf.matrix(**chain[2])
    b = gltf.small(**chain[2])
    middle = {"matrix": gltf.matrix(**chain[1]).T.reshape(-1).tolist(), "children": [0]}
    b.root["nodes"] += [middle, {**chain[0], "children": [1]}]
    rig = mien.read_rig(save(b))
    np.testing.assert_allclose(rig.neutral, b.points @ world[:3, :3].T + world[:3, 3], atol=1e-6)
    np.testing.assert_allclose(rig.deltas, b.deltas @ world[:3, :3].T, atol=1e-6)
    take = mien.read(save(b))
    np.testing.assert_allclose(take.positions[0], rig.neutral, atol=1e-6)


def test_a_mirroring_node_turns_the_faces(save):
    rig = mien.read_rig(save(gltf.small(scale=(-1, 1, 1))))
    assert rig.topology.triangles.tolist() == [[2, 1, 0], [3, 2, 0]]
    assert mien.read(save(gltf.small(scale=(-1, 1, 1)))).topology == rig.topology
    assert mien.read_rig(save(gltf.small(scale=(-1, -1, 1)))).topology.triangles.tolist()[0] == [0, 1, 2]


def skinned() -> tuple[gltf.Builder, np.ndarray, list[np.ndarray]]:
    b = gltf.small(skin=0, translation=(9, 9, 9))  # a skinned mesh's own node does not count
    weights = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 1, 0, 0], [0.25, 0.75, 0, 0]], np.float32)
    b.primitive["attributes"] |= {
        "JOINTS_0": b.add(np.tile([0, 1, 0, 0], (4, 1)), "u1"),
        "WEIGHTS_0": b.add(weights),
    }
    bind = [gltf.matrix((0, 1, 0)), gltf.matrix((0, 0, 2), (0, 0, 0.6, 0.8))]
    inverse = [np.linalg.inv(m).astype(np.float32) for m in bind]
    b.root["nodes"] += [
        {"children": [2], "translation": (1, 0, 0)},
        {"rotation": (0.6, 0, 0, 0.8), "scale": (2, 2, 2)},
    ]
    matrices = b.add([m.T.reshape(-1) for m in inverse])
    b.root["skins"] = [{"joints": [1, 2], "inverseBindMatrices": matrices}]
    root = gltf.matrix((1, 0, 0))
    joints = [root @ inverse[0], root @ gltf.matrix((0, 0, 0), (0.6, 0, 0, 0.8), (2, 2, 2)) @ inverse[1]]
    return b, weights, joints


def test_a_skinned_mesh_stands_as_its_joints_do(save):
    b, weights, joints = skinned()
    rig = mien.read_rig(save(b))
    for v in range(4):
        matrix = weights[v, 0] * joints[0] + weights[v, 1] * joints[1]
        np.testing.assert_allclose(rig.neutral[v], matrix[:3, :3] @ b.points[v] + matrix[:3, 3], atol=1e-5)
        np.testing.assert_allclose(rig.deltas[:, v], b.deltas[:, v] @ matrix[:3, :3].T, atol=1e-5)


def test_a_skinned_mesh_follows_its_moving_joints(save):
    b, _, _ = skinned()
    still = mien.read_rig(save(b))
    sampler = {"input": b.add([0.0, 0.5]), "output": b.add([[1.0, 0, 0], [1.0, 4, 0]])}
    channel = {"sampler": 0, "target": {"node": 1, "path": "translation"}}
    b.root["animations"] = [{"samplers": [sampler], "channels": [channel]}]
    take = mien.read(save(b), fps=4)
    assert take.n_frames == 3
    for f, height in enumerate((0, 2, 4)):
        np.testing.assert_allclose(take.positions[f], still.neutral + np.array([0, height, 0]), atol=1e-5)


def test_primitives_are_one_mesh_and_shared_vertices_stay_shared(save):
    b = gltf.small()
    first = b.primitive
    second = {**first, "indices": b.add([1, 2, 3], "u1")}
    third = {**first, "attributes": {"POSITION": b.add(b.points + 5)}, "indices": b.add([0, 1, 3], "u4")}
    b.root["meshes"][0]["primitives"] = [first, second, third]
    rig = mien.read_rig(save(b))
    assert rig.n_vertices == 8
    np.testing.assert_array_equal(rig.neutral, np.concatenate([b.points, b.points + 5]))
    np.testing.assert_array_equal(rig.deltas, np.concatenate([b.deltas, b.deltas], axis=1))
    assert rig.topology.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [1, 2, 3], [4, 5, 7]]


@pytest.mark.parametrize(
    ("mode", "indices", "expected"),
    [
        (4, [3, 2, 0], [[3, 2, 0]]),
        (4, None, [[0, 1, 2]]),
        (5, [0, 1, 2, 3], [[0, 1, 2], [1, 3, 2]]),
        (6, [0, 1, 2, 3], [[1, 2, 0], [2, 3, 0]]),
        (0, [0, 1], []),
        (1, None, []),
    ],
)
def test_ways_of_storing_triangles(save, mode, indices, expected):
    b = gltf.small()
    b.primitive["mode"] = mode
    if indices is None:
        del b.primitive["indices"]
        if mode == 4:
            for index in [
                b.primitive["attributes"]["POSITION"],
                *(t["POSITION"] for t in b.primitive["targets"]),
            ]:
                b.root["accessors"][index]["count"] = 3
    else:
        b.primitive["indices"] = b.add(indices, "u1")
    assert mien.read_rig(save(b)).topology.triangles.tolist() == expected


def test_sparse_accessors(save):
    b = gltf.small()
    base = b.add(b.points)
    b.root["accessors"][base]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": b.view(b"\x02"), "componentType": 5121},
        "values": {"bufferView": b.view(np.array([7, 8, 9], "<f4").tobytes())},
    }
    b.primitive["attributes"]["POSITION"] = base
    b.primitive["targets"] = [
        {"POSITION": b.zeros(4, sparse=([1, 3], [[1, 2, 3], [4, 5, 6]]))},
        {"POSITION": b.zeros(4)},
        {"NORMAL": 0},
    ]
    rig = mien.read_rig(save(b))
    assert rig.names == ("target0", "target1", "target2")  # two names for three targets are no names
    assert rig.neutral[2].tolist() == [7, 8, 9]
    assert rig.neutral[3].tolist() == b.points[3].tolist()
    np.testing.assert_array_equal(rig.delta(0), [[0, 0, 0], [1, 2, 3], [0, 0, 0], [4, 5, 6]])
    assert not rig.delta(1).any()
    assert not rig.delta(2).any()


def test_quantised_positions_need_their_extension(save):
    b = gltf.small(scale=(0.5, 0.5, 0.5))
    b.primitive["attributes"]["POSITION"] = b.add(
        [[0, 0, 0], [32767, 0, 0], [-32768, 1, 0], [0, 2, 3]], "i2", stride=8, normalized=True
    )
    b.primitive["targets"] = [{"POSITION": b.add(np.full((4, 3), -128), "i1", stride=4)}] * 2
    with pytest.raises(mien.FormatError, match="components of type f4"):
        mien.read_rig(save(b))
    b.root["extensionsUsed"] = b.root["extensionsRequired"] = ["KHR_mesh_quantization"]
    rig = mien.read_rig(save(b))
    np.testing.assert_allclose(rig.neutral[1:3, 0], [0.5, -0.5], atol=1e-7)
    np.testing.assert_allclose(rig.neutral[3], np.array([0, 2, 3]) / 32767 / 2, atol=1e-9)
    np.testing.assert_array_equal(rig.deltas, np.full((2, 4, 3), -64))


def test_names_are_made_different_and_looked_for_lower_down(save):
    b = gltf.small()
    b.root["meshes"][0]["extras"] = {"targetNames": ["a", "a"]}
    assert mien.read_rig(save(b)).names == ("a", "a#2")
    del b.root["meshes"][0]["extras"]
    b.primitive["extras"] = {"targetNames": ["x", ""]}
    assert mien.read_rig(save(b)).names == ("x", "target1")


def test_external_buffers_are_read_from_the_same_folder_only(tmp_path):
    b = gltf.small()
    b.root["buffers"] = [{"byteLength": len(b.data), "uri": "sub%20dir/a.bin"}]
    (tmp_path / "scene/sub dir").mkdir(parents=True)
    put(tmp_path / "scene/sub dir/a.bin", b.data)
    put(tmp_path / "secret.bin", b.data)
    path = put(tmp_path / "scene/a.gltf", json.dumps(b.root).encode())
    assert mien.read_rig(path).neutral.tobytes() == b.points.tobytes()
    (tmp_path / "scene/link.bin").symlink_to(tmp_path / "secret.bin")
    for uri in (
        "../secret.bin",
        "sub%20dir/..%2f../secret.bin",
        str(tmp_path / "secret.bin"),
        "file://" + str(tmp_path / "secret.bin"),
        "http://localhost/a.bin",
        "//host/a.bin",
        "link.bin",
        "missing.bin",
        "sub%20dir",
        "a%00b",
        "",
        7,
    ):
        b.root["buffers"][0]["uri"] = uri
        put(path, json.dumps(b.root).encode())
        with pytest.raises(mien.FormatError, match=r"a\.gltf: buffers\[0\]"):
            mien.read_rig(path)
    b.root["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(b.data).decode()
    assert mien.read_rig(put(path, json.dumps(b.root).encode())).neutral.tobytes() == b.points.tobytes()
    b.root["buffers"][0]["uri"] = "data:;base64,!!!!"
    with pytest.raises(mien.FormatError, match="base64"):
        mien.read_rig(put(path, json.dumps(b.root).encode()))


def test_one_of_several_meshes_has_to_be_named(save):
    b = gltf.small()
    b.root["meshes"].append(
        {"name": "teeth", "primitives": [{"mode": 0, "attributes": {"POSITION": b.add(b.points)}}]}
    )
    b.root["nodes"] += [{"name": "teeth", "mesh": 1, "translation": (0, 0, 1)}]
    path = save(b)
    assert mien.read_rig(path).name == "face"  # the only one with targets
    teeth = mien.read_rig(path, node="teeth")
    assert teeth.n_shapes == 0
    assert teeth.neutral[0].tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match=r"`node` must name one mesh of .*'face', 'teeth'; got 'nose'"):
        mien.read_rig(path, node="nose")
    b.root["nodes"].append({"name": "again", "mesh": 0})
    with pytest.raises(ValueError, match=r"`node` must pick one of the meshes of .*: 'face', 'again'"):
        mien.read_rig(save(b))
    b.root["nodes"][2]["name"] = "face"
    with pytest.raises(ValueError, match="several meshes are called 'face'"):
        mien.read_rig(save(b), node="face")


# Animation


def animated(times, channels, interpolation="LINEAR", **node) -> gltf.Builder:
    b = gltf.small(**node)
    at = b.add(np.asarray(times, np.float32))
    samplers = [
        {"input": at, "output": b.add(np.asarray(v)), "interpolation": interpolation} for _, v in channels
    ]
    made = [{"sampler": i, "target": {"node": 0, "path": path}} for i, (path, _) in enumerate(channels)]
    b.root["animations"] = [{"name": "take", "samplers": samplers, "channels": made}]
    return b


@pytest.mark.parametrize(
    ("fps", "start"), [(24, 0), (30, 1001), (60, 7), (24 / 1.001, 240), (59.94005994, 0), (12.5, 3)]
)
def test_rate_and_first_frame_come_from_the_keys(save, fps, start):
    times = (start + np.arange(100)) / fps
    take = mien.read(save(animated(times, [("weights", np.arange(200) / 256)])))
    assert take.fps == pytest.approx(fps, rel=1e-6)
    assert (take.n_frames, take.start_frame) == (100, start)
    rig = mien.read_rig(save(gltf.small()))
    np.testing.assert_array_equal(
        take.positions, rig.evaluate((np.arange(200) / 256).reshape(100, 2)).positions
    )


def test_keys_between_whole_frames_keep_their_values(save):
    """The Face Cap app's takes begin at 0.0475 s."""
    times = 0.0475 + np.arange(20) / 30
    take = mien.read(save(animated(times, [("weights", np.arange(40) / 64)])))
    rig = mien.read_rig(save(gltf.small()))
    assert (take.fps, take.start_frame, take.n_frames) == (30, 1, 20)
    np.testing.assert_allclose(
        take.positions, rig.evaluate((np.arange(40) / 64).reshape(20, 2)).positions, atol=1e-6
    )


def test_uneven_times_need_a_rate(save):
    path = save(animated([0, 0.1, 0.5], [("weights", [0, 0, 1, 0, 1, 1.0])]))
    with pytest.raises(mien.FormatError, match=r"fps= to sample them at; found uneven times"):
        mien.read(path)
    assert mien.file_info(path).fps is None
    take = mien.read(path, fps=10)
    rig = mien.read_rig(path)
    expected = rig.evaluate([[0, 0], [1, 0], [1, 0.25], [1, 0.5], [1, 0.75], [1, 1]])
    assert (take.fps, take.n_frames) == (10, 6)
    np.testing.assert_allclose(take.positions, expected.positions, atol=1e-6)


def test_steps_and_splines(save):
    rig = mien.read_rig(save(gltf.small()))
    take = mien.read(save(animated([0, 1], [("weights", [0, 0, 1, 1.0])], "STEP")), fps=2)
    np.testing.assert_array_equal(take.positions, rig.evaluate([[0, 0], [0, 0], [1, 1]]).positions)
    # In-tangent, value, out-tangent for each key: from 0 with slope 1 to 2 with slope -1.
    spline = np.array([[[0, 0], [0, 0], [1, 0]], [[-1, 0], [2, 0], [0, 0]]], float)
    take = mien.read(save(animated([0, 2], [("weights", spline.reshape(-1))], "CUBICSPLINE")), fps=1)
    t = 0.5  # Hermite's four polynomials at the middle, tangents times the step of 2 s
    middle = (t**3 - 2 * t**2 + t) * 2 + (3 * t**2 - 2 * t**3) * 2 + (t**3 - t**2) * -2
    np.testing.assert_allclose(
        take.positions, rig.evaluate([[0, 0], [middle, 0], [2, 0]]).positions, atol=1e-6
    )


def test_moving_nodes_move_the_take(save):
    quarter = 0.5**0.5
    b = animated(
        [0, 1],
        [
            ("rotation", [[0, 0, 0, 1], [0, 0, -quarter, -quarter]]),
            ("translation", [[0, 0, 0], [2, 0, 0]]),
            ("scale", [[1, 1, 1], [3, 3, 3]]),
        ],
        scale=(9, 9, 9),
    )
    take = mien.read(save(b), fps=2)
    half = 0.5 * 45 * np.pi / 180
    world = gltf.matrix((1, 0, 0), (0, 0, np.sin(half), np.cos(half)), (2, 2, 2))
    np.testing.assert_array_equal(take.positions[0], b.points)
    np.testing.assert_allclose(take.positions[1], b.points @ world[:3, :3].T + world[:3, 3], atol=1e-6)
    world = gltf.matrix((2, 0, 0), (0, 0, quarter, quarter), (3, 3, 3))
    np.testing.assert_allclose(take.positions[2], b.points @ world[:3, :3].T + world[:3, 3], atol=1e-6)


def test_a_moved_rig_of_our_own_keeps_unit_and_axis(rng, tmp_path):
    """Somebody adds head motion to a file in centimetres with z up: in glTF's metres, on the node itself."""
    rig = sample_rig(rng, metres_per_unit=0.01, up_axis="z")
    mien.write_rig(tmp_path / "a.glb", rig)
    root, data = gltf.unpack((tmp_path / "a.glb").read_bytes())
    root["bufferViews"] += [
        {"buffer": 0, "byteOffset": len(data), "byteLength": 8},
        {"buffer": 0, "byteOffset": len(data) + 8, "byteLength": 24},
    ]
    n = len(root["accessors"])
    root["accessors"] += [
        {"bufferView": len(root["bufferViews"]) - 2, "componentType": 5126, "count": 2, "type": "SCALAR"},
        {"bufferView": len(root["bufferViews"]) - 1, "componentType": 5126, "count": 2, "type": "VEC3"},
    ]
    data += np.array([0, 0.1, 0, 0, 0, 0, 0.5, 0], "<f4").tobytes()  # half a metre up
    root["buffers"][0]["byteLength"] = len(data)
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    root["animations"] = [{"samplers": [{"input": n, "output": n + 1}], "channels": [channel]}]
    take = mien.read(put(tmp_path / "b.glb", gltf.pack(root, data)))
    assert (take.metres_per_unit, take.up_axis, take.fps) == (0.01, "z", 10)
    np.testing.assert_allclose(take.positions[1] - take.positions[0], np.tile([0, 0, 50], (8, 1)), atol=1e-5)


def test_resting_weights_count_where_nothing_is_animated(save):
    b = gltf.small(weights=[0.5, 0])
    b.root["meshes"][0]["weights"] = [1, 1]
    rig = mien.read_rig(save(b))
    np.testing.assert_array_equal(mien.read(save(b)).positions, rig.evaluate([[0.5, 0]]).positions)
    del b.root["nodes"][0]["weights"]
    np.testing.assert_array_equal(mien.read(save(b)).positions, rig.evaluate([[1, 1]]).positions)


def test_one_of_several_clips_has_to_be_named(save):
    b = animated([0, 1], [("weights", [0, 0, 1, 0.0])])
    b.root["animations"].append({**b.root["animations"][0], "name": "other"})
    path = save(b)
    with pytest.raises(ValueError, match=r"one of the animations of .*: 'face@take', 'face@other'"):
        mien.read(path)
    for node in ("face@other", "@take"):
        assert mien.read(path, node=node).n_frames == 2
    with pytest.raises(ValueError, match="'face@take', 'face@other'"):
        mien.read(path, node="face@third")
    assert mien.read_rig(path).names == ("a", "b")
    assert mien.file_info(path).n_frames == 2
