"""Alembic: files that are damaged, unfinished, foreign or made to hurt give one FormatError that says where."""

from __future__ import annotations

import contextlib
import pathlib
import random
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mien
from builders import alembic as build
from mien.io.alembic import FORMAT
from mien.io.alembic.ogawa import OgawaReader
from mien.io.alembic.properties import Property, scalar_values

FACES = [[0, 1, 2, 3], [3, 2, 4]]
POINTS = np.random.default_rng(7).normal(size=(4, 5, 3)).astype(np.float32)
DATA = 1 << 63


def face(**options: object) -> build.Node:
    return build.mesh("face", POINTS, FACES, **options)


def built(tmp_path: pathlib.Path, *nodes: build.Node) -> tuple[bytearray, dict[str, int]]:
    builder = build.archive(tmp_path / "built.abc", list(nodes) or [face()])
    return builder.bytes, builder.at


def refused(tmp_path: pathlib.Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.abc"
    path.write_bytes(content)
    for door in (FORMAT.read, FORMAT.info):
        with pytest.raises(mien.FormatError, match=words) as caught:
            door(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert ": expected " in str(caught.value)
        assert "; found " in str(caught.value)
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "byte 0: expected the letters Ogawa; found an empty file"),
        (b"Og", "byte 0: expected the letters Ogawa; found b'Og'"),
        (b"PK\x03\x04 something else entirely", "byte 0: expected the letters Ogawa; found"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "byte 0: expected an Ogawa archive; found an HDF5 archive"),
        (b"Ogawa\xff\x00\x01", "byte 5: expected a header of 16 bytes; found 8 bytes"),
        (b"Ogawa\x00\x00\x01" + bytes(100), "byte 5: expected 0xff; found 0x00: .* did not finish"),
        (b"Ogawa\xff\x00\x02" + bytes(100), "byte 6: expected Ogawa version 1"),
        (b"Ogawa\xff\x00\x01" + bytes(100), "the root group: expected 6 entries; found 0"),
        (
            b"Ogawa\xff\x00\x01" + struct.pack("<Q", 1 << 60) + bytes(99),
            "the root group: .* inside the file's 115 bytes",
        ),
        (
            b"Ogawa\xff\x00\x01" + struct.pack("<QQ", 16, 1 << 60),
            "the root group, byte 16: .* 1152921504606846976",
        ),
        (
            b"Ogawa\xff\x00\x01" + struct.pack("<Q", DATA | 16) + bytes(99),
            "the root group: expected a group; found",
        ),
    ],
)
def test_beginnings(tmp_path: pathlib.Path, content: bytes, words: str) -> None:
    refused(tmp_path, content, words)


def test_every_truncation_is_refused(tmp_path: pathlib.Path) -> None:
    raw, _ = built(tmp_path)
    path = tmp_path / "cut.abc"
    for size in range(0, len(raw), 3):
        path.write_bytes(raw[:size])
        with pytest.raises(mien.FormatError):
            FORMAT.read(path)


@pytest.mark.parametrize(
    ("place", "offset", "value", "words"),
    [
        ("/face/.geom/P", 0, 1 << 60, "/face, .geom, P, byte .*: expected a group of at most .*1152921504606846976"),
        ("/face/.geom/P", 0, (1 << 64) - 1, "/face, .geom, P, byte .*: expected a group of at most"),
        ("/face/.geom/P", 0, 7, "expected 4 stored samples with their dimensions; found 7 blocks"),
        ("/face/.geom/P", 8, DATA | 1 << 60, "P, block 0: expected data inside the file's .* bytes; found data at"),
        ("/face/.geom/P", 8, 64, "P, block 0: .*found a group at byte 64"),
        ("/face/.geom/P", 8, DATA, ".faceIndices: expected vertices below 0; found 3 at corner 0"),
        ("/face/.geom/P[2]", 0, (1 << 64) - 8, "P, block 2, byte .*: expected at most .* bytes of data"),
        ("/face/.geom/P[2]", 0, 16 + 48, "P, sample 2: expected 5 points as in sample 0; found 4"),
        ("/face/.geom/P[2]", 0, 17, "P, stored sample 2, .*a multiple of 12 bytes; found 17 bytes"),
        ("/face/.geom/P[2]", 0, 9, "P, stored sample 2, .*a key of 16 bytes"),
        ("/face/.geom/.faceCounts[0]", 24, 2 | 5 << 32, ".faceCounts: expected 3 to 7 corners for face 0; found 2"),
        ("/face/.geom/.faceCounts[0]", 24, 4 | (1 << 31) << 32, ".faceCounts: .*for face 1; found -2147483648"),
        ("/face/.geom/.faceCounts[0]", 24, 4 | 4 << 32, ".faceIndices: expected 8 corners, the sum"),
        ("/face/.geom/.faceIndices[0]", 24, 9 | 2 << 32, ".faceIndices: .* below 5; found 9 at corner 0"),
        ("/face/.geom/.faceIndices[0]", 24, 1 << 31, ".faceIndices: .*found -2147483648 at corner 0"),
        ("top", 16, DATA | 1 << 50, "the archive's version, block 0: expected data inside"),
        ("top", 16, DATA, "the archive's version: expected 4 bytes and at least 9999; found"),
        ("top", 40, DATA | 16, "time sampling|the time samplings"),
    ],
)  # fmt: skip
def test_numbers_that_lie(tmp_path: pathlib.Path, place: str, offset: int, value: int, words: str) -> None:
    raw, at = built(tmp_path)
    raw[at[place] + offset : at[place] + offset + 8] = struct.pack("<Q", value)
    path = tmp_path / "bad.abc"
    path.write_bytes(raw)
    with pytest.raises(mien.FormatError, match=words):
        FORMAT.read(path)


@pytest.mark.parametrize("count", [(1 << 32) - 1, 1 << 31, 150_000])
@pytest.mark.parametrize("n_stored", [1, 4])
def test_sample_counts_beyond_reason(tmp_path: pathlib.Path, count: int, n_stored: int) -> None:
    node = build.mesh("face", POINTS[:n_stored], FACES, n_samples=count)
    raw, _ = built(tmp_path, node)
    refused(tmp_path, raw, "/face, .geom, P: expected at most 10.... samples in a file of this size")


def test_held_frames_are_bounded_by_the_size_of_the_file(tmp_path: pathlib.Path) -> None:
    many = np.zeros((1, 3000, 3), np.float32)
    raw, _ = built(tmp_path, build.mesh("face", many, FACES, n_samples=90_000))
    (tmp_path / "a.abc").write_bytes(raw)
    with pytest.raises(
        mien.FormatError, match=r"at most \d+ bytes of points in a file of this size; found 3240000000"
    ):
        FORMAT.read(tmp_path / "a.abc")


def test_groups_that_come_back_to_themselves(tmp_path: pathlib.Path) -> None:
    inner = build.Node("inner", children=[face()])
    raw, at = built(tmp_path, build.Node("outer", children=[inner]))
    for target in ("/", "/outer", "/outer/inner"):
        bad = bytearray(raw)
        bad[at["/outer/inner"] + 16 : at["/outer/inner"] + 24] = struct.pack("<Q", at[target])
        refused(
            tmp_path, bad, r"/outer/inner.*: expected an object of its own; found the one at byte \d+ again"
        )


def test_one_object_in_two_places(tmp_path: pathlib.Path) -> None:
    raw, at = built(tmp_path, face(), build.Node("other"))
    raw[at["/"] + 24 : at["/"] + 32] = raw[at["/"] + 16 : at["/"] + 24]
    refused(tmp_path, raw, "an object of its own")


def test_nesting_has_an_end(tmp_path: pathlib.Path) -> None:
    def nested(depth: int) -> bytearray:
        node = face()
        for i in range(depth):
            node = build.Node(f"n{i}", children=[node])
        return built(tmp_path, node)[0]

    (tmp_path / "deep.abc").write_bytes(nested(100))
    assert len(FORMAT.read(tmp_path / "deep.abc")) == 4
    refused(tmp_path, nested(200), "objects nested at most 128 deep")


def test_what_is_not_a_take_is_named(tmp_path: pathlib.Path) -> None:
    camera = build.Node("camera", "schema=AbcGeom_Camera_v1")
    refused(tmp_path, built(tmp_path, camera)[0], "a polygon mesh; found only AbcGeom_Camera_v1")
    refused(
        tmp_path, built(tmp_path, build.Node("group"))[0], "a polygon mesh; found no objects with geometry"
    )
    for missing in ("P", ".faceCounts", ".faceIndices"):
        node = face()
        del node.parts[".geom"].parts[missing]
        refused(tmp_path, built(tmp_path, node)[0], f"/face, .geom: expected a property {missing}; found")
    refused(tmp_path, built(tmp_path, build.Node("face", build.POLY))[0], "/face: expected a property .geom")
    flat = face()
    flat.parts[".geom"].parts["P"] = build.Samples([POINTS[0, :, :2]], "<f4", 2)
    refused(tmp_path, built(tmp_path, flat)[0], "three floats a point; found type 10 with 2 components")
    refused(tmp_path, built(tmp_path, face(sampling=5))[0], "P: expected a time sampling below 2; found 5")


def changing(name: str, **samples: object) -> build.Node:
    node = face()
    node.parts[".geom"].parts[name] = build.Samples(**samples)
    return node


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (
            changing(".faceIndices", stored=[[3, 2, 1, 0, 4, 2, 3]] * 2 + [[3, 2, 1, 0, 4, 2, 1]] * 2, dtype="<i4"),
            ".faceIndices: expected the same values in every sample; found a change at sample 2",
        ),
        (
            changing(".faceCounts", stored=[[4, 3], [4, 3, 3]], dtype="<i4", n_samples=6, changes=(5, 5)),
            ".faceCounts: expected the same values in every sample; found a change at sample 5",
        ),
        (
            changing("uv", stored=[np.zeros((7, 2)), np.ones((7, 2))], extent=2),
            "uv: expected the same values in every sample; found a change at sample 1",
        ),
        (changing("uv", stored=[np.zeros((6, 2))], extent=2), "uv: expected a value for every corner; found 6"),
        (
            changing("uv", stored=[np.zeros((6, 2))], extent=2, metadata="geoScope=fvr"),
            "uv: expected 7 values for scope fvr; found 6",
        ),
        (changing("uv", stored=[np.zeros((7, 3))], extent=3), "uv: expected two floats; found float32 with 3"),
        (changing(".faceCounts", stored=[[4.0, 3.0]]), ".faceCounts: expected integers; found float32"),
        (
            changing(".faceCounts", stored=[[4, 3]], dtype="<i4", kind="scalar", extent=2),
            ".faceCounts: expected an array property; found scalar",
        ),
    ],
)  # fmt: skip
def test_topology_that_a_take_cannot_have(tmp_path: pathlib.Path, node: build.Node, words: str) -> None:
    build.archive(tmp_path / "a.abc", [node])
    with pytest.raises(mien.FormatError, match=words):
        FORMAT.read(tmp_path / "a.abc")


def test_equal_samples_of_a_topology_are_no_change(tmp_path: pathlib.Path) -> None:
    node = changing(".faceIndices", stored=[[3, 2, 1, 0, 4, 2, 3]] * 4, dtype="<i4")
    build.archive(tmp_path / "a.abc", [node])
    assert FORMAT.read(tmp_path / "a.abc").topology.face_indices.tolist() == [0, 1, 2, 3, 3, 2, 4]


class Hand:
    """An archive put together by hand: blocks and groups that may be shared."""

    def __init__(self) -> None:
        self.bytes = bytearray(b"Ogawa\xff\x00\x01" + bytes(8))
        self.version = self.data((10703).to_bytes(4, "little"))

    def data(self, content: bytes) -> int:
        at = len(self.bytes)
        self.bytes += struct.pack("<Q", len(content)) + content
        return at | DATA

    def group(self, references: list[int]) -> int:
        at = len(self.bytes)
        self.bytes += struct.pack(f"<{len(references) + 1}Q", len(references), *references)
        return at

    def finish(self, root: int) -> bytes:
        top = self.group([DATA, self.version, root, DATA, DATA, DATA])
        self.bytes[8:16] = struct.pack("<Q", top)
        return bytes(self.bytes)


def wide_tree(header: bytes) -> bytes:
    """A tree of 12 x 100 objects, each with 100 children, whose headers are all the same block of 100 `header`."""
    hand = Hand()
    headers = hand.data(header * 100)
    leaves = [hand.group([0] * 101 + [headers]) for _ in range(1200)]
    branches = [hand.group([0, *leaves[12 * i : 12 * i + 12], *[0] * 88, headers]) for i in range(100)]
    return hand.finish(hand.group([0, *branches, headers]))


def packed(name: bytes, metadata: bytes) -> bytes:
    return struct.pack("<I", len(name)) + name + b"\xff" + struct.pack("<I", len(metadata)) + metadata


@pytest.mark.parametrize(
    "content",
    [
        wide_tree(packed(b"x" * 1000, build.POLY.encode())),
        wide_tree(packed(b"x" * 1000, b"")),
        wide_tree(packed(b"x", b"a=b;" * 1000)),
    ],
    ids=["meshes", "names", "metadata"],
)
def test_headers_that_many_objects_share_cost_little(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "bad.abc"
    path.write_bytes(content)
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(mien.FormatError, match=r"overlapping headers|longer than the file"):
        FORMAT.info(path)
    assert time.perf_counter() - begin < 5
    assert tracemalloc.get_traced_memory()[1] < 20 * len(content)
    tracemalloc.stop()


def test_groups_that_share_bytes_cost_little(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "bad.abc"
    path.write_bytes(b"Ogawa\xff\x00\x01" + struct.pack("<Q", 16) + struct.pack("<Q", 1000) * 3000)
    reader = OgawaReader(path)

    def read_all() -> None:
        for at in range(16, 16_000, 8):
            reader.group(at, "here")
            seen.append(at)

    seen: list[int] = []
    with pytest.raises(mien.FormatError, match="groups that do not overlap"):
        read_all()
    assert len(seen) == 3
    assert len(reader.group(16, "here")) == 1000  # what has been read may be read again


def overlap(raw: bytearray, group: int, first: int, n: int, *, width: int, size: int) -> None:
    """Let each of `n` samples begin 8 bytes after the one before; `width` references belong to each."""
    for i in range(n):
        raw[first + 8 * i : first + 8 * i + 8] = struct.pack("<Q", size)
        raw[group + 8 + 8 * width * i : group + 16 + 8 * width * i] = struct.pack("<Q", first + 8 * i | DATA)


def test_samples_that_share_bytes_cost_little(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.abc"
    raw, at = built(tmp_path, changing(".faceIndices", stored=[np.arange(4000)] * 400, dtype="<i4"))
    place = "/face/.geom/.faceIndices"
    overlap(raw, at[place], at[f"{place}[0]"], 400, width=2, size=400_016)
    path.write_bytes(raw)
    with pytest.raises(mien.FormatError, match=r".faceIndices: expected samples that do not overlap"):
        FORMAT.read(path)


def test_values_of_transforms_that_share_bytes_cost_little(tmp_path: pathlib.Path) -> None:
    hand, n = Hand(), 1000
    first = len(hand.bytes)
    hand.bytes += struct.pack("<Q", 16 + 255 * 8) * (n + 300)
    group = hand.group([first + 8 * i | DATA for i in range(n)])
    (tmp_path / "a.abc").write_bytes(hand.finish(0))
    header = Property("/head, .xform", ".vals", "scalar", 11, 255, n, 1, n - 1, 0, "", group)
    with pytest.raises(mien.FormatError, match=r"/head, .xform, .vals: expected samples that do not overlap"):
        scalar_values(OgawaReader(tmp_path / "a.abc"), header)


def test_dimensions_must_agree_with_the_data(tmp_path: pathlib.Path) -> None:
    raw, at = built(tmp_path, face(dimensions=True))
    group = at["/face/.geom/P"]
    (reference,) = struct.unpack_from("<Q", raw, group + 8 + 24)  # dimensions of sample 1
    raw[(reference & ~DATA) + 8] = 6
    (tmp_path / "a.abc").write_bytes(raw)
    with pytest.raises(mien.FormatError, match=r"P, dimensions 1: expected 5 elements, which .*; found 6"):
        FORMAT.read(tmp_path / "a.abc")


def test_paths_of_meshes_are_bounded_by_the_size_of_the_file(tmp_path: pathlib.Path) -> None:
    empty = [build.Node(f"m{i}", build.POLY) for i in range(300)]
    deep = build.Node("x" * 1000, children=empty)
    for _ in range(20):
        deep = build.Node("y" * 1000, children=[deep])
    refused(
        tmp_path, built(tmp_path, deep)[0], "expected names that fit the file; found paths of meshes longer"
    )


def test_messages_stay_short(tmp_path: pathlib.Path) -> None:
    deep = build.mesh("x" * 1000, POINTS, FACES)
    for _ in range(50):
        deep = build.Node("y" * 1000, children=[deep])
    (tmp_path / "a.abc").write_bytes(built(tmp_path, deep, face())[0])
    with pytest.raises(mien.FormatError, match="node= to pick one; found several: /face, /y") as caught:
        FORMAT.read(tmp_path / "a.abc")
    assert len(str(caught.value)) < 1500


# Fuzzing: nothing but FormatError, whatever the bytes are.

INTERESTING = [
    0,
    1,
    2,
    7,
    8,
    16,
    255,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 60,
    DATA,
    DATA | 16,
    (1 << 64) - 1,
]


def only_format_errors(path: pathlib.Path, content: bytes) -> None:
    path.write_bytes(content)
    for call in (FORMAT.read, FORMAT.info, lambda p: FORMAT.read(p, fps=25.0, node="face")):
        with contextlib.suppress(mien.FormatError):
            call(path)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("valid")
    rng = np.random.default_rng(3)
    uvs = rng.random((7, 2))
    topology = mien.Topology([4, 3], [v for f in FACES for v in f], 5, uvs=uvs, uv_indices=np.arange(7))
    FORMAT.write(folder / "own.abc", mien.MeshSequence(topology, POINTS, start_frame=1001))
    uv = build.Samples([uvs], "<f4", 2, metadata="geoScope=fvr")
    inner = build.xform("head", [1, 2, 0], rng.normal(size=(4, 10)), [face(uv=uv, dimensions=True)])
    outer = build.xform("world", [3], [np.diag([2.0, 2, 2, 1]).ravel()], [inner])
    build.archive(folder / "nested.abc", [outer], (1 / 12, [0.0, 1 / 24]), shift=3)
    return [(folder / name).read_bytes() for name in ("own.abc", "nested.abc")]


@given(seed=st.integers(0, 2**32), changes=st.integers(1, 6))
def test_changed_bytes_give_format_errors_only(
    valid: list[bytes], tmp_path_factory: pytest.TempPathFactory, seed: int, changes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.abc"
    source = random.Random(seed)
    for original in valid:
        for _ in range(4):
            content = bytearray(original)
            for _ in range(changes):
                at = source.randrange(8, len(content))
                width = source.choice((1, 1, 4, 8))
                value = (
                    source.choice(INTERESTING) if source.random() < 0.6 else source.randrange(len(content))
                )
                content[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
            only_format_errors(path, bytes(content))


@given(content=st.binary(max_size=400), begin=st.booleans())
def test_random_bytes_give_format_errors_only(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, begin: bool
) -> None:
    start = b"Ogawa\xff\x00\x01" + struct.pack("<Q", 16) if begin else b""
    only_format_errors(tmp_path_factory.getbasetemp() / "random.abc", start + content)
