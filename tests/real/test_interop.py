"""Files that Blender wrote, and a real face through every format."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import pytest

import mien


@pytest.fixture(scope="module")
def expected(data_dir: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(data_dir / "interop/expected.npz") as data:
        return {key: data[key] for key in data.files}


@pytest.fixture(scope="module")
def face(data_dir: pathlib.Path) -> mien.MeshSequence:
    """Return a real take on the full model: 26,719 vertices, texture coordinates with seams."""
    take = mien.read(data_dir / "sequences/facecap_full_24.npz", frames=(0, 6))
    with np.load(data_dir / "ict_face/ict_face.npz") as model:
        polygons, corners, uvs = model["polygons"], model["polygon_uv"], model["uv"]
    used = polygons >= 0
    topology = mien.Topology(used.sum(1), polygons[used], take.n_vertices, uvs=uvs, uv_indices=corners[used])
    assert topology == take.topology
    return dataclasses.replace(take, topology=topology, start_frame=1001, fps=30, up_axis="y", name="face")


@pytest.mark.parametrize("file", ["blender.usdc", "blender.abc"])
def test_what_blender_wrote_is_read(data_dir, expected, file):
    if file.endswith("usdc"):
        pytest.importorskip("pxr")
    take = mien.read(data_dir / "interop" / file)
    assert np.abs(take.positions - expected["vertices"]).max() <= 3e-7
    assert np.array_equal(take.topology.triangles, expected["triangles"])
    assert (take.n_frames, take.fps, take.start_frame) == (20, 30, 1)


@pytest.mark.parametrize("frame", [1, 10, 20])
def test_obj_files_of_blender_are_read(data_dir, expected, frame):
    take = mien.read(data_dir / f"interop/frame_{frame:04d}.obj")
    assert np.abs(take.positions[0] - expected["vertices"][frame - 1]).max() < 1e-6
    assert np.array_equal(take.topology.triangles, expected["triangles"])
    assert (take.start_frame, take.name) == (frame, "head")


@pytest.mark.parametrize(
    "file", ["face.npz", "face.abc", "face.usdc", "face.####.obj", "face.####.ply", "face.pc2", "face.mdd"]
)
def test_a_real_face_comes_back_to_the_last_bit(face, tmp_path, file):
    if file.endswith("usdc"):
        pytest.importorskip("pxr")
    report = mien.write(tmp_path / file, face)
    take = mien.read(tmp_path / file)
    assert take.positions.tobytes() == face.positions.tobytes()
    assert take.start_frame == 1001
    lost = {sentence.split(":")[0] for sentence in report.not_kept}
    if "polygons" not in lost:
        assert take.topology == face.topology
        own, theirs = take.topology, face.topology
        assert np.array_equal(own.uvs[own.uv_indices], theirs.uvs[theirs.uv_indices])
    for what in ("fps", "metres_per_unit", "up_axis", "name"):
        assert (getattr(take, what) == getattr(face, what)) == (what not in lost), what


def test_every_real_face_obj_is_read_as_numpy_reads_it(data_dir):
    path = data_dir / "interop/frame_0001.obj"
    lines = [line.split()[1:] for line in path.read_text().splitlines() if line.startswith("v ")]
    assert np.array_equal(mien.read(path).positions[0], np.array(lines, np.float32))
