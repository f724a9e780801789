"""PLY: text and both byte orders, anything beside the mesh, sequences, damaged files."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.damage import damaged, read_or_refuse

import mien

POINTS = np.array([[0, 0, 0], [1, 0, 0.5], [1, 1, -2], [0, 1, 0.1], [2, 3, 4]], np.float32)
FACES = [[0, 1, 2, 3], [4, 2, 1]]
SPARE = {
    "char": "b",
    "uchar": "B",
    "short": "h",
    "ushort": "H",
    "int": "i",
    "uint": "I",
    "float": "f",
    "double": "d",
}


def ply(order: str, *, real: str = "float", count: str = "uchar", index: str = "int", faces=FACES) -> bytes:
    """Write a mesh with an element before it, a list beside the indices, and an element behind."""
    name = {"": "ascii", "<": "binary_little_endian", ">": "binary_big_endian"}[order]
    header = (
        f"ply\nformat {name} 1.0\ncomment a test\nelement camera 2\nproperty float zoom\nproperty list uchar short k\n"
        f"element vertex 5\nproperty {real} x\nproperty {real} y\nproperty uchar red\nproperty {real} z\n"
        f"element face {len(faces)}\nproperty float quality\nproperty list {count} {index} vertex_indices\n"
        f"property list uchar double weights\nelement edge 1\nproperty int a\nend_header\n"
    )
    rows = [[("float", 1.5), ("uchar", 1), ("short", -3)], [("float", 2.5), ("uchar", 0)]]
    rows += [[(real, x), (real, y), ("uchar", 200), (real, z)] for x, y, z in POINTS.tolist()]
    for face in faces:
        row = [("float", 0.5), (count, len(face)), *((index, i) for i in face)]
        rows.append([*row, ("uchar", 2), ("double", 0.25), ("double", 0.5)])
    rows.append([("int", 7)])
    if order == "":
        return header.encode() + "\n".join(" ".join(str(v) for _, v in row) for row in rows).encode()
    body = b"".join(struct.pack(order + SPARE[kind], value) for row in rows for kind, value in row)
    return header.encode() + body


@pytest.mark.parametrize("order", ["", "<", ">"])
@pytest.mark.parametrize(("real", "count", "index"), [("float", "uchar", "int"), ("double", "int", "ushort")])
@pytest.mark.parametrize("faces", [FACES, [[0, 1, 2], [2, 3, 4]], []])
def test_all_encodings_give_the_same_mesh(tmp_path, order, real, count, index, faces):
    path = tmp_path / "a.ply"
    path.write_bytes(ply(order, real=real, count=count, index=index, faces=faces))
    take = mien.read(path)
    assert take.positions.dtype == (np.float32 if real == "float" else np.float64)
    assert np.array_equal(take.positions[0], POINTS)
    flat = [i for face in faces for i in face]
    assert take.topology == mien.Topology([len(face) for face in faces], flat, 5)
    info = mien.file_info(path)
    assert (info.n_frames, info.n_vertices, info.n_faces, info.has_uvs) == (1, 5, len(faces), False)


@pytest.mark.parametrize(
    "uvs",
    [
        {"uvs": np.arange(10).reshape(5, 2) / 8, "uv_indices": [0, 1, 2, 3, 4, 2, 1]},
        {"uvs": np.arange(6).reshape(3, 2) / 8, "uv_indices": [0, 1, 2, 0, 1, 1, 2]},
        {},
    ],
    ids=["by vertex", "by corner", "none"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sequences_go_there_and_back(tmp_path, uvs, dtype):
    topology = mien.Topology([4, 3], [0, 1, 2, 3, 4, 2, 1], 5, **uvs)
    positions = np.random.default_rng(3).normal(size=(4, 5, 3)).astype(dtype)
    take = mien.MeshSequence(topology, positions, start_frame=98)
    assert mien.write(tmp_path / "a.###.ply", take).not_kept == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.098.ply", "a.099.ply", "a.100.ply", "a.101.ply"]
    back = mien.read(tmp_path)
    assert np.array_equal(back.positions, positions)
    assert (back.positions.dtype, back.start_frame) == (dtype, 98)
    assert back.topology == topology
    if uvs:
        assert np.array_equal(back.topology.uvs[back.topology.uv_indices], topology.uvs[topology.uv_indices])
        assert mien.file_info(tmp_path).has_uvs


def test_faces_with_many_corners_are_written(tmp_path):
    n = 300
    topology = mien.Topology([n, 3], [*range(n), 0, 1, 2], n)
    take = mien.MeshSequence(topology, np.zeros((1, n, 3), np.float32))
    mien.write(tmp_path / "a.ply", take)
    assert mien.read(tmp_path / "a.ply").topology == topology


def test_frames_in_other_words_are_read_and_other_faces_are_named(tmp_path):
    (tmp_path / "a.1.ply").write_bytes(ply("<"))
    (tmp_path / "a.2.ply").write_bytes(ply(""))
    (tmp_path / "a.3.ply").write_bytes(ply(">"))
    assert np.array_equal(mien.read(tmp_path).positions, [POINTS] * 3)
    (tmp_path / "a.4.ply").write_bytes(ply("<", faces=[[0, 1, 2, 3], [4, 1, 2]]))
    with pytest.raises(mien.FormatError, match=r"a\.4\.ply: topology: expected .* as in a\.1\.ply"):
        mien.read(tmp_path)
    (tmp_path / "a.4.ply").write_bytes(ply("<", real="double"))
    with pytest.raises(mien.FormatError, match=r"a\.4\.ply: header: expected float32 positions"):
        mien.read(tmp_path)


def test_our_own_frames_with_other_faces_are_named(tmp_path):
    for number, faces in ((1, [0, 1, 2]), (2, [0, 2, 1])):
        take = mien.MeshSequence(mien.Topology([3], faces, 5), POINTS[None])
        mien.write(tmp_path / f"a.{number}.ply", take)
    with pytest.raises(mien.FormatError, match=r"a\.2\.ply: topology: expected .* as in a\.1\.ply"):
        mien.read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"obj\n", "expected the word ply"),
        (b"ply\nformat ascii 1.0\n", "expected end_header"),
        (b"ply\nformat utf8 1.0\nend_header\n", "line 2: expected a format"),
        (b"ply\nend_header\n", "expected a line that says the format"),
        (
            b"ply\nformat ascii 1.0\nproperty float x\nend_header\n",
            "line 3: expected a format, element or prop",
        ),
        (b"ply\nformat ascii 1.0\nelement vertex -1\nend_header\n", "line 3: expected"),
        (
            b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n",
            "vertex with x, y and z",
        ),
        (ply("").replace(b"vertex 5", b"vertex 0"), "expected"),
        (ply("").replace(b"face 2", b"face 900"), "element 'face': expected at least"),
        (ply("<").replace(b"vertex 5", b"vertex 1152921504606846976"), "element 'vertex': expected at least"),
        (ply("").replace(b"vertex 5", b"vertex 1152921504606846976"), "element 'vertex': expected at least"),
        (ply("<").replace(b"camera 2", b"camera 1152921504606846976"), "element 'camera': expected"),
        (ply("").replace(b" -3", b" word"), "body: expected a number; found 'word'"),
        (ply("", faces=[[0, 1, 7]]), "expected faces that fit the vertices; .*got 7"),
        (ply("", faces=[[0, 1]]), "expected faces that fit the vertices; .*at least 3"),
        (ply("<")[:-20], "element 'face': expected"),
        (ply("").replace(b"vertex_indices", b"something"), "expected a list called vertex_indices"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "bad.ply"
    path.write_bytes(text)
    with pytest.raises(mien.FormatError, match=message) as caught:
        mien.read(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("order", ["", "<", ">"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path, order, data):
    read_or_refuse(tmp_path / "bad.ply", data.draw(damaged(ply(order))))
