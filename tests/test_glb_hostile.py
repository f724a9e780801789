"""glTF files that lie: one FormatError with path and place, little memory, no crash and no hang."""

from __future__ import annotations

import copy
import json
import re
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mien
from builders import gltf


def everything() -> gltf.Builder:
    """A small file that uses every part of the reader."""
    b = gltf.small(translation=(0, 0, 1), weights=[0.5, 0])
    b.primitive["attributes"]["TEXCOORD_0"] = b.add(np.zeros((4, 2)))
    b.primitive["targets"][1] = {"POSITION": b.zeros(4, sparse=([1, 3], [[1, 2, 3], [4, 5, 6]]))}
    b.root["nodes"][0]["children"] = [2]
    b.root["nodes"] += [
        {"children": [0], "matrix": np.eye(4).reshape(-1).tolist()},
        {"name": "hand", "mesh": 1, "skin": 0},
    ]
    bound = {
        "POSITION": b.add(b.points),
        "JOINTS_0": b.add(np.zeros((4, 4)), "u1"),
        "WEIGHTS_0": b.add(np.tile([1, 0, 0, 0], (4, 1))),
    }
    b.root["meshes"].append({"primitives": [{"attributes": bound, "mode": 5}]})
    b.root["skins"] = [{"joints": [0, 1], "inverseBindMatrices": b.add([np.eye(4).reshape(-1)] * 2)}]
    samplers = [
        {"input": b.add([0.0, 0.5, 1.0]), "output": b.add([0, 0, 1, 1, 0, 0.0])},
        {
            "input": b.add([0.0, 1.0]),
            "output": b.add(np.tile([0, 0, 0, 1.0], (6, 1))),
            "interpolation": "CUBICSPLINE",
        },
    ]
    targets = [{"node": 0, "path": "weights"}, {"node": 0, "path": "rotation"}]
    channels = [{"sampler": i, "target": target} for i, target in enumerate(targets)]
    b.root["animations"] = [{"samplers": samplers, "channels": channels}]
    return b


WHOLE = everything().pack()
ROOT, DATA = gltf.unpack(WHOLE)


def trouble(path, door, **more) -> str | None:
    """Return the message with which a door refuses a file, None if it gives a result; other errors are faults."""
    try:
        door(path, **more)
    except mien.FormatError as error:
        return str(error) if str(path) in str(error) and len(str(error)) < 600 else f"bad message: {error}"
    except ValueError as error:
        return str(error) if "`node` must" in str(error) else f"bad message: {error}"
    return None


def read_all(path) -> None:
    """Use every door; each gives a result or refuses the file."""
    found = [
        trouble(path, mien.read_rig, node="face"),
        trouble(path, mien.read_rig, node="hand"),
        trouble(path, mien.read, node="face"),
        trouble(path, mien.read, node="hand", fps=3),
        trouble(path, mien.file_info),
        trouble(path, mien.read_curves, node="face"),
    ]
    assert not [message for message in found if message and message.startswith("bad message")]


def test_the_whole_file_is_read(tmp_path):
    path = tmp_path / "a.glb"
    path.write_bytes(WHOLE)
    assert mien.read_rig(path, node="face").n_shapes == 2
    assert mien.read_rig(path, node="hand").topology.n_faces == 2
    assert mien.read(path, node="face").n_frames == 3
    assert mien.read(path, node="hand", fps=3).n_frames == 4


def change(*path, to):
    def apply(root):
        holder = root
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (change("asset", "version", to="1.0"), "asset.version: expected 2.0; found '1.0'"),
        (change("asset", to=7), "asset: expected an object"),
        (
            change("extensionsRequired", to=["KHR_draco_mesh_compression"]),
            "found KHR_draco_mesh_compression, which is not",
        ),
        (
            change("extensionsRequired", to=["EXT_meshopt_compression"]),
            "found EXT_meshopt_compression, which is not",
        ),
        (
            change("bufferViews", 0, "extensions", to={"EXT_meshopt_compression": {}}),
            "EXT_meshopt_compression",
        ),
        (
            change("meshes", 0, "primitives", 0, "extensions", to={"KHR_draco_mesh_compression": {}}),
            r"meshes\[0\].primitives\[0\]: expected plain vertices; found .* KHR_draco_mesh_compression",
        ),
        (change("meshes", to=[]), r"nodes\[0\].mesh: expected a whole number below 0"),
        (
            change("meshes", 0, "primitives", to=[]),
            "expected at least one, all with as many targets; found none",
        ),
        (change("meshes", 0, "primitives", 0, "attributes", to={}), "expected POSITION; found nothing"),
        (change("accessors", 0, "count", to=2**60), "expected a whole number below 9007199254740992"),
        (
            change("accessors", 0, "count", to=2**50),
            r"bufferView: expected 1125899906842624 rows|rows of 12 bytes",
        ),
        (change("accessors", 0, "count", to=-1), r"expected a whole number .* found -1"),
        (change("accessors", 0, "count", to=0), "expected at least 1 elements; found 0"),
        (change("accessors", 0, "count", to=True), "expected a whole number .* found True"),
        (change("accessors", 0, "type", to="VEC2"), "expected the type VEC3; found 'VEC2'"),
        (change("accessors", 0, "componentType", to=5130), r"expected components of type f4; found 5130"),
        (change("accessors", 0, "byteOffset", to=8), "an end at 56"),
        (change("accessors", 0, "bufferView", to=99), "expected a whole number below"),
        (change("bufferViews", 0, "byteLength", to=2**40), "expected bytes inside the"),
        (change("bufferViews", 0, "byteOffset", to=2**40), "expected bytes inside the"),
        (change("bufferViews", 0, "byteStride", to=4), "expected 4 rows of 12 bytes"),
        (change("bufferViews", 0, "buffer", to=1), "expected a whole number below 1; found 1"),
        (change("buffers", 0, "byteLength", to=2**40), r"buffers\[0\]: expected 1099511627776 bytes"),
        (change("accessors", 2, "count", to=3), "expected 4 elements; found 3"),
        (change("nodes", 0, "children", to=[1]), "found a cycle"),
        (change("nodes", 0, "children", to=[0]), "found a cycle|expected one parent"),
        (change("nodes", 2, "children", to=[0]), "expected one parent; found nodes 1 and 2"),
        (change("nodes", 0, "scale", to=[1, 1]), r"nodes\[0\].scale: expected 3 numbers; found \[1, 1\]"),
        (change("nodes", 0, "rotation", to=[0, 0, 0, 0]), "expected a unit quaternion"),
        (
            change("nodes", 1, "scale", to=[1, 1, 1]),
            "expected a matrix or translation, rotation and scale; found both",
        ),
        (change("animations", 0, "samplers", 1, "input", to=0), "expected the type SCALAR; found 'VEC3'"),
        (change("animations", 0, "channels", 0, "sampler", to=9), "expected a whole number below 2"),
    ],
)
def test_each_lie_is_named(tmp_path, edit, words):
    root = copy.deepcopy(ROOT)
    edit(root)
    path = tmp_path / "a.glb"
    path.write_bytes(gltf.pack(root, DATA))
    found = trouble(path, mien.read_rig, node="face") or trouble(path, mien.read, node="face")
    assert re.search(words, found or "no error"), found


def corrupt(offset_in_view: int, view: int, value: bytes) -> bytes:
    start = ROOT["bufferViews"][view]["byteOffset"] + offset_in_view
    return DATA[:start] + value + DATA[start + len(value) :]


def test_bad_numbers_are_named(tmp_path):
    path = tmp_path / "a.glb"
    position, indices = 0, 1
    assert ROOT["bufferViews"][indices]["byteLength"] == 12
    for data, words in (
        (
            corrupt(16, position, struct.pack("<f", np.nan)),
            r"POSITION: expected finite numbers; .* element 1",
        ),
        (corrupt(2, indices, struct.pack("<H", 4)), "expected vertices below 4; found 4"),
    ):
        path.write_bytes(gltf.pack(ROOT, data))
        with pytest.raises(mien.FormatError, match=words):
            mien.read_rig(path, node="face")


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b"glTF", "expected a header of 12 bytes"),
        (b"glTX" + WHOLE[4:], "expected b'glTF', version 2"),
        (WHOLE[:4] + b"\1\0\0\0" + WHOLE[8:], "found b'glTF', version 1"),
        (WHOLE[:-1], "as the header says"),
        (WHOLE[:12] + b"\xff\xff\xff\x7f" + WHOLE[16:], "byte 12: expected a chunk of 2147483647 bytes"),
        (WHOLE[:16] + b"BIN\0" + WHOLE[20:], "expected a JSON chunk; found another"),
        (gltf.pack({}, None)[:12], "as the header says"),
        (gltf.pack(ROOT, None), "expected a uri or the binary chunk"),
        (gltf.pack([], None), "found a list"),  # type: ignore[arg-type]
        (gltf.pack({"asset": {"version": "2.0"}, "x": float("nan")}, None), "the number NaN"),
        (gltf.pack({"asset": {"version": "2.0"}}, None), "meshes: expected at least one mesh; found none"),
        (
            struct.pack("<4sII", b"glTF", 2, 200020) + struct.pack("<I4s", 200000, b"JSON") + b"[" * 200000,
            "expected glTF's JSON",
        ),
    ],
)
def test_broken_containers_are_named(tmp_path, blob, words):
    path = tmp_path / "a.glb"
    path.write_bytes(blob)
    with pytest.raises(mien.FormatError, match=words):
        mien.read_rig(path)


def bomb_targets() -> gltf.Builder:
    """Five thousand targets that all name one accessor."""
    b = gltf.Builder()
    point = b.add(np.ones((1000, 3)))
    primitive = {"attributes": {"POSITION": point}, "mode": 0, "targets": [{"POSITION": point}] * 5_000}
    b.root |= {"meshes": [{"primitives": [primitive]}], "nodes": [{"name": "face", "mesh": 0}]}
    return b


def bomb_zeros() -> gltf.Builder:
    """Ten billion vertices of which one is stored."""
    b = gltf.Builder()
    primitive = {"attributes": {"POSITION": b.zeros(10**10, sparse=([0], [[1, 2, 3]]))}, "mode": 0}
    b.root |= {"meshes": [{"primitives": [primitive]}], "nodes": [{"name": "face", "mesh": 0}]}
    return b


def bomb_time() -> gltf.Builder:
    """A key a million years later."""
    b = gltf.small()
    sampler = {"input": b.add([0.0, 3e13]), "output": b.add([0, 0, 1, 1.0])}
    b.root["animations"] = [
        {"samplers": [sampler], "channels": [{"sampler": 0, "target": {"node": 0, "path": "weights"}}]}
    ]
    b.root["nodes"][0]["extras"] = {"mien": {"fps": 240}}
    return b


def bomb_chain() -> gltf.Builder:
    """Five thousand nodes one below the other, all of them joints."""
    n = 5_000
    b = gltf.small()
    b.primitive["attributes"] |= {
        "JOINTS_0": b.add(np.zeros((4, 4)), "u1"),
        "WEIGHTS_0": b.add(np.ones((4, 4))),
    }
    b.root["nodes"] = (
        [{"name": "face", "mesh": 0, "skin": 0}] + [{"children": [i + 2]} for i in range(n)] + [{}]
    )
    b.root["skins"] = [{"joints": list(range(n, 0, -1))}]
    return b


@pytest.mark.parametrize("bomb", [bomb_targets, bomb_zeros, bomb_time, bomb_chain])
def test_small_files_do_not_take_much_memory_or_time(tmp_path, bomb):
    path = tmp_path / "a.glb"
    path.write_bytes(bomb().pack())
    tracemalloc.start()
    try:
        read_all(path)
        for fps in (None, 30):
            assert "bad message" not in (trouble(path, mien.read, fps=fps) or "")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * path.stat().st_size + (512 << 20)


# Fuzzing

NUMBERS = [-1, 0, 1, 2, 3, 5, 255, 2**31, 2**63, 2**100, -0.5, 1e308]
JUNK = st.sampled_from([None, True, *NUMBERS, "", "x", "SCALAR", "VEC4", [], [0], [[0]], {}])


def paths_in(value, at=()):
    """Every place in a JSON value."""
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths_in(inner, (*at, key))
    return found


PLACES = paths_in(ROOT)


@st.composite
def damaged(draw) -> bytes:
    kind = draw(st.sampled_from(["json", "bytes", "cut", "numbers"]))
    if kind == "json":
        root = copy.deepcopy(ROOT)
        for place in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3)):
            try:
                change(*place, to=draw(JUNK))(root)
            except (KeyError, IndexError, TypeError):
                continue  # an earlier change took that place away
        return gltf.pack(root, DATA)
    if kind == "cut":
        return WHOLE[: draw(st.integers(0, len(WHOLE)))]
    blob = bytearray(WHOLE if kind == "bytes" else DATA)
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(blob) - 1))
        blob[at] = draw(st.integers(0, 255))
    return bytes(blob) if kind == "bytes" else gltf.pack(ROOT, bytes(blob))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blob=damaged())
def test_damaged_files_are_read_or_refused(tmp_path, blob):
    path = tmp_path / "a.glb"
    path.write_bytes(blob)
    read_all(path)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path, text):
    for name in ("a.glb", "a.gltf"):
        path = tmp_path / name
        path.write_bytes(text or b"{")
        with pytest.raises(mien.FormatError):
            mien.read_rig(path)


def test_random_json_is_refused(tmp_path):
    path = tmp_path / "a.gltf"
    for root in (
        None,
        1,
        "x",
        [],
        {"asset": []},
        {"asset": {"version": 2.0}},
        {"asset": {"version": "2.0"}, "meshes": {}},
    ):
        path.write_text(json.dumps(root))
        with pytest.raises(mien.FormatError, match=r"a\.gltf"):
            mien.read_rig(path)
