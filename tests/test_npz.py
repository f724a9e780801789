"""NPZ and NPY: mapped where possible, other people's archives, damaged ones."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.damage import damaged, read_or_refuse

import mien


def take_of(n_frames: int = 5, n_vertices: int = 7, dtype: type = np.float32) -> mien.MeshSequence:
    rng = np.random.default_rng(1)
    topology = mien.Topology([3, 4], [0, 1, 2, 3, 4, 5, 6][:7], n_vertices)
    return mien.MeshSequence(topology, rng.normal(size=(n_frames, n_vertices, 3)).astype(dtype))


def mapped(array: np.ndarray) -> bool:
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_we_write_is_mapped_and_numpy_reads_it(tmp_path, suffix, dtype):
    take, path = take_of(dtype=dtype), tmp_path / f"take{suffix}"
    mien.write(path, take)
    back = mien.read(path, frames=(1, 4)).positions
    assert mapped(back)
    assert back.flags.aligned
    assert not back.flags.writeable
    assert np.array_equal(back, take.positions[1:4])
    loaded = np.load(path, allow_pickle=False)
    assert np.array_equal(loaded if suffix == ".npy" else loaded["positions"], take.positions)


def test_arrays_in_the_archive_begin_at_multiples_of_64_bytes(tmp_path):
    path = tmp_path / "take.npz"
    mien.write(path, take_of())
    data = path.read_bytes()
    start = data.index(take_of().positions.tobytes())
    assert start % 64 == 0


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("frames", [None, (2, 4)])
def test_archives_of_others_are_read(tmp_path, save, frames):
    path = tmp_path / "other.npz"
    positions = take_of().positions
    polygons = np.array([[0, 1, 2, -1], [3, 4, 5, 6]])
    save(path, vertices=positions, polygons=polygons, triangles=np.zeros((9, 3), int), fps=60, units="mm")
    take, window = mien.read(path, frames=frames), slice(*(frames or (0, 5)))
    assert np.array_equal(take.positions, positions[window])
    assert (take.fps, take.metres_per_unit, take.start_frame) == (60, 0.001, window.start)
    assert take.topology == mien.Topology([3, 4], [0, 1, 2, 3, 4, 5, 6], 7)
    info = mien.file_info(path)
    assert (info.n_frames, info.n_vertices, info.n_faces, info.fps) == (5, 7, 2, 60)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.astype(">f4"),
        np.asfortranarray,
        lambda a: np.asfortranarray(a.astype(">f8")),
    ],
)
@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_other_byte_orders_and_memory_orders_are_turned(tmp_path, change, suffix):
    positions, path = take_of().positions, tmp_path / f"odd{suffix}"
    np.save(path, change(positions)) if suffix == ".npy" else np.savez(path, vertices=change(positions))
    back = mien.read(path, frames=(1, 3)).positions
    assert np.array_equal(back, positions[1:3])
    assert back.dtype.isnative


def test_one_frame_may_come_without_the_frame_axis(tmp_path):
    np.save(tmp_path / "one.npy", take_of().positions[0])
    assert mien.read(tmp_path / "one.npy").positions.shape == (1, 7, 3)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"rotation": np.eye(3)}, "arrays: expected positions or vertices; found rotation"),
        ({"vertices": np.zeros((2, 3, 4))}, "expected float32 or float64 positions"),
        ({"vertices": np.zeros((2, 3, 3), int)}, "expected float32 or float64 positions"),
        ({"vertices": np.array([None])}, "expected a NumPy array of numbers"),
        ({"vertices": np.zeros((2, 3, 3)), "triangles": [[0, 1, 3]]}, "expected faces that fit the vertices"),
        ({"vertices": np.zeros((2, 3, 3)), "triangles": [[0.0, 1, 2]]}, "expected faces that fit"),
        ({"vertices": np.zeros((2, 3, 3)), "units": "furlong"}, "array 'units': expected one of mm"),
        ({"vertices": np.zeros((2, 3, 3)), "fps": -1.0}, "array 'fps'"),
        ({"vertices": np.zeros((2, 3, 3)), "fps": np.nan}, "array 'fps'"),
        ({"vertices": np.zeros((2, 3, 3)), "fps": [24, 24]}, "array 'fps': expected a single number"),
        ({"vertices": np.zeros((2, 3, 3)), "up_axis": "x"}, "array 'up_axis': expected 'y' or 'z'"),
    ],
)
def test_archives_that_make_no_sense_are_named(tmp_path, arrays, message):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(mien.FormatError, match=message) as caught:
        mien.read(path)
    assert str(caught.value).startswith(str(path))


def npy_bytes(shape: str, body: bytes = b"") -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


@pytest.mark.parametrize("shape", ["(1152921504606846976, 5, 3)", "(2, -5, 3)", "(2, 5, 3)", "(2, 5)", "3"])
@pytest.mark.parametrize("packed", ["npy", "stored", "deflated"])
def test_sizes_that_the_file_cannot_hold_are_refused_before_anything_is_allocated(tmp_path, shape, packed):
    data = npy_bytes(shape, bytes(60))
    if packed == "npy":
        path = tmp_path / "bad.npy"
    else:
        buffer, path = io.BytesIO(), tmp_path / "bad.npz"
        method = zipfile.ZIP_STORED if packed == "stored" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("vertices.npy", data)
        data = buffer.getvalue()
    read_or_refuse(path, data)
    with pytest.raises(mien.FormatError, match="expected"):
        mien.read(path)


def saved(suffix: str) -> bytes:
    buffer, take = io.BytesIO(), take_of()
    if suffix == ".npy":
        np.save(buffer, take.positions)
    else:
        save = np.savez if suffix == ".npz" else np.savez_compressed
        save(buffer, vertices=take.positions, triangles=[[0, 1, 2]], fps=24.0, units="cm")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [".npy", ".npz", "compressed"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path, kind, data):
    suffix = ".npy" if kind == ".npy" else ".npz"
    read_or_refuse(tmp_path / f"bad{suffix}", data.draw(damaged(saved(kind))))
