"""An archive that Blender wrote, and real takes there and back."""

from __future__ import annotations

import pathlib

import numpy as np

import mien


def test_blenders_archive_gives_the_expected_vertices(data_dir: pathlib.Path) -> None:
    path = data_dir / "interop/blender.abc"
    with np.load(data_dir / "interop/expected.npz") as expected:
        vertices, triangles = expected["vertices"], expected["triangles"]
    take = mien.read(path)
    # Blender turned the points to z up and back in float32: one unit in the last place of coordinates of 1 to 4 cm.
    assert np.abs(take.positions - vertices).max() <= 2.4e-7
    np.testing.assert_array_equal(take.topology.triangles, triangles)
    assert (take.fps, take.start_frame, take.name) == (30.0, 1, "head")
    assert take.metres_per_unit is None
    assert take.up_axis is None


def test_blenders_archive_survives_being_written_again(
    data_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    take = mien.read(data_dir / "interop/blender.abc")
    mien.write(tmp_path / "again.abc", take)
    again = mien.read(tmp_path / "again.abc")
    np.testing.assert_array_equal(again.positions, take.positions)
    assert again.topology == take.topology
    np.testing.assert_array_equal(again.topology.face_indices, take.topology.face_indices)
    assert (again.fps, again.start_frame, again.name) == (take.fps, take.start_frame, take.name)


def test_a_real_take_comes_back_bit_for_bit(truth, tmp_path: pathlib.Path) -> None:
    data = truth("rom_id_b_neck")
    topology = mien.Topology.from_polygons(data["polygons"], data["vertices"].shape[1])
    take = mien.MeshSequence(
        topology,
        data["vertices"],
        fps=float(data["fps"]),
        start_frame=1001,
        metres_per_unit=0.01,
        up_axis="y",
    )
    report = mien.write(tmp_path / "take.abc", take)
    assert {text.split(":")[0] for text in report.not_kept} == {"metres_per_unit", "up_axis"}
    found = mien.read(tmp_path / "take.abc")
    np.testing.assert_array_equal(found.positions.view(np.uint32), take.positions.view(np.uint32))
    np.testing.assert_array_equal(found.topology.face_counts, topology.face_counts)
    np.testing.assert_array_equal(found.topology.face_indices, topology.face_indices)
    assert (found.fps, found.start_frame) == (take.fps, take.start_frame)
