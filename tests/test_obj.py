"""OBJ: the slow twin, numbers to the last bit, sequences, what is wrong with a file."""

from __future__ import annotations

import os
import pathlib
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.damage import damaged, read_or_refuse
from tests.oracles import obj as oracle

import mien
from mien import _core

CUBE_LIKE = b"""# a comment with a path C:\\shots\\
mtllib face.mtl
o the face
v 1.5 -2.25 3e-2
v 0 1 0 0.5 0.5 0.5
\tv  4 5.125 -6 # behind
vt 0.25 0.75
vt 0.5
vt 1 0 0
vn 0 0 1
usemtl skin
s 1
f 1 2 3
f 1/1 2/2 3/3
g group
f 1//1 2//1 3//1 2//1
f -3/-3/-1 -2/-2/-1 \\
  -1/-1/-1
o teeth
v 7 8 9
f 4 3 2 1
l 1 2
"""


def arrays(text: bytes) -> dict[str, list]:
    frame = _core.parse_obj(text)
    ends = np.cumsum(frame.face_counts)
    cut = lambda values: [part.tolist() for part in np.split(values, ends)[:-1]]  # noqa: E731
    return {
        "vertices": frame.positions.tolist(),
        "uvs": frame.uvs.tolist(),
        "faces": cut(frame.face_indices),
        "face_uvs": cut(frame.uv_indices) if len(frame.uv_indices) else None,
        "names": [name.decode() for name in frame.names],
    }


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last_line_ends", [True, False])
def test_every_way_to_write_a_mesh_is_read_as_the_slow_twin_reads_it(line_end, last_line_ends):
    text = CUBE_LIKE.replace(b"\n", line_end)
    text = text if last_line_ends else text.removesuffix(line_end)
    got, expected = arrays(text), oracle.parse(text.decode())
    extra = len(expected["uvs"])  # corners without a coordinate share an additional one
    expected["uvs"].append([0, 0])
    expected["face_uvs"] = [[extra if uv is None else uv for uv in face] for face in expected["face_uvs"]]
    assert got == expected


def test_old_macintosh_line_ends_are_read():
    assert arrays(CUBE_LIKE.replace(b"\n", b"\r"))["faces"] == arrays(CUBE_LIKE)["faces"]


WORDS = st.one_of(
    st.floats(allow_nan=False, width=32).map(repr),
    st.floats(allow_nan=False).map(repr),
    st.floats(-1e4, 1e4).map(lambda x: f"{x:.6f}"),
    st.from_regex(r"[+-]?[0-9]{0,25}\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,25}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)


@np.errstate(all="ignore")
def nearest_float32(word: str) -> np.float32:
    """Round once, from the exact decimal, as no route over float64 can."""
    try:
        exact = Fraction(word)
    except ValueError:
        return np.float32(word)
    guess = np.float32(float(exact)) if abs(exact) < 10**40 else np.float32(np.inf)
    if not np.isfinite(guess):
        limit = Fraction(2) ** 128 - Fraction(2) ** 103
        bound = np.inf if abs(exact) >= limit else np.finfo(np.float32).max
        return np.float32(bound if exact > 0 else -bound)
    near = [guess, np.nextafter(guess, np.float32(np.inf)), np.nextafter(guess, np.float32(-np.inf))]
    even = lambda x: struct.unpack("<I", struct.pack("<f", x))[0] & 1  # noqa: E731
    finite = [x for x in near if np.isfinite(x)]
    best = min(finite, key=lambda x: (abs(Fraction(float(x)) - exact), even(x)))
    return np.copysign(best, np.float32(-1 if word.startswith("-") else 1))


@settings(max_examples=400)
@given(word=WORDS)
@example("1.00000017881393432617187499")  # just below a tie between two floats
@example("0.5000000298023224")  # few digits, whose double is a tie that the number is not
@example("1.00000017881393432617187500")
@example("1.00000017881393432617187501")
@example("0.1000000014901161193847656250")
@example("3.4028235677973366e38")
@example("1.1754943508222875e-38")
@example("7.0064923216240854e-46")
@example("7.0064923216240853e-46")
@example("9007199254740993")
@example("1e-400")
@example("-0.0")
@example("." + "0" * 400 + "1")
@example("1" + "0" * 400 + "e-399")
def test_numbers_are_rounded_correctly(word):
    frame = _core.parse_obj(f"v {word} 0 0\n".encode())
    expected = nearest_float32(word)
    assert frame.positions[0, 0].tobytes() == expected.tobytes()
    out = np.empty(1)
    count, consumed = _core.parse_numbers(word.encode(), out)
    assert (count, consumed) == (1, len(word))
    assert out[0] == float(word)


@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_what_is_written_reads_back_to_the_last_bit(values):
    points = np.array([[values]], np.float32)
    text = _core.format_obj_frames(points)[0]
    assert _core.parse_obj(text).positions.tobytes() == points.tobytes()
    assert len(text) <= 3 * 16 + 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"v 1 2\nf 1 1 1\n", r"line 1: expected a vertex of three numbers; found 'v 1 2'"),
        (b"\nv 1,5 2 3\n", "line 2: expected a vertex of three numbers"),
        (b"v 1 2 x\n", "line 1: expected a vertex"),
        (b"v 1 2 3x\n", "line 1: expected a vertex"),
        (b"v 1 2 --3\n", "line 1: expected a vertex"),
        (b"v 0 0 0\nvt a b\n", "line 2: expected a texture coordinate"),
        (b"v 0 0 0\nv 0 0 0\nf 1 2\n", "line 3: expected a face with at least three corners"),
        (
            b"v 0 0 0\nf 1 1 2\n",
            "line 2: expected a face that names vertices of this file, 1 to 1; found 'f 1 1 2'",
        ),
        (b"v 0 0 0\nf 1 1 0\n", "line 2: expected a face that names vertices"),
        (b"v 0 0 0\nf 1 1 -2\n", "line 2: expected a face that names vertices"),
        (b"v 0 0 0\nf 1 1 99999999999\n", "line 2: expected a face that names vertices"),
        (b"v 0 0 0\nf 1 1 999999999999\n", "line 2: expected corners like"),
        (b"v 0 0 0\nf 1 1 4000000000\n", "line 2: expected a face that names vertices"),
        (b"v 0 0 0\nvt 0 0\nf 1/1 1/1 1/2\n", "line 3: expected a face that names texture coordinates"),
        (b"v 0 0 0\nvt 0 0\nf 1/0 1/1 1/1\n", "line 3: expected corners like"),
        (b"v 0 0 0\nf 1 1 1.5\n", "line 2: expected corners like"),
        (b"v 0 0 0\nf 1/ 1/ 1/\n", "line 2: expected corners like"),
        (b"v 0 0 0\nf a b c\n", "line 2: expected corners like"),
        (b"# nothing\n", "expected vertices .* found none"),
        (b"\x00" * 100, "expected vertices"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "bad.obj"
    path.write_bytes(text)
    with pytest.raises(mien.FormatError, match=message) as caught:
        mien.read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_faces_may_come_before_their_vertices():
    assert arrays(b"f 1 2 3\nv 0 0 0\nv 1 0 0\nv 0 1 0\n")["faces"] == [[0, 1, 2]]


def take_of(n_frames: int = 20) -> mien.MeshSequence:
    rng = np.random.default_rng(5)
    faces = rng.integers(0, 30, (40, 4))
    topology = mien.Topology(
        np.full(40, 4), faces.ravel(), 30, uvs=rng.random((9, 2)), uv_indices=rng.integers(0, 9, 160)
    )
    positions = rng.normal(size=(n_frames, 30, 3)).astype(np.float32)
    return mien.MeshSequence(topology, positions, start_frame=1001, name="face")


@pytest.fixture
def sequence(tmp_path) -> pathlib.Path:
    mien.write(tmp_path / "shot.####.obj", take_of())
    return tmp_path


@pytest.mark.parametrize("pattern", ["shot.####.obj", "shot.%04d.obj", "shot.%d.obj", "shot.#.obj", "."])
def test_patterns_and_folders_find_the_frames(sequence, pattern):
    take = mien.read(sequence / pattern)
    assert np.array_equal(take.positions, take_of().positions)
    assert (take.start_frame, take.name) == (1001, "face")
    assert sorted(p.name for p in sequence.iterdir()) == [f"shot.{n}.obj" for n in range(1001, 1021)]


def test_a_single_file_is_one_frame_with_the_number_in_its_name(sequence):
    take = mien.read(sequence / "shot.1007.obj")
    assert np.array_equal(take.positions, take_of().positions[6:7])
    assert take.start_frame == 1007


def test_a_single_frame_has_a_plain_name(tmp_path):
    one = take_of(1)
    report = mien.write(tmp_path / "face.obj", one)
    assert report.not_kept == ("start_frame: the name face.obj holds no frame number; 1001 is not kept",)
    assert mien.write(tmp_path / "face_1001.obj", one).not_kept == ()
    with pytest.raises(ValueError, match=r"`path` must be a pattern such as .*face\.####\.obj for 20 frames"):
        mien.write(tmp_path / "face.obj", take_of())
    with pytest.raises(ValueError, match="one place for the frame number"):
        mien.write(tmp_path / "face.##.##.obj", take_of())


def test_frames_may_be_numbered_from_below_zero(tmp_path):
    take = mien.MeshSequence(
        mien.Topology([], [], 1), np.arange(12, dtype=np.float32).reshape(4, 1, 3), start_frame=-2
    )
    mien.write(tmp_path / "a.##.obj", take)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.-1.obj", "a.-2.obj", "a.00.obj", "a.01.obj"]
    for path in (tmp_path / "a.##.obj", tmp_path):
        back = mien.read(path)
        assert np.array_equal(back.positions, take.positions)
        assert back.start_frame == -2


def test_a_missing_frame_is_named(sequence):
    (sequence / "shot.1010.obj").unlink()
    with pytest.raises(
        mien.FormatError, match=r"frame 1010: expected a file for every frame from 1001 to 1020"
    ):
        mien.read(sequence)
    (sequence / "shot.1011.obj").unlink()
    with pytest.raises(mien.FormatError, match=r"found none for 1010 to 1011, after shot\.1009\.obj"):
        mien.read(sequence / "shot.####.obj")


def test_a_folder_with_two_sequences_is_refused(sequence):
    os.rename(sequence / "shot.1020.obj", sequence / "other.1020.obj")
    with pytest.raises(
        mien.FormatError, match=r"name a pattern to choose; found other\.####\.obj, shot\.####\.obj"
    ):
        mien.read(sequence)
    os.rename(sequence / "other.1020.obj", sequence / "neutral.obj")
    with pytest.raises(mien.FormatError, match=r"neutral\.obj: expected files with frame numbers"):
        mien.read(sequence)


def test_older_frames_beside_the_new_ones_are_reported(sequence):
    report = mien.write(sequence / "shot.####.obj", take_of(3))
    assert report.not_kept == (
        "frames: 17 older files of this pattern remain beside the new ones (1004 to 1020)",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.replace(b"\nf ", b"\nv 0 0 0\nf ", 1),
            "expected the 30 vertices of the first frame; found 31",
        ),
        (lambda t: t.replace(b"\nv ", b"\nvn ", 1), "found 29|names vertices of this file, 1 to 29"),
        (lambda t: t + b"f 1 2 3\n", "expected the 40 faces of the first frame; found 41"),
        (lambda t: t[: t.rindex(b"f ")], "expected the 40 faces of the first frame; found 39"),
        (lambda t: t[: t.rindex(b"f ")] + b"f 1 1 1 1\n", "found another face 39: the topology changes"),
        (lambda t: t[: t.rindex(b"f ")] + b"f 1 1 99\n", "line .*: expected a face that names vertices"),
        (lambda t: t.replace(b"\nv ", b"\nv x", 1), "line 3: expected a vertex"),
    ],
)
def test_a_frame_that_is_not_like_the_first_is_named(sequence, change, message):
    path = sequence / "shot.1018.obj"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(mien.FormatError, match=message) as caught:
        mien.read(sequence)
    assert "shot.1018.obj" in str(caught.value)
    assert mien.read(sequence, frames=(0, 17)).n_frames == 17


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(b"\n", b"\r\n"),
        lambda t: t.removesuffix(b"\n"),
        lambda t: t.replace(b"\nf ", b"\ng a\nf ").replace(b"f ", b"f  "),
        lambda t: t + b"# an end",
    ],
)
@pytest.mark.parametrize("which", ["first", "later"])
def test_frames_with_the_same_faces_in_other_words_are_read(sequence, change, which):
    path = sequence / ("shot.1001.obj" if which == "first" else "shot.1015.obj")
    path.write_bytes(change(path.read_bytes()))
    assert np.array_equal(mien.read(sequence).positions, take_of().positions)


def test_a_text_that_stops_within_a_face_is_not_taken_for_a_longer_one(tmp_path):
    vertices = b"v 0 0 0\n" * 12
    (tmp_path / "a.1.obj").write_bytes(vertices + b"f 1 2 1")
    (tmp_path / "a.2.obj").write_bytes(vertices + b"f 1 2 12\n")
    with pytest.raises(mien.FormatError, match=r"a\.2\.obj: .*another face 0"):
        mien.read(tmp_path)


def test_negative_indices_count_from_where_they_stand(tmp_path):
    vertices = [b"v %d 0 0\n" % i for i in range(4)]
    (tmp_path / "a.1.obj").write_bytes(b"".join([*vertices, b"f -3 -2 -1\n"]))
    (tmp_path / "a.2.obj").write_bytes(b"".join([*vertices[:3], b"f -3 -2 -1\n", vertices[3]]))
    with pytest.raises(mien.FormatError, match=r"a\.2\.obj: .*another face 0"):
        mien.read(tmp_path)


@pytest.mark.parametrize("fails_at", range(6))
def test_a_move_that_fails_puts_the_old_frames_back(sequence, monkeypatch, fails_at):
    """Three frames are written, of which two were there: five renames, at any of which the disk may fail."""
    (sequence / "shot.1002.obj").unlink()
    before = {path.name: path.read_bytes() for path in sequence.iterdir()}
    replace, calls = os.replace, []

    def failing(source, target):
        calls.append(source)
        if len(calls) == fails_at + 1:
            raise OSError("the disk is gone")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    changed = take_of(3).with_positions(-take_of(3).positions)
    if fails_at == 5:
        mien.write(sequence / "shot.####.obj", changed)
        assert len(calls) == 5
        return
    with pytest.raises(OSError, match="the disk is gone"):
        mien.write(sequence / "shot.####.obj", changed)
    assert {path.name: path.read_bytes() for path in sequence.iterdir()} == before


def test_threads_do_not_matter(sequence, run_python):
    code = f"import mien; print(hash(mien.read({str(sequence)!r}).positions.tobytes()))"
    assert run_python(code, MIEN_NUM_THREADS="1", PYTHONHASHSEED="0") == run_python(
        code, MIEN_NUM_THREADS="2", PYTHONHASHSEED="0"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_text_is_read_or_refused(tmp_path, data):
    read_or_refuse(tmp_path / "bad.obj", data.draw(damaged(CUBE_LIKE)))
