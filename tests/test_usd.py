"""USD: what the library stores, transforms, winding, texture coordinates, time, damaged files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.damage import damaged, read_or_refuse

import mien

pytest.importorskip("pxr", reason="needs the usd extra")
pytestmark = pytest.mark.usd

from pxr import Gf, Sdf, Usd, UsdGeom, Vt  # noqa: E402

POSITIONS = np.random.default_rng(6).normal(size=(4, 5, 3)).astype(np.float32)
COUNTS, INDICES = [4, 3], [0, 1, 2, 3, 4, 2, 1]


def stage_with_mesh(place: str = "/head", times=(1, 2, 3, 4), positions=POSITIONS):
    stage = Usd.Stage.CreateInMemory()
    mesh = UsdGeom.Mesh.Define(stage, place)
    mesh.CreateFaceVertexCountsAttr(COUNTS)
    mesh.CreateFaceVertexIndicesAttr(INDICES)
    attribute = mesh.CreatePointsAttr()
    for time, points in zip(times, positions, strict=False):
        attribute.Set(Vt.Vec3fArray.FromNumpy(points), time)
    return stage, mesh


def save(stage, tmp_path, name: str = "a.usdc"):
    path = tmp_path / name
    stage.GetRootLayer().Export(str(path))
    return path


@pytest.mark.parametrize("suffix", [".usd", ".usda", ".usdc"])
def test_what_is_written_is_what_other_programs_look_for(tmp_path, suffix):
    uvs = np.random.default_rng(7).random((3, 2), np.float32)
    topology = mien.Topology(COUNTS, INDICES, 5, uvs=uvs, uv_indices=[0, 1, 2, 0, 1, 2, 0])
    take = mien.MeshSequence(
        topology, POSITIONS, fps=48, start_frame=1001, metres_per_unit=0.01, up_axis="z", name="my face"
    )
    path = tmp_path / f"a{suffix}"
    assert mien.write(path, take).not_kept == ()
    stage = Usd.Stage.Open(str(path))
    mesh = UsdGeom.Mesh(stage.GetDefaultPrim())
    assert (stage.GetTimeCodesPerSecond(), stage.GetFramesPerSecond()) == (48, 48)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001, 1004)
    assert (UsdGeom.GetStageUpAxis(stage), UsdGeom.GetStageMetersPerUnit(stage)) == ("Z", 0.01)
    assert mesh.GetSubdivisionSchemeAttr().Get() == "none"
    assert mesh.GetPointsAttr().GetTimeSamples() == [1001, 1002, 1003, 1004]
    assert np.array_equal(mesh.GetPointsAttr().Get(1003), POSITIONS[2])
    assert np.array_equal(mesh.GetExtentAttr().Get(1003), [POSITIONS[2].min(0), POSITIONS[2].max(0)])
    assert not mesh.GetNormalsAttr().HasAuthoredValue()
    st_primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")
    assert st_primvar.GetInterpolation() == "faceVarying"
    assert np.array_equal(st_primvar.ComputeFlattened(), uvs[[0, 1, 2, 0, 1, 2, 0]])
    back = mien.read(path)
    assert np.array_equal(back.positions, POSITIONS)
    assert (back.name, back.fps, back.start_frame) == ("my face", 48, 1001)
    assert np.array_equal(back.topology.uvs, uvs)


def test_a_file_written_over_is_read_anew(tmp_path):
    take = mien.MeshSequence(mien.Topology([], [], 5), POSITIONS)
    for factor in (1, 2):
        mien.write(tmp_path / "a.usdc", take.with_positions(POSITIONS * np.float32(factor)))
        assert np.array_equal(mien.read(tmp_path / "a.usdc").positions, POSITIONS * np.float32(factor))


def test_transforms_above_the_mesh_are_applied_at_every_time(tmp_path):
    stage, mesh = stage_with_mesh("/world/rig/head")
    world = UsdGeom.Xform.Define(stage, "/world")
    world.AddScaleOp().Set(Gf.Vec3f(2, 2, 2))
    turn = UsdGeom.Xform.Define(stage, "/world/rig").AddRotateZOp()
    move = mesh.AddTranslateOp()
    for time in (1, 2, 3, 4):
        turn.Set(30.0 * time, time)
        move.Set(Gf.Vec3d(time, 0, 0), time)
    take = mien.read(save(stage, tmp_path))
    for f, time in enumerate((1, 2, 3, 4)):
        angle = np.radians(30 * time)
        rotation = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        expected = 2 * ((POSITIONS[f] + np.array([time, 0.0, 0])) @ rotation.T)
        assert np.abs(take.positions[f] - expected).max() < 1e-6
    part = mien.read(tmp_path / "a.usdc", frames=(2, 4))
    assert np.array_equal(part.positions, take.positions[2:])


def test_a_still_mesh_under_a_moving_transform_is_a_take(tmp_path):
    stage, _ = stage_with_mesh("/rig/head", times=(1,))
    move = UsdGeom.Xform.Define(stage, "/rig").AddTranslateOp()
    for time in (10, 11, 12):
        move.Set(Gf.Vec3d(0, time, 0), time)
    take = mien.read(save(stage, tmp_path))
    assert (take.n_frames, take.start_frame) == (3, 10)
    assert np.allclose(take.positions[2], POSITIONS[0] + np.float32([0, 12, 0]), atol=1e-6)


def test_an_identity_leaves_every_bit(tmp_path):
    stage, _ = stage_with_mesh("/rig/head")
    UsdGeom.Xform.Define(stage, "/rig").AddTransformOp().Set(Gf.Matrix4d(1))
    assert mien.read(save(stage, tmp_path)).positions.tobytes() == POSITIONS.tobytes()


@pytest.mark.parametrize("left_handed", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_faces_are_seen_from_outside_whatever_the_hand(tmp_path, left_handed, mirrored):
    stage, mesh = stage_with_mesh()
    if left_handed:
        mesh.CreateOrientationAttr("leftHanded")
    if mirrored:
        mesh.AddScaleOp().Set(Gf.Vec3f(-1, 1, 1))
    primvar = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, "vertex")
    primvar.Set([(v, 0) for v in range(5)])
    topology = mien.read(save(stage, tmp_path)).topology
    turned = [3, 2, 1, 0, 1, 2, 4]
    assert topology.face_indices.tolist() == (turned if left_handed != mirrored else INDICES)
    assert topology.uvs[topology.uv_indices][:, 0].tolist() == topology.face_indices.tolist()


@pytest.mark.parametrize(
    ("name", "interpolation"), [("st", "faceVarying"), ("UVMap", "vertex"), ("map1", "varying")]
)
@pytest.mark.parametrize("indexed", [False, True])
def test_texture_coordinates_of_every_kind_are_read(tmp_path, name, interpolation, indexed):
    stage, mesh = stage_with_mesh()
    n = 7 if interpolation == "faceVarying" else 5
    primvar = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(name, Sdf.ValueTypeNames.TexCoord2fArray, interpolation)
    values = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    if indexed:
        primvar.Set(Vt.Vec2fArray.FromNumpy(values[::-1].copy()))
        primvar.SetIndices(list(range(n))[::-1])
    else:
        primvar.Set(Vt.Vec2fArray.FromNumpy(values))
    topology = mien.read(save(stage, tmp_path)).topology
    expected = values if interpolation == "faceVarying" else values[INDICES]
    assert np.array_equal(topology.uvs[topology.uv_indices], expected)


def test_texture_coordinates_that_do_not_fit_are_refused(tmp_path):
    stage, mesh = stage_with_mesh()
    UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, "faceVarying").Set(
        [(0, 0)]
    )
    with pytest.raises(
        mien.FormatError, match=r"/head primvars:st: expected 7 values for faceVarying.*found 1"
    ):
        mien.read(save(stage, tmp_path))


def test_a_mesh_is_chosen_by_path_or_name(tmp_path):
    stage, _ = stage_with_mesh("/a/head")
    other = UsdGeom.Mesh.Define(stage, "/a/teeth")
    other.CreatePointsAttr([(0, 0, 0)])
    path = save(stage, tmp_path)
    with pytest.raises(
        ValueError, match=r"`node` must name one of the meshes of .*: /a/head, /a/teeth; got None"
    ):
        mien.read(path)
    assert mien.read(path, node="/a/head").n_vertices == mien.read(path, node="head").n_vertices == 5
    assert mien.read(path, node="teeth").n_frames == 1
    with pytest.raises(ValueError, match="got 'nose'"):
        mien.read(path, node="nose")
    assert mien.file_info(path).nodes == ("/a/head", "/a/teeth")


@pytest.mark.parametrize(
    ("times", "per_second", "fps", "start"),
    [
        ((1001, 1002, 1003, 1004), 24, 24, 1001),
        ((10, 12, 14, 16), 24, 12, 10),
        (tuple((1001 + f) / 30 for f in range(4)), 1, 30, 1001),
        ((100, 100.5, 101, 101.5), 24, 48, 200),
    ],
)
def test_rate_and_first_frame_follow_the_samples(tmp_path, times, per_second, fps, start):
    stage, _ = stage_with_mesh(times=times)
    stage.SetTimeCodesPerSecond(per_second)
    path = save(stage, tmp_path)
    take, info = mien.read(path), mien.file_info(path)
    assert (take.fps, take.start_frame) == (pytest.approx(fps), start)
    assert (info.fps, info.start_frame, info.n_frames) == (pytest.approx(fps), start, 4)


def test_uneven_samples_need_a_rate(tmp_path):
    stage, _ = stage_with_mesh(times=(1, 2, 3.5, 4))
    path = save(stage, tmp_path)
    with pytest.raises(mien.FormatError, match="expected samples at evenly spaced whole frames"):
        mien.read(path)
    assert mien.read(path, fps=30).fps == 30
    assert mien.file_info(path).fps is None


def test_what_a_stage_does_not_state_is_not_made_up(tmp_path):
    stage, _ = stage_with_mesh()
    take = mien.read(save(stage, tmp_path))
    assert (take.metres_per_unit, take.up_axis) == (None, None)


def test_a_topology_that_changes_is_refused(tmp_path):
    stage, mesh = stage_with_mesh()
    mesh.GetFaceVertexIndicesAttr().Set(INDICES, 1)
    mesh.GetFaceVertexIndicesAttr().Set([0, 1, 2, 3, 4, 1, 2], 3)
    with pytest.raises(mien.FormatError, match=r"faceVertexIndices at time 3: expected the same faces"):
        mien.read(save(stage, tmp_path))
    stage, mesh = stage_with_mesh()
    mesh.GetPointsAttr().Set([(0, 0, 0)] * 6, 3)
    with pytest.raises(mien.FormatError, match=r"frame 2: expected 5 as in the first frame; found 6"):
        mien.read(save(stage, tmp_path, "b.usdc"))


@pytest.mark.parametrize(
    ("counts", "indices", "message"),
    [
        ([4, 4], INDICES, "faceVertexCounts that sum to 7"),
        ([-1, 8], INDICES, "faceVertexCounts that sum to 7"),
        ([4, 3], [0, 1, 2, 3, 4, 2, 5], "faceVertexIndices in 0 to 4"),
        ([4, 3], [0, 1, 2, 3, 4, 2, -1], "faceVertexIndices in 0 to 4"),
        ([5, 2], INDICES, "expected faces that fit the vertices"),
    ],
)
def test_faces_that_make_no_sense_are_refused(tmp_path, counts, indices, message):
    stage, mesh = stage_with_mesh()
    mesh.GetFaceVertexCountsAttr().Set(counts)
    mesh.GetFaceVertexIndicesAttr().Set(indices)
    with pytest.raises(mien.FormatError, match=message):
        mien.read(save(stage, tmp_path))


def test_stages_without_a_mesh_or_points_are_refused(tmp_path):
    stage = Usd.Stage.CreateInMemory()
    with pytest.raises(mien.FormatError, match="stage: expected a Mesh; found none"):
        mien.read(save(stage, tmp_path))
    UsdGeom.Mesh.Define(stage, "/empty")
    with pytest.raises(mien.FormatError, match="/empty points: expected at least one point"):
        mien.read(save(stage, tmp_path, "b.usdc"))


def test_a_projective_transform_is_refused(tmp_path):
    stage, mesh = stage_with_mesh()
    mesh.AddTransformOp().Set(Gf.Matrix4d(1, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1))
    with pytest.raises(mien.FormatError, match="/head transform: expected an affine transform"):
        mien.read(save(stage, tmp_path))


def test_without_the_library_the_user_learns_how_to_install_it(run_python, tmp_path):
    (tmp_path / "a.usda").write_text("#usda 1.0\n")
    code = (
        "import sys, mien\nsys.modules['pxr'] = None\nfor door in (mien.read, mien.file_info):\n"
        "    try: door('a.usda')\n    except ImportError as error: print(error)"
    )
    assert run_python(code).splitlines() == ['USD files need the extra `usd`: pip install "mien[usd]"'] * 2


@pytest.mark.parametrize("suffix", [".usda", ".usdc"])
def test_truncated_files_are_one_sentence_and_nothing_on_the_terminal(tmp_path, suffix, capfd):
    stage, _ = stage_with_mesh()
    data = save(stage, tmp_path, f"good{suffix}").read_bytes()
    (tmp_path / f"bad{suffix}").write_bytes(data[: len(data) // 2])
    with pytest.raises(mien.FormatError, match="expected") as caught:
        mien.read(tmp_path / f"bad{suffix}")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_text_is_read_or_refused(tmp_path, data):
    stage, _ = stage_with_mesh()
    original = save(stage, tmp_path, "good.usda").read_bytes()
    read_or_refuse(tmp_path / "bad.usda", data.draw(damaged(original)))


@pytest.mark.parametrize("count", [7, 2**20, 2**60, 2**64 - 1])
def test_a_table_of_contents_that_claims_too_much_is_refused(tmp_path, count):
    """Nothing else in a binary file is damaged here: its library has taken gigabytes and minutes over such files."""
    stage, _ = stage_with_mesh()
    data = bytearray(save(stage, tmp_path, "good.usdc").read_bytes())
    contents = int.from_bytes(data[16:24], "little")
    data[contents : contents + 8] = count.to_bytes(8, "little")
    read_or_refuse(tmp_path / "bad.usdc", bytes(data))
    with pytest.raises(mien.FormatError, match=r"table of contents: expected sections that fit"):
        mien.read(tmp_path / "bad.usdc")


@pytest.mark.parametrize("section", range(6))
@pytest.mark.parametrize(("field", "value"), [(16, 2**62), (16, 2**64 - 1), (24, 2**62), (24, 2**64 - 1)])
def test_sections_outside_the_file_are_refused(tmp_path, section, field, value):
    stage, _ = stage_with_mesh()
    data = bytearray(save(stage, tmp_path, "good.usdc").read_bytes())
    place = int.from_bytes(data[16:24], "little") + 8 + 32 * section + field
    data[place : place + 8] = value.to_bytes(8, "little")
    (tmp_path / "bad.usdc").write_bytes(bytes(data))
    with pytest.raises(mien.FormatError, match=r"section [A-Z]+: expected its place inside"):
        mien.read(tmp_path / "bad.usdc")


@pytest.mark.parametrize("section", range(6))
def test_sections_with_more_than_they_can_hold_are_refused(tmp_path, section):
    stage, _ = stage_with_mesh()
    data = bytearray(save(stage, tmp_path, "good.usdc").read_bytes())
    entry = int.from_bytes(data[16:24], "little") + 8 + 32 * section
    place = int.from_bytes(data[entry + 16 : entry + 24], "little")
    data[place : place + 8] = (2**40).to_bytes(8, "little")
    (tmp_path / "bad.usdc").write_bytes(bytes(data))
    with pytest.raises(mien.FormatError, match=r"section [A-Z]+: expected a count that fits"):
        mien.read(tmp_path / "bad.usdc")


@pytest.mark.parametrize("tenth", range(1, 10))
def test_binary_files_cut_short_are_refused(tmp_path, tenth):
    stage, _ = stage_with_mesh()
    data = save(stage, tmp_path, "good.usdc").read_bytes()
    read_or_refuse(tmp_path / "bad.usdc", data[: len(data) * tenth // 10])
