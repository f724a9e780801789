"""Real characters: .glb files against the same data in .npz files, and a recorded take against its truth."""

from __future__ import annotations

import numpy as np
import pytest

import mien

NAMES = ("facecap_head", "mh_toon_child", "mh_adult_female")


@pytest.fixture(params=NAMES)
def pair(request, data_dir):
    path = data_dir / "characters" / request.param
    with np.load(path.with_suffix(".npz")) as data:
        return path.with_suffix(".glb"), {key: data[key] for key in data.files}


def test_the_rig_is_that_of_the_arrays(pair):
    path, arrays = pair
    rig = mien.read_rig(path)
    assert rig.names == tuple(arrays["target_names"])
    assert rig.neutral.tobytes() == arrays["vertices"].tobytes()
    np.testing.assert_array_equal(rig.deltas, arrays["target_deltas"])
    np.testing.assert_array_equal(rig.topology.triangles, arrays["triangles"])
    assert (rig.name, rig.metres_per_unit, rig.up_axis) == (path.stem.replace("facecap_", ""), 1.0, "y")


def test_archives_of_others_are_rigs(pair):
    path, arrays = pair
    rig = mien.read_rig(path.with_suffix(".npz"))
    np.testing.assert_array_equal(rig.deltas, arrays["target_deltas"])
    if "polygons" in arrays:
        assert rig.topology == mien.Topology.from_polygons(arrays["polygons"], len(arrays["vertices"]))


def test_written_again_nothing_changes(pair, tmp_path, rng):
    path, _ = pair
    rig = mien.read_rig(path)
    report = mien.write_rig(tmp_path / "a.glb", rig)
    assert report.not_kept == ()
    assert (tmp_path / "a.glb").stat().st_size < path.stat().st_size
    mien.write_rig(tmp_path / "a.npz", rig)
    weights = rng.random((3, rig.n_shapes))
    expected = rig.evaluate(weights)
    for name in ("a.glb", "a.npz"):
        again = mien.read_rig(tmp_path / name)
        assert again.topology == rig.topology
        assert (again.topology.uvs is None) == (rig.topology.uvs is None)
        assert again.evaluate(weights).positions.tobytes() == expected.positions.tobytes()


def test_the_recorded_take_has_its_weights_and_head_motion(data_dir):
    """The curves of the file move a node above the head; both together are the recorded performance."""
    path = data_dir / "characters/facecap_head.glb"
    with np.load(data_dir / "sequences/facecap_native.npz") as data:
        truth, weights, names = data["vertices"], data["weights"], data["expression_names"]
    take = mien.read(path)
    assert (take.fps, take.n_frames, take.start_frame) == (30, 335, 1)
    assert np.abs(take.positions - truth).max() <= 2e-6  # centimetres; a float32 ulp at 14 cm is 1e-6
    curves = mien.read_curves(path)
    assert curves.names == tuple(names)
    np.testing.assert_array_equal(curves.weights, weights)
    teeth = mien.read(path, node="teeth")
    assert teeth.n_frames == 335
    assert np.ptp(teeth.positions, axis=0).max() > 1


def test_the_face_model_is_a_rig(data_dir):
    rig = mien.read_rig(data_dir / "ict_face/ict_face.npz")
    with np.load(data_dir / "ict_face/ict_face.npz") as data:
        deltas, polygons = data["expression_deltas"], data["polygons"]
    assert rig.n_shapes == 57
    np.testing.assert_array_equal(rig.delta("jawOpen"), deltas[list(rig.names).index("jawOpen")])
    assert rig.topology.n_faces == len(polygons)
    assert rig.topology.uvs.shape == (28911, 2)


def test_a_character_of_many_parts(data_dir):
    path = data_dir / "characters/RobotExpressive.glb"
    rig = mien.read_rig(path)
    assert (rig.name, rig.names, rig.n_vertices) == ("Head", ("Angry", "Surprised", "Sad"), 1742)
    assert (
        2 < rig.neutral[:, 1].min() < rig.neutral[:, 1].max() < 5
    )  # a head some metres up: its nodes were applied
    with pytest.raises(ValueError, match="'Head@Dance', 'Head@Death'"):
        mien.read(path)
    take = mien.read(path, node="Head@Dance")
    assert (take.n_frames, take.fps, take.start_frame) == (81, 24, 0)
    hand = mien.read(path, node="Hand.R@Wave")  # a skin
    assert np.ptp(hand.positions, axis=0).max() > 0.5
